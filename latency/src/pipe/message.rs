//! Lines that are exchanged over a pipe; see the [module](super) for examples.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::machine::HostFacts;

/// Version of this program, for messages.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Identifier of the coordinator's hello; requests start at 2.
pub(super) const HELLO_ID: u64 = 1;

/// Protocol of requests and replies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Protocol {
    /// Name, which both sides must share: `mnas-agent`.
    pub name: &'static str,
    /// Version, which both sides must share.
    pub version: u32,
}

/// First line of either side.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Hello {
    /// Name of the protocol.
    pub protocol: String,
    /// Version of the protocol.
    pub version: u32,
    /// Name and version of the sender's program.
    pub program: String,
    /// Facts about the sender's machine.
    pub host: HostFacts,
    /// From the coordinator: interval in milliseconds at which the serving side sends heartbeats; `None` disables them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heartbeat_ms: Option<u64>,
    /// From the serving side: facts that coordinators need before the first request.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub payload: Value,
}

/// Content of a line to write, tagged by its kind.
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

/// Encodes a line, with its line ending.
pub(super) fn encode<T: Serialize>(id: Option<u64>, content: Content<'_, T>) -> serde_json::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(&Outgoing { id, content })?;
    line.push(b'\n');
    Ok(line)
}

/// Line read by the serving side.
#[derive(Debug, Deserialize)]
#[serde(bound = "Q: DeserializeOwned")]
pub(super) struct ToServer<Q> {
    pub id: u64,
    /// Hello as unparsed JSON, so that coordinators of other versions also get a reply.
    pub hello: Option<Value>,
    pub request: Option<Q>,
}

/// Line read by the coordinator after the hello.
#[derive(Debug, Deserialize)]
#[serde(bound = "A: DeserializeOwned")]
pub(super) struct FromServer<A> {
    pub id: Option<u64>,
    pub progress: Option<A>,
    pub reply: Option<A>,
    pub error: Option<String>,
    pub heartbeat: Option<u64>,
}

/// Identifier of a line that cannot be parsed as a message.
pub(super) fn id_of(line: &[u8]) -> Option<u64> {
    let line: Value = serde_json::from_slice(line).ok()?;
    line.get("id")?.as_u64()
}
