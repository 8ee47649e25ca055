//! How long what is queued will take: from what jobs of the same kind have taken of late.

use serde::Serialize;
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};
use trawl_jobs::State;
use trawl_store::jobs::Job;
use utoipa::ToSchema;

/// What a job counts for when the next of its kind has ended: about the last fifty matter.
const FADES: f64 = 0.98;
/// Fewer are no measure.
const ENOUGH: f64 = 3.0;
/// What a job is thought to take before one of its kind has ended.
const FIRST: Cost = Cost { weight: 1.0, seconds: 1.0, requests: 2.0 };

/// What jobs of a kind take.
#[derive(Debug, Clone, Copy, Default)]
struct Cost {
    weight: f64,
    seconds: f64,
    requests: f64,
}

/// What has been learnt since the website was started.
#[derive(Debug, Default)]
pub struct Outlook(Mutex<HashMap<String, Cost>>);

/// What is left to do.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, ToSchema)]
pub struct Estimate {
    /// Jobs that are queued or run. What waits for a person or for GitLab is not among them.
    pub jobs: i64,
    /// Requests to GitLab.
    pub requests: i64,
    /// Seconds until all of it is done.
    pub seconds: i64,
    /// Whether jobs of these kinds have been measured; else it is a guess.
    pub measured: bool,
}

impl Outlook {
    /// A job has completed in so many seconds.
    pub fn learn(&self, job: &Job, seconds: f64) {
        let result: Option<serde_json::Value> = job.result.as_deref().and_then(|text| serde_json::from_str(text).ok());
        let requests = result.and_then(|result| result["requests"].as_f64()).unwrap_or(1.0);
        // Whatever was learnt is whole.
        let mut costs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let cost = costs.entry(job.kind.clone()).or_default();
        *cost = Cost {
            weight: cost.weight * FADES + 1.0,
            seconds: cost.seconds * FADES + seconds.max(0.0),
            requests: cost.requests * FADES + requests.max(0.0),
        };
    }

    /// What is left of these jobs, where so many of them run at once. `None`: nothing.
    #[must_use]
    pub fn estimate(&self, jobs: &[(String, State, i64)], at_once: usize) -> Option<Estimate> {
        let costs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut left, mut seconds, mut requests, mut measured) = (0, 0.0, 0.0, true);
        for (kind, state, n) in jobs {
            // Of what runs, about half is done.
            let share = match state {
                State::Queued => 1.0,
                State::Running => 0.5,
                _ => continue,
            };
            let known = costs.get(kind).copied().filter(|cost| cost.weight >= ENOUGH);
            measured &= known.is_some();
            let cost = known.unwrap_or(FIRST);
            #[expect(clippy::cast_precision_loss, reason = "a number of jobs")]
            let count = *n as f64 * share;
            left += n;
            seconds += count * cost.seconds / cost.weight;
            requests += count * cost.requests / cost.weight;
        }
        #[expect(clippy::cast_precision_loss, reason = "a number of slots")]
        let seconds = seconds / at_once.max(1) as f64;
        #[expect(clippy::cast_possible_truncation, reason = "saturates, and nobody waits that long")]
        let whole = |number: f64| number.ceil() as i64;
        (left > 0).then(|| Estimate { jobs: left, requests: whole(requests), seconds: whole(seconds), measured })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cost(outlook: &Outlook, kind: &str, jobs: u32, seconds: f64, requests: f64) {
        let cost =
            Cost { weight: f64::from(jobs), seconds: seconds * f64::from(jobs), requests: requests * f64::from(jobs) };
        outlook.0.lock().unwrap().insert(kind.to_owned(), cost);
    }

    #[test]
    fn what_is_left_takes_what_it_took() {
        let outlook = Outlook::default();
        cost(&outlook, "issues", 50, 4.0, 10.0);
        let jobs = |queued, running| {
            vec![("issues".to_owned(), State::Queued, queued), ("issues".to_owned(), State::Running, running)]
        };
        let left = outlook.estimate(&jobs(79, 2), 8).unwrap();
        assert_eq!(left, Estimate { jobs: 81, requests: 800, seconds: 40, measured: true });
        assert_eq!(outlook.estimate(&[("issues".to_owned(), State::Waiting, 7)], 8), None, "nobody knows when");
        let guess = outlook.estimate(&[("tags".to_owned(), State::Queued, 16)], 8).unwrap();
        assert_eq!((guess.seconds, guess.requests, guess.measured), (2, 32, false));
    }
}
