//! The life of a job as one function.
//!
//! ```text
//!     queued ──claim──▶ running ──▶ completed
//!      ▲ │ ▲               │ │ └──▶ failed
//!      │ │ └───requeue─────┘ │
//!   wake │ abort             │ abort
//!      │ ▼                   ▼
//!  waiting ─▶ aborted ◀── aborting
//! ```

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Ready to be claimed.
    Queued,
    /// Parked for a stated reason; burns no attempt and wakes by itself.
    Waiting,
    /// A worker holds its lease.
    Running,
    /// Asked to stop; its worker has not confirmed yet.
    Aborting,
    /// Ended well.
    Completed,
    /// Ended badly: attempts exhausted, or a permanent error.
    Failed,
    /// Stopped by a person.
    Aborted,
}

impl State {
    /// Every state, in the order in which a person reads them.
    pub const ALL: [Self; 7] =
        [Self::Queued, Self::Waiting, Self::Running, Self::Aborting, Self::Completed, Self::Failed, Self::Aborted];

    /// The word that is stored and shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Aborting => "aborting",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Aborted => "aborted",
        }
    }

    /// Not ended: at most one live job exists for a dedupe key. (API: *pending*, *active*.)
    #[must_use]
    pub const fn is_live(self) -> bool {
        matches!(self, Self::Queued | Self::Waiting | Self::Running | Self::Aborting)
    }

    /// A worker holds a lease on it.
    #[must_use]
    pub const fn is_leased(self) -> bool {
        matches!(self, Self::Running | Self::Aborting)
    }

    /// The state after `step`, or an error where the step is illegal here.
    ///
    /// # Errors
    /// [`IllegalStep`] names the state and the step.
    pub const fn after(self, step: Step) -> Result<Self, IllegalStep> {
        use State::{Aborted, Aborting, Completed, Failed, Queued, Running, Waiting};
        Ok(match (self, step) {
            (Queued, Step::Claim) => Running,
            (Queued | Running, Step::Park) => Waiting,
            (Waiting, Step::Wake) | (Running, Step::Requeue) | (Failed | Aborted, Step::Retry) => Queued,
            (Running, Step::Complete) => Completed,
            (Queued | Waiting | Running, Step::Fail) => Failed,
            (Running, Step::Abort) => Aborting,
            // Whatever a worker says last about a job that a person has stopped: it is stopped.
            (Queued | Waiting, Step::Abort)
            | (Aborting, Step::EndAbort | Step::Complete | Step::Fail | Step::Requeue | Step::Park) => Aborted,
            (from, step) => return Err(IllegalStep { from, step }),
        })
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for State {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|state| state.as_str() == text).ok_or_else(|| format!("unknown job state {text:?}"))
    }
}

/// What can happen to a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Step {
    /// A worker takes it.
    Claim,
    /// Its worker is done.
    Complete,
    /// Given up.
    Fail,
    /// Back to the queue: another attempt, a lost worker, or a hand-back.
    Requeue,
    /// Set aside for a stated reason.
    Park,
    /// The reason to wait is gone.
    Wake,
    /// A person wants it stopped.
    Abort,
    /// Its worker has stopped.
    EndAbort,
    /// A person wants it run again.
    Retry,
}

impl Step {
    /// Every step.
    pub const ALL: [Self; 9] = [
        Self::Claim,
        Self::Complete,
        Self::Fail,
        Self::Requeue,
        Self::Park,
        Self::Wake,
        Self::Abort,
        Self::EndAbort,
        Self::Retry,
    ];

    /// The step as a verb, for messages.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Claim => "claim",
            Self::Complete => "complete",
            Self::Fail => "fail",
            Self::Requeue => "requeue",
            Self::Park => "park",
            Self::Wake => "wake",
            Self::Abort => "abort",
            Self::EndAbort => "end the abort of",
            Self::Retry => "retry",
        }
    }
}

/// A step that the job's state does not allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("cannot {} a job that is {from}", step.as_str())]
pub struct IllegalStep {
    /// Where the job stands.
    pub from: State,
    /// What was asked.
    pub step: Step,
}

/// Why a job is parked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WaitReason {
    /// The account's token is wrong, expired or revoked. Wakes when the account is linked again.
    Credentials,
    /// GitLab asked for patience. Wakes at the job's `run_at`.
    RateLimited,
    /// The last attempt failed for a reason that may pass. Wakes at the job's `run_at` for another one.
    Retry,
    /// A person has paused its kind, its lane or its account. Wakes when the pause is over.
    Paused,
}

impl WaitReason {
    /// Every reason.
    pub const ALL: [Self; 4] = [Self::Credentials, Self::RateLimited, Self::Retry, Self::Paused];

    /// The word that is stored and shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Credentials => "credentials",
            Self::RateLimited => "rate_limited",
            Self::Retry => "retry",
            Self::Paused => "paused",
        }
    }

    /// Whether the job's `run_at` is all that it waits for.
    #[must_use]
    pub const fn is_timed(self) -> bool {
        matches!(self, Self::RateLimited | Self::Retry)
    }
}

impl FromStr for WaitReason {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|reason| reason.as_str() == text)
            .ok_or_else(|| format!("unknown reason to wait {text:?}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_are_read_back() {
        for state in State::ALL {
            assert_eq!(state.as_str().parse::<State>(), Ok(state));
        }
        assert!("done".parse::<State>().is_err());
        for reason in WaitReason::ALL {
            assert_eq!(reason.as_str().parse::<WaitReason>(), Ok(reason));
        }
    }

    #[test]
    fn an_ended_job_only_leaves_by_retry() {
        for state in State::ALL.into_iter().filter(|state| !state.is_live()) {
            for step in Step::ALL {
                let allowed = step == Step::Retry && state != State::Completed;
                assert_eq!(state.after(step).is_ok(), allowed, "{state} {step:?}");
            }
        }
    }

    #[test]
    fn an_illegal_step_is_named() {
        let refused = State::Queued.after(Step::Complete).unwrap_err();
        assert_eq!(refused.to_string(), "cannot complete a job that is queued");
    }

    proptest! {
        /// Whatever happens, only a claim leads to running, and an aborted job never runs again by itself.
        #[test]
        fn random_walks_keep_the_rules(walk in proptest::collection::vec(0..Step::ALL.len(), 0..60)) {
            let mut state = State::Queued;
            for step in walk.into_iter().map(|i| Step::ALL[i]) {
                let Ok(next) = state.after(step) else { continue };
                if next == State::Running {
                    prop_assert_eq!(step, Step::Claim);
                }
                if state == State::Aborting {
                    prop_assert_eq!(next, State::Aborted);
                }
                state = next;
            }
        }
    }
}
