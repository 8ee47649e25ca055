//! Why a job's `run` ended early.

use trawl_jobs::JobError;
use trawl_protocol::bus::BusError;

/// What `?` in a job carries out of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JobFailure {
    /// A person asked to stop.
    #[error("the job was aborted")]
    Aborted,
    /// It went wrong.
    #[error(transparent)]
    Error(#[from] JobError),
}

impl From<BusError> for JobFailure {
    fn from(error: BusError) -> Self {
        Self::Error(match error {
            BusError::Frame(error) => JobError::permanent(format!(
                "an object is too large to be mirrored ({error}); make it smaller in GitLab, then run the job again"
            )),
            // Said for the log alone: without the bus nobody hears of it, and the job is given to another worker.
            BusError::Closed | BusError::ReceiverGone => JobError::transient(format!("cannot report: {error}")),
        })
    }
}
