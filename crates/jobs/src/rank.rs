//! The order of claims within a lane: priority first, then a fair share for each account, then age.
//!
//! Start-time fair queueing: jobs of one share and priority take turns that count upwards, from the turn that is being
//! served when they are submitted. Ten thousand jobs of one account stand on ten thousand turns, and the first job of
//! another account stands beside the first of them. A point of priority is worth [`TURNS_PER_POINT`] turns, so it
//! decides as long as nobody has that many jobs ahead; and since turns only grow, a job is passed by a bounded number
//! of later ones of each share and never starves.

/// A job goes ahead of one whose priority is a point lower, unless that one's turn is this much earlier.
pub const TURNS_PER_POINT: i64 = 1000;

/// The turn of a job that is submitted while `clock` is served, after the share's `last` one of that priority.
#[must_use]
pub const fn turn(clock: i64, last: Option<i64>) -> i64 {
    match last {
        Some(last) if last >= clock => last + 1,
        _ => clock,
    }
}

/// Where a job stands: smaller goes first. Jobs of equal rank go in the order of their submission.
#[must_use]
pub fn rank(turn: i64, priority: i32) -> i64 {
    turn - i64::from(priority) * TURNS_PER_POINT
}

/// The turn of a job that stands here: what the lane's clock shows once it is claimed.
#[must_use]
pub fn turn_of(rank: i64, priority: i32) -> i64 {
    rank + i64::from(priority) * TURNS_PER_POINT
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::{BTreeSet, HashMap};

    /// A lane, and who has submitted what: `(rank, number of the job)`.
    #[derive(Default)]
    struct Queue {
        clock: i64,
        last: HashMap<(usize, i32), i64>,
        jobs: BTreeSet<(i64, usize)>,
        of: Vec<(usize, i32)>,
    }

    impl Queue {
        fn submit(&mut self, share: usize, priority: i32) -> usize {
            let turn = turn(self.clock, self.last.get(&(share, priority)).copied());
            self.last.insert((share, priority), turn);
            self.of.push((share, priority));
            self.jobs.insert((rank(turn, priority), self.of.len() - 1));
            self.of.len() - 1
        }

        fn submit_many(&mut self, share: usize, priority: i32, jobs: usize) {
            for _ in 0..jobs {
                self.submit(share, priority);
            }
        }

        fn claim(&mut self) -> Option<usize> {
            let (rank, job) = self.jobs.pop_first()?;
            self.clock = self.clock.max(turn_of(rank, self.of[job].1));
            Some(job)
        }
    }

    #[test]
    fn priority_goes_first() {
        let mut queue = Queue::default();
        queue.submit_many(0, 60, 50);
        let urgent = queue.submit(0, 61);
        assert_eq!(queue.claim(), Some(urgent));
    }

    #[test]
    fn a_share_that_comes_later_gets_every_other_turn() {
        let mut queue = Queue::default();
        queue.submit_many(0, 60, 10_000);
        while queue.clock < 300 {
            queue.claim();
        }
        queue.submit_many(1, 60, 100);
        let next: Vec<usize> = (0..200).filter_map(|_| queue.claim()).collect();
        let theirs = next.iter().filter(|job| queue.of[**job].0 == 1).count();
        assert!((99..=100).contains(&theirs), "{theirs} of 200");
    }

    #[test]
    fn nobody_starves_under_a_stream_of_urgent_jobs() {
        let mut queue = Queue::default();
        let patient = queue.submit(0, 20);
        let mut passed = 0;
        // Two come for each one that goes.
        loop {
            queue.submit(1, 100);
            queue.submit(2, 100);
            if queue.claim() == Some(patient) {
                break;
            }
            passed += 1;
        }
        assert!(passed <= 2 * 80 * TURNS_PER_POINT, "{passed}");
    }

    proptest! {
        /// Whatever is submitted and claimed, a share's jobs of one priority keep their order, and no share gets ahead of
        /// another by more than a turn while both have jobs of the same priority.
        #[test]
        fn shares_stay_abreast(moves in proptest::collection::vec((0..3_usize, any::<bool>()), 1..400)) {
            let mut queue = Queue::default();
            let mut claimed = Vec::new();
            for share in 0..3 {
                queue.submit_many(share, 50, 200);
            }
            for (share, claim) in moves {
                if claim { claimed.extend(queue.claim()) } else { queue.submit(share, 50); }
            }
            let mut counts = [0_usize; 3];
            let mut last = [None; 3];
            for job in claimed {
                let (share, _) = queue.of[job];
                prop_assert!(last[share] < Some(job));
                last[share] = Some(job);
                counts[share] += 1;
                prop_assert!(counts.iter().max().unwrap() - counts.iter().min().unwrap() <= 1, "{counts:?}");
            }
        }
    }
}
