//! Pipes: child processes that exchange JSON lines over stdin and stdout, such as device agents and training workers.
//!
//! A *coordinator* starts the process with any command that connects its stdin and stdout to the program: the program itself,
//! `ssh host program`, `srun program`. The *serving side*, the process, reads requests and writes replies until its stdin ends.
//!
//! | side | use |
//! |---|---|
//! | coordinator | [`Connection`]: one process, with one blocking request at a time |
//! | coordinator | [`Pipe`]: one of several processes that send their [`Event`]s to a shared channel |
//! | serving | [`serve`]: the loop that reads requests and writes replies |
//!
//! # Lines
//! Each line is one JSON document, in both directions. The first line of either side is its hello; the coordinator rejects another
//! protocol, or another version of it. A request has an `id`, which all lines about it contain: any number of progress lines, then one
//! reply. Each protocol defines the contents of its requests and replies; these are those of `mnas-agent`:
//!
//! ```text
//! {"id":1,"hello":{"protocol":"mnas-agent","version":2,"program":"mnas 0.1.0","host":{"cpu":"...","cores":8,...},"heartbeat-ms":5000}}
//! {"id":1,"hello":{"protocol":"mnas-agent","version":2,"program":"mnas-agent 0.1.0","host":{"cpu":"Cortex-A76","cores":4,...}}}
//! {"id":2,"request":{"run":{"steps":[[1,1]]}}}
//! {"id":2,"progress":...}
//! {"heartbeat":1}
//! {"id":2,"reply":{"times":{"ms":[0.011]}}}
//! {"id":3,"request":"unknown"}
//! {"id":3,"error":"this is not a request: unknown variant `unknown`, ..."}
//! ```
//!
//! The serving side replies to a line that it cannot parse with an `error`, with an `id` if the line contains one. The coordinator skips
//! lines that are not messages (a login banner, output of a library): they are counted and logged, and end the connection only if too
//! many are consecutive.
//!
//! # Process lifetime
//! If the coordinator's hello enables heartbeats, the serving side sends one every few seconds from a separate thread, even while it
//! handles a request; a process that sends no line for longer than [`Heartbeat::silence`] is considered dead. Without heartbeats, which
//! would disturb a measurement on a single core, each request has a time-out.
//!
//! The process has its own process group, so that Ctrl-C reaches only the coordinator. Dropping a [`Pipe`] closes the process's stdin,
//! which requests it to end, also on another machine, and kills the group if it does not end in time. Writing never blocks the
//! coordinator, because a thread does it. [`ReconnectPolicy`] determines when to restart a lost process.

mod command;
mod connection;
mod coordinator;
mod error;
mod event;
mod lines;
mod message;
mod options;
mod process;
mod reader;
mod reconnect;
mod serve;
mod state;
mod stderr;

pub use command::{CommandLine, CommandLineError};
pub use connection::Connection;
pub use coordinator::Pipe;
pub use error::PipeError;
pub use event::{Event, Tagged};
pub use message::{Hello, Protocol};
pub use options::{Heartbeat, PipeOptions};
pub use reconnect::{ReconnectPolicy, Reconnection};
pub use serve::{Identity, Progress, serve, serve_interruptible};
