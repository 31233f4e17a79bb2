//! Pinning of the measuring thread to processors.
//!
//! A thread that migrates loses the contents of its caches, and its speed changes on machines with cores of different
//! speeds. Supported on Linux only; without effect on other systems.

/// Processors to which a measurement is pinned.
#[derive(Debug, Clone)]
pub(crate) struct Pin {
    #[cfg(target_os = "linux")]
    chosen: rustix::thread::CpuSet,
}

/// Guard that pins the calling thread, and threads that it starts, to the processors of a [`Pin`] until dropped.
///
/// Held for no longer than a burst, so that other threads, such as that of a progress bar, are not pinned as well.
#[derive(Debug)]
pub(crate) struct Held {
    #[cfg(target_os = "linux")]
    before: rustix::thread::CpuSet,
    /// Prevents moving the guard to another thread, since the pin applies to the current one.
    _thread: std::marker::PhantomData<*const ()>,
}

#[cfg(target_os = "linux")]
impl Pin {
    /// Chooses processors for `threads` threads, including the current one. `None` if `threads` is 0 or exceeds the number of
    /// available processors.
    pub fn choose(threads: usize) -> Option<Self> {
        use rustix::thread::{CpuSet, sched_getaffinity, sched_getcpu};

        let allowed = sched_getaffinity(None).ok()?;
        let here = sched_getcpu();
        let mut choice: Vec<usize> = (0..CpuSet::MAX_CPU).filter(|cpu| allowed.is_set(*cpu)).collect();
        // Starts with the current processor, then the highest numbers: low-numbered processors serve the most interrupts.
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

    /// Pins the calling thread; `None` if the system does not allow it.
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
        // Restores the previous affinity; on failure, the thread only remains pinned.
        let _ = rustix::thread::sched_setaffinity(None, &self.before);
    }
}

#[cfg(not(target_os = "linux"))]
impl Pin {
    /// Returns `None`: pinning is not supported on this system.
    pub fn choose(_threads: usize) -> Option<Self> {
        None
    }

    /// Returns `None`: pinning is not supported on this system.
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
