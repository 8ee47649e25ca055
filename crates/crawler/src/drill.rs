//! `drill`: a job that does nothing but take its time. It is also the example of `docs/writing-a-job.md`.

use crate::{Completed, JobControl, JobFailure};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use tokio::time::sleep;
use trawl_jobs::{Item, ItemState, JobError, kind};
use trawl_protocol::StartJob;

/// Where to go on.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Cursor {
    step: u32,
}

/// Runs it.
pub(crate) async fn run(
    options: &kind::Drill,
    order: &StartJob,
    control: &JobControl,
) -> Result<Completed, JobFailure> {
    let mut at: Cursor =
        order.cursor.as_deref().and_then(|cursor| serde_json::from_str(cursor).ok()).unwrap_or_default();
    let steps = control.pipeline([("steps", 1.0)]);
    while at.step < options.steps {
        take_time(options).await;
        at.step += 1;
        for message in 1..=options.messages {
            control.info(format!("message {message} of step {}", at.step));
        }
        let item = |number| Item::new(format!("{}-{number}", at.step), ItemState::Done);
        control.items((1..=options.items).map(item).collect());
        steps.set_counts("steps", u64::from(at.step), Some(u64::from(options.steps)));
        let cursor = serde_json::to_string(&at).unwrap_or_default();
        control.checkpoint(cursor, Vec::new()).await?;
    }
    match options.end {
        kind::DrillEnd::Completes => {
            let result = serde_json::json!({ "steps": at.step });
            Ok(Completed { result, ..Completed::default() })
        }
        kind::DrillEnd::Fails => Err(JobError::permanent("the drill was told to fail").into()),
        kind::DrillEnd::Hiccups => Err(JobError::transient("the drill was told to fail for now").into()),
        kind::DrillEnd::Panics => panic!("the drill was told to panic"),
    }
}

/// A stubborn one holds its thread, so that nothing can stop it in between.
async fn take_time(options: &kind::Drill) {
    let time = Duration::from_millis(options.step_ms);
    if options.stubborn {
        tokio::task::block_in_place(|| std::thread::park_timeout(time));
    } else if !time.is_zero() {
        sleep(time).await;
    }
}
