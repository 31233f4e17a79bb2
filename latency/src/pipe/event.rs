//! Events of a process.

use std::sync::mpsc::Sender;

use super::error::PipeError;
use super::message::Hello;

/// Event of a process, with replies of type `A`.
#[derive(Debug, Clone, PartialEq)]
pub enum Event<A> {
    /// The process replied to the hello, with the same protocol. Always the first event, unless the process ends before it.
    Hello(Box<Hello>),
    /// The process reports progress on a request.
    Progress {
        /// Identifier of the request.
        id: u64,
        /// Progress report.
        content: A,
    },
    /// The process has completed a request.
    Reply {
        /// Identifier of the request.
        id: u64,
        /// Reply.
        content: A,
    },
    /// The process cannot parse a request.
    Rejected {
        /// Identifier of the request, if the process could parse it.
        id: Option<u64>,
        /// Message of the process.
        reason: String,
    },
    /// The process ended or was killed, for this reason. Always the last event.
    Ended(PipeError),
}

/// Event of one of several processes that share a channel.
#[derive(Debug)]
pub struct Tagged<A> {
    /// Index of the process.
    pub index: usize,
    /// Number of the process among those started successively at this index; events of earlier ones are stale.
    pub generation: u64,
    /// Event.
    pub event: Event<A>,
}

impl<A> Tagged<A> {
    /// Creates a sink for [`super::Pipe::start`] that sends events, with their origin, to a channel.
    pub fn sink(sender: Sender<Self>, index: usize, generation: u64) -> impl FnMut(Event<A>) + Send + 'static
    where
        A: Send + 'static,
    {
        move |event| {
            // Sending fails only after the coordinator has dropped the receiver.
            let _ = sender.send(Self {
                index,
                generation,
                event,
            });
        }
    }
}
