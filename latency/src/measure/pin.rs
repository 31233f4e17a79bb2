//! Keeping the measuring thread on its processor.

/// The calling thread, and threads it starts from now on, run on few processors until this is dropped.
///
/// A thread that moves finds the caches of its new processor empty, and on machines with large and small processors
/// another speed. Linux only; elsewhere there is nothing to be had.
#[derive(Debug)]
pub(super) struct Pin {
    #[cfg(target_os = "linux")]
    before: rustix::thread::CpuSet,
    /// Pinned is a thread, so this must stay with it.
    _thread: std::marker::PhantomData<*const ()>,
}

#[cfg(target_os = "linux")]
impl Pin {
    /// Pins `threads` threads to as many processors, the one that this thread is on among them. `None` where there is
    /// nothing to pin, or the system does not allow it.
    pub fn new(threads: usize) -> Option<Self> {
        use rustix::thread::{CpuSet, sched_getaffinity, sched_getcpu, sched_setaffinity};

        let before = sched_getaffinity(None).ok()?;
        let here = sched_getcpu();
        let allowed = (0..CpuSet::MAX_CPU).filter(|cpu| before.is_set(*cpu));
        // The scheduler has chosen this one; among the others the first ones have most interrupts to serve.
        let mut choice: Vec<usize> = allowed.collect();
        choice.sort_by_key(|cpu| (*cpu != here, std::cmp::Reverse(*cpu)));
        if threads == 0 || choice.len() < threads {
            return None;
        }
        let mut set = CpuSet::new();
        for cpu in &choice[..threads] {
            set.set(*cpu);
        }
        sched_setaffinity(None, &set).ok()?;
        Some(Self {
            before,
            _thread: std::marker::PhantomData,
        })
    }
}

#[cfg(target_os = "linux")]
impl Drop for Pin {
    fn drop(&mut self) {
        // What was allowed before is allowed again; should it fail, the thread only stays where it is.
        let _ = rustix::thread::sched_setaffinity(None, &self.before);
    }
}

#[cfg(not(target_os = "linux"))]
impl Pin {
    /// Nothing can be pinned here.
    pub fn new(_threads: usize) -> Option<Self> {
        None
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use rustix::thread::sched_getaffinity;

    #[test]
    fn a_pin_holds_until_it_is_dropped_and_passes_on_to_new_threads() {
        let before = sched_getaffinity(None).unwrap();
        let pin = Pin::new(1).unwrap();
        assert_eq!(sched_getaffinity(None).unwrap().count(), 1);
        let inherited = std::thread::spawn(|| sched_getaffinity(None).unwrap().count());
        assert_eq!(inherited.join().unwrap(), 1);
        drop(pin);
        assert_eq!(sched_getaffinity(None).unwrap(), before);
        assert!(Pin::new(0).is_none() && Pin::new(100_000).is_none());
        assert_eq!(sched_getaffinity(None).unwrap(), before);
    }
}
