//! The lines that travel over a pipe, see the [module](super) for examples.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::machine::HostFacts;

/// The version of this program, for messages.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The identifier of the coordinator's hello; requests follow from 2 on.
pub(super) const HELLO_ID: u64 = 1;

/// The language of requests and replies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Protocol {
    /// Its name, for messages and against mix-ups: `mnas-agent`.
    pub name: &'static str,
    /// Its version; both sides must have the same.
    pub version: u32,
}

/// The first line of either side.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Hello {
    /// Name of the protocol.
    pub protocol: String,
    /// Version of the protocol.
    pub version: u32,
    /// The sender's program and its version.
    pub program: String,
    /// The sender's machine.
    pub host: HostFacts,
    /// From the coordinator: milliseconds between two heartbeats of the serving side; none where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heartbeat_ms: Option<u64>,
    /// From the serving side: facts of its own that every coordinator wants first.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub payload: Value,
}

/// The content of a line that is written, under its name.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Content<'a, T> {
    Hello(&'a Hello),
    Request(&'a T),
    Progress(&'a T),
    Reply(&'a T),
    Error(&'a str),
    Heartbeat(u64),
}

#[derive(Serialize)]
struct Outgoing<'a, T> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<u64>,
    #[serde(flatten)]
    content: Content<'a, T>,
}

/// A line with its end.
pub(super) fn encode<T: Serialize>(id: Option<u64>, content: Content<'_, T>) -> serde_json::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(&Outgoing { id, content })?;
    line.push(b'\n');
    Ok(line)
}

/// A line that the serving side reads.
#[derive(Debug, Deserialize)]
#[serde(bound = "Q: DeserializeOwned")]
pub(super) struct ToServer<Q> {
    pub id: u64,
    /// As JSON: a coordinator of another version is answered too.
    pub hello: Option<Value>,
    pub request: Option<Q>,
}

/// A line that the coordinator reads after hello.
#[derive(Debug, Deserialize)]
#[serde(bound = "A: DeserializeOwned")]
pub(super) struct FromServer<A> {
    pub id: Option<u64>,
    pub progress: Option<A>,
    pub reply: Option<A>,
    pub error: Option<String>,
    pub heartbeat: Option<u64>,
}

/// The identifier of a line that cannot be read otherwise.
pub(super) fn id_of(line: &[u8]) -> Option<u64> {
    let line: Value = serde_json::from_slice(line).ok()?;
    line.get("id")?.as_u64()
}
