//! A process behind stdin and stdout that exchanges JSON lines: agents on devices, training workers.
//!
//! A *coordinator* starts the process with any command that gives a pipe to its stdin and stdout: the program itself, `ssh host program`,
//! `srun program`. The *serving side* reads requests and writes replies until its stdin ends.
//!
//! | side | use |
//! |---|---|
//! | coordinator | [`Connection`]: one process, one request at a time, each waited for |
//! | coordinator | [`Pipe`]: one of many processes, all of which send their [`Event`]s to one channel |
//! | serving | [`serve`]: the loop from a line to its replies |
//!
//! # Lines
//! One JSON document a line, both ways. The first line of either side is its hello; the coordinator refuses another protocol, or
//! another version of it. A request has an `id`, which every line about it carries: any number of progress lines, then one reply. What
//! requests and replies contain is the matter of each protocol; here those of `mnas-agent`:
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
//! A line that the serving side cannot read is answered by an `error`, with an `id` where one can be told. The coordinator passes over
//! lines that are no messages (a login's greeting, a library's output): they are counted and logged, and break the connection only
//! beyond a bound of lines in a row.
//!
//! # Life and death
//! Where the coordinator's hello asks for heartbeats, the serving side sends one every few seconds from a thread of its own, also while
//! it works; a process without a line for longer than [`Heartbeat::silence`] counts as dead. Without heartbeats, which would disturb a
//! measurement on a single core, each request has a time-out.
//!
//! The process has a process group of its own, so that Ctrl-C reaches the coordinator only. Dropping a [`Pipe`] closes the
//! process's stdin, which is its order to end, on another machine too, and kills the group if it does not end in time. Writing never
//! blocks the coordinator: a thread does it. [`ReconnectPolicy`] tells when to start a lost process again.

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
