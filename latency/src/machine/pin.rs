//! Keeping the measuring thread on its processor.
//!
//! A thread that moves finds the caches of its new processor empty, and on machines with large and small processors
//! another speed. Linux only; elsewhere there is nothing to be had.

/// The processors that a measurement stays on.
#[derive(Debug, Clone)]
pub(crate) struct Pin {
    #[cfg(target_os = "linux")]
    chosen: rustix::thread::CpuSet,
}

/// The calling thread, and threads that it starts, stay on the processors of a [`Pin`] until this is dropped.
///
/// Not held for longer than a burst: what else the thread starts, to draw a progress bar for one, has no business there.
#[derive(Debug)]
pub(crate) struct Held {
    #[cfg(target_os = "linux")]
    before: rustix::thread::CpuSet,
    /// Pinned is a thread, so this must stay with it.
    _thread: std::marker::PhantomData<*const ()>,
}

#[cfg(target_os = "linux")]
impl Pin {
    /// Chooses processors for `threads` threads, the one that this thread is on among them. `None` where there is
    /// nothing to pin, or not that many processors.
    pub fn choose(threads: usize) -> Option<Self> {
        use rustix::thread::{CpuSet, sched_getaffinity, sched_getcpu};

        let allowed = sched_getaffinity(None).ok()?;
        let here = sched_getcpu();
        let mut choice: Vec<usize> = (0..CpuSet::MAX_CPU).filter(|cpu| allowed.is_set(*cpu)).collect();
        // The scheduler has chosen this one; among the others the first ones have most interrupts to serve.
        choice.sort_by_key(|cpu| (*cpu != here, std::cmp::Reverse(*cpu)));
        if threads == 0 || choice.len() < threads {
            return None;
        }
        let mut chosen = CpuSet::new();
        for cpu in &choice[..threads] {
            chosen.set(*cpu);
        }
        Some(Self { chosen })
    }

    /// Pins the calling thread; `None` where the system does not allow it.
    pub fn hold(&self) -> Option<Held> {
        use rustix::thread::{sched_getaffinity, sched_setaffinity};

        let before = sched_getaffinity(None).ok()?;
        sched_setaffinity(None, &self.chosen).ok()?;
        Some(Held {
            before,
            _thread: std::marker::PhantomData,
        })
    }
}

#[cfg(target_os = "linux")]
impl Drop for Held {
    fn drop(&mut self) {
        // What was allowed before is allowed again; should it fail, the thread only stays where it is.
        let _ = rustix::thread::sched_setaffinity(None, &self.before);
    }
}

#[cfg(not(target_os = "linux"))]
impl Pin {
    /// Nothing can be pinned here.
    pub fn choose(_threads: usize) -> Option<Self> {
        None
    }

    /// Nothing can be pinned here.
    pub fn hold(&self) -> Option<Held> {
        Some(Held {
            _thread: std::marker::PhantomData,
        })
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use rustix::thread::sched_getaffinity;

    #[test]
    fn a_pin_holds_until_it_is_dropped_and_passes_on_to_new_threads() {
        let before = sched_getaffinity(None).unwrap();
        let pin = Pin::choose(1).unwrap();
        assert_eq!(sched_getaffinity(None).unwrap(), before);
        for _ in 0..2 {
            let held = pin.hold().unwrap();
            assert_eq!(sched_getaffinity(None).unwrap(), pin.chosen);
            assert_eq!(pin.chosen.count(), 1);
            let inherited = std::thread::spawn(|| sched_getaffinity(None).unwrap());
            assert_eq!(inherited.join().unwrap(), pin.chosen);
            drop(held);
            assert_eq!(sched_getaffinity(None).unwrap(), before);
        }
        assert!(Pin::choose(0).is_none() && Pin::choose(100_000).is_none());
    }
}
