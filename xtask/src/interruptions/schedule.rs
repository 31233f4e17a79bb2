//! Victims and moments of kills, drawn from a seed.

use std::time::Duration;

/// Most workers killed between two kills of the coordinator: a trial whose worker is lost three times in one run counts as failed.
const WORKERS_IN_A_ROW: u32 = 2;

/// Processes that a kill ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Victim {
    /// The coordinator alone; its workers have to notice.
    Coordinator,
    /// One worker; the coordinator has to notice.
    Worker,
    /// The coordinator and all workers, as when the power fails.
    All,
}

/// A stream of victims and moments.
#[derive(Debug)]
pub struct Schedule {
    random: SplitMix64,
    longest: Duration,
    workers_in_a_row: u32,
}

impl Schedule {
    /// A stream whose pauses between two kills are spread evenly up to `longest`.
    pub fn new(seed: u64, longest: Duration) -> Self {
        Self {
            random: SplitMix64(seed),
            longest,
            workers_in_a_row: 0,
        }
    }

    /// Pause before the next kill.
    pub fn pause(&mut self) -> Duration {
        self.longest.mul_f64(self.random.share())
    }

    /// Victim of the next kill.
    pub fn victim(&mut self) -> Victim {
        let victim = match self.random.below(4) {
            0 | 1 if self.workers_in_a_row < WORKERS_IN_A_ROW => Victim::Worker,
            0 | 2 => Victim::Coordinator,
            _ => Victim::All,
        };
        self.workers_in_a_row = match victim {
            Victim::Worker => self.workers_in_a_row + 1,
            Victim::Coordinator | Victim::All => 0,
        };
        victim
    }

    /// One of these processes; `None` of none.
    pub fn choose(&mut self, processes: &[u32]) -> Option<u32> {
        match processes.len() {
            0 => None,
            length => Some(processes[self.random.below(length as u64) as usize]),
        }
    }
}

/// Random numbers of Steele, Lea and Flood, "Fast splittable pseudorandom number generators" (2014).
#[derive(Debug)]
struct SplitMix64(u64);

impl SplitMix64 {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 up to, not including, 1.
    fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// A whole number below a small bound.
    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_victim_is_drawn_and_workers_not_too_often_in_a_row() {
        let mut schedule = Schedule::new(1, Duration::from_secs(4));
        let victims: Vec<Victim> = (0..200).map(|_| schedule.victim()).collect();
        for victim in [Victim::Coordinator, Victim::Worker, Victim::All] {
            assert!(victims.iter().filter(|&&found| found == victim).count() > 30);
        }
        assert!(!victims.windows(3).any(|three| three == [Victim::Worker; 3]));
    }

    #[test]
    fn pauses_follow_from_the_seed_and_stay_below_the_longest() {
        let draw = |seed| {
            let mut schedule = Schedule::new(seed, Duration::from_secs(4));
            (0..50).map(|_| schedule.pause()).collect::<Vec<_>>()
        };
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
        assert!(draw(7).iter().all(|&pause| pause < Duration::from_secs(4)));
        assert_eq!(Schedule::new(0, Duration::ZERO).choose(&[]), None);
    }
}
