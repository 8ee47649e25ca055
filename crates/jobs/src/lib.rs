//! The job model of Trawl: what a job is, which states it may take, who may run it next, when it is tried again,
//! and what it may report. Pure: no I/O, and no clock of its own (times and randomness are arguments).

pub mod area;
mod bulk;
mod drill;
pub mod error;
pub mod id;
pub mod item;
pub mod kind;
pub mod lane;
mod lists;
pub mod plan;
pub mod progress;
pub mod rank;
pub mod record;
pub mod report;
pub mod retry;
pub mod schedule;
pub mod state;
pub mod text;

pub use area::{AreaKind, AreaRef, FoundArea};
pub use error::{ErrorClass, JobError, fingerprint};
pub use id::{AccountId, AreaId, InstanceId, JobId, Lease, UserId};
pub use item::{Item, ItemState};
pub use kind::{JobSpec, Subject, UnknownKind};
pub use lane::{Lane, Slots};
pub use progress::{Progress, SubOperation};
pub use record::{Audience, Record, RecordKind};
pub use report::{Change, Level, Outcome, Report, Sighting, WholeList};
pub use retry::{RetryPolicy, Verdict};
pub use state::{IllegalStep, State, Step, WaitReason};
