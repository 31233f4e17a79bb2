//! Events of a process.

use std::sync::mpsc::Sender;

use super::error::PipeError;
use super::message::Hello;

/// An event of a process, `A` being the content of its replies.
#[derive(Debug, Clone, PartialEq)]
pub enum Event<A> {
    /// The process answered hello, with the same protocol. Always the first event, unless the pipe ends before it.
    Hello(Box<Hello>),
    /// A request is being worked on.
    Progress {
        /// The request's identifier.
        id: u64,
        /// The state of the work.
        content: A,
    },
    /// A request is done.
    Reply {
        /// The request's identifier.
        id: u64,
        /// The outcome.
        content: A,
    },
    /// The process cannot read a request.
    Rejected {
        /// The request's identifier, where the process could read that much.
        id: Option<u64>,
        /// The process's message.
        reason: String,
    },
    /// The process ended or was killed, for this reason. Always the last event.
    Ended(PipeError),
}

/// An event of one of many processes that share a channel.
#[derive(Debug)]
pub struct Tagged<A> {
    /// The place of the process among the others.
    pub index: usize,
    /// Counts the processes at this place: an event of an earlier one is out of date.
    pub generation: u64,
    /// The event.
    pub event: Event<A>,
}

impl<A> Tagged<A> {
    /// A sink for [`Pipe::start`] that sends events, with their origin, to a channel.
    pub fn sink(sender: Sender<Self>, index: usize, generation: u64) -> impl FnMut(Event<A>) + Send + 'static
    where
        A: Send + 'static,
    {
        move |event| {
            // A coordinator that no longer receives has no use for it.
            let _ = sender.send(Self {
                index,
                generation,
                event,
            });
        }
    }
}
