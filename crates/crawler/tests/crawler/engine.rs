//! Orders, reports, aborts, panics.

use crate::house::{House, Told, lease, order};
use serde_json::json;
use std::time::Duration;
use tokio::sync::mpsc;
use trawl_crawler::{Completed, End, JobControl, JobFuture, Registry, WorkerOptions};
use trawl_jobs::{Change, ErrorClass, JobError, JobSpec, Outcome, Record, RecordKind, UnknownKind};
use trawl_protocol::{Message, StartJob, StopJob};

/// A family for these tests: what a job does is its kind.
#[derive(Clone)]
pub(crate) struct Fake {
    /// Told the kind at each start.
    pub(crate) started: mpsc::UnboundedSender<String>,
}

impl Fake {
    pub(crate) fn new() -> (Self, mpsc::UnboundedReceiver<String>) {
        let (started, starts) = mpsc::unbounded_channel();
        (Self { started }, starts)
    }
}

pub(crate) fn record(id: i64) -> Record {
    Record {
        kind: RecordKind::Issue,
        gitlab_id: id,
        iid: None,
        parent: None,
        title: String::new(),
        state: None,
        author: None,
        created_at: None,
        updated_at: None,
        closed_at: None,
        merged_at: None,
        web_url: None,
        confidential: false,
        payload: "{}".to_owned(),
    }
}

/// Two checkpoints, one after the other.
async fn checkpoints(control: JobControl) -> Result<Completed, trawl_crawler::JobFailure> {
    let steps = control.pipeline([("fetch", 1.0)]);
    control.info("off we go");
    control.checkpoint("one".to_owned(), vec![record(1)]).await?;
    steps.set_counts("fetch", 1, Some(2));
    control.checkpoint("two".to_owned(), vec![record(2)]).await?;
    steps.set_counts("fetch", 2, Some(2));
    Ok(Completed { result: json!({ "records": 2 }), ..Completed::default() })
}

/// Blocks its thread until the test is over: no await, so no way to stop it.
fn block() {
    let (_never, wait) = std::sync::mpsc::channel::<()>();
    wait.recv_timeout(Duration::from_millis(1500)).ok();
}

impl Registry for Fake {
    fn kinds(&self) -> Vec<String> {
        vec!["checkpoints".to_owned()]
    }

    fn prepare(&self, order: StartJob, control: JobControl) -> Result<JobFuture, UnknownKind> {
        self.started.send(order.kind.clone()).ok();
        Ok(match order.kind.as_str() {
            "checkpoints" => Box::pin(checkpoints(control)),
            "forever" => Box::pin(async move {
                control.checkpoint_ahead("here".to_owned(), vec![record(1)]).await?;
                std::future::pending().await
            }),
            "stubborn" => Box::pin(async move {
                tokio::task::yield_now().await;
                block();
                control.info("too late");
                Ok(Completed::default())
            }),
            "panic" => Box::pin(async { panic!("the sky fell") }),
            "ahead" => Box::pin(async move {
                for page in 1..=4 {
                    control.checkpoint_ahead(page.to_string(), vec![record(page)]).await?;
                }
                Ok(Completed::default())
            }),
            "bulky" => Box::pin(async move {
                let records = (1..=20).map(|id| Record { payload: "x".repeat(400 << 10), ..record(id) }).collect();
                control.checkpoint_ahead("bulk".to_owned(), records).await?;
                std::future::pending().await
            }),
            "chatty" => Box::pin(async move {
                let steps = control.pipeline([("talk", 1.0)]);
                for n in 0..=10_000 {
                    steps.set_counts("talk", n, Some(10_000));
                    tokio::task::yield_now().await;
                }
                Ok(Completed::default())
            }),
            "wrong" => Box::pin(async { Err(JobError::transient("the wind blew").into()) }),
            _ => return Err(JobSpec::parse(&order.kind, &order.payload).unwrap_err()),
        })
    }
}

pub(crate) fn failure(outcome: Option<Outcome>) -> JobError {
    match outcome {
        Some(Outcome::Failed(error)) => error,
        other => panic!("expected a failure, got {other:?}"),
    }
}

#[tokio::test]
async fn a_job_runs_from_start_to_end() {
    let (fake, _starts) = Fake::new();
    let mut house = House::new(fake).await;
    let lease = lease();
    house.start(order("checkpoints", lease)).await;
    let told = house.until_finished(lease).await;
    assert_eq!(told.messages, ["off we go"]);
    assert_eq!(told.cursors, ["one", "two"]);
    assert_eq!(told.records, [record(1), record(2)]);
    assert!((told.progress.value() - 1.0).abs() < 1e-9);
    assert!(told.seqs.iter().copied().eq(1..=told.seqs.last().copied().unwrap()), "{:?}", told.seqs);
    let done = Outcome::Completed {
        result: r#"{"records":2}"#.to_owned(),
        watermark: None,
        incomplete: None,
        whole: Vec::new(),
        readers: Vec::new(),
    };
    assert_eq!(told.outcome, Some(done));
}

#[tokio::test]
async fn an_order_that_comes_again_is_ignored() {
    let (fake, mut starts) = Fake::new();
    let mut house = House::new(fake).await;
    let (running, done) = (lease(), lease());
    house.start(order("forever", running)).await;
    house.start(order("forever", running)).await;
    house.start(order("checkpoints", done)).await;
    while house.report().await.report.lease != done {}
    // Nothing is acknowledged until now, so both are held.
    let mut held = house.holdings().await;
    held.sort_unstable();
    let mut expected = vec![running, done];
    expected.sort_unstable();
    assert_eq!(held, expected);
    house.send(&Message::StopJob(StopJob::Drop(done))).await;
    house.start(order("checkpoints", done)).await;
    assert_eq!(house.holdings().await, [running]);
    starts.close();
    let mut kinds = Vec::new();
    while let Some(kind) = starts.recv().await {
        kinds.push(kind);
    }
    kinds.sort_unstable();
    assert_eq!(kinds, ["checkpoints", "forever"]);
}

#[tokio::test]
async fn a_checkpoint_is_durable_when_it_returns() {
    let (fake, _starts) = Fake::new();
    let mut house = House::new(fake).await;
    let lease = lease();
    house.start(order("checkpoints", lease)).await;
    let mut first = house.report().await;
    while !first.report.changes.contains(&Change::Cursor("one".to_owned())) {
        first = house.report().await;
    }
    // The second one does not come before the first is acknowledged, however long we listen.
    for _ in 0..5 {
        house.heartbeat().await;
    }
    house.acknowledge(first.seq).await;
    let told = house.until_finished(lease).await;
    assert_eq!(told.cursors, ["two"]);
}

#[tokio::test]
async fn two_checkpoints_may_be_on_their_way() {
    let (fake, _starts) = Fake::new();
    let mut house = House::new(fake).await;
    let lease = lease();
    house.start(order("ahead", lease)).await;
    let mut seen = Vec::new();
    for _ in 0..3 {
        seen.push(house.report().await);
    }
    for _ in 0..5 {
        // A report would have been passed over, and be missing below.
        house.heartbeat().await;
    }
    house.acknowledge(seen[0].seq).await;
    let told = house.until_finished(lease).await;
    assert_eq!(told.cursors, ["4"]);
}

#[tokio::test]
async fn an_abort_ends_a_job_at_its_next_await() {
    let (fake, _starts) = Fake::new();
    let mut house = House::new(fake).await;
    let lease = lease();
    house.start(order("forever", lease)).await;
    let first = house.report().await;
    house.send(&Message::StopJob(StopJob::Abort(lease))).await;
    house.acknowledge(first.seq).await;
    let told = house.until_finished(lease).await;
    assert_eq!(told.outcome, Some(Outcome::Aborted));
    while !house.holdings().await.is_empty() {}
}

#[tokio::test]
async fn an_abort_while_the_website_is_slow_loses_nothing() {
    let (fake, _starts) = Fake::new();
    let mut house = House::new(fake).await;
    let lease = lease();
    house.start(order("bulky", lease)).await;
    let first = house.report().await;
    house.send(&Message::StopJob(StopJob::Abort(lease))).await;
    let (mut told, mut last, mut beats, mut fullest) = (Told::default(), first.seq, 0, 0);
    told.take(first.report);
    // The window is full for longer than an aborted job may take to stop.
    while beats < 4 {
        match house.next().await {
            (Message::JobUpdate(report), seq) => {
                last = seq;
                assert!(!told.take(*report));
            }
            (Message::Heartbeat { window_percent }, _) => {
                beats += 1;
                fullest = fullest.max(window_percent);
            }
            (other, _) => panic!("{other:?}"),
        }
    }
    assert!(fullest > 80, "heartbeats tell that the window is full: {fullest} %");
    house.acknowledge(last).await;
    let rest = house.until_finished(lease).await;
    assert_eq!((rest.outcome, rest.cursors.as_slice()), (Some(Outcome::Aborted), &["bulk".to_owned()][..]));
    assert_eq!(told.records.len() + rest.records.len(), 20);
    told.seqs.extend(rest.seqs);
    assert!(told.seqs.iter().copied().eq((1..).take(told.seqs.len())), "{:?}", told.seqs);
    while !house.holdings().await.is_empty() {}
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_job_that_does_not_stop_is_dropped() {
    let (fake, mut starts) = Fake::new();
    let mut house = House::new(fake).await;
    let lease = lease();
    house.start(order("stubborn", lease)).await;
    starts.recv().await.unwrap();
    house.send(&Message::StopJob(StopJob::Abort(lease))).await;
    let told = house.until_finished(lease).await;
    assert_eq!((told.outcome, told.messages), (Some(Outcome::Aborted), vec![]));
}

#[tokio::test]
async fn a_dropped_job_says_nothing_more() {
    let (fake, _starts) = Fake::new();
    let mut house = House::new(fake).await;
    let (lease, other) = (lease(), lease());
    house.start(order("forever", lease)).await;
    house.report().await;
    house.send(&Message::StopJob(StopJob::Drop(lease))).await;
    assert_eq!(house.holdings().await, []);
    house.start(order("checkpoints", other)).await;
    // Asserts that nothing but the other job reports.
    house.until_finished(other).await;
}

#[tokio::test]
async fn a_newer_claim_voids_the_older_one() {
    let (fake, _starts) = Fake::new();
    let mut house = House::new(fake).await;
    let old = lease();
    let new = trawl_jobs::Lease { token: 2, ..old };
    house.start(order("forever", old)).await;
    house.start(order("forever", new)).await;
    assert_eq!(house.holdings().await, [new]);
    house.start(order("forever", old)).await;
    assert_eq!(house.holdings().await, [new]);
}

#[tokio::test]
async fn a_panic_fails_its_job_and_no_other() {
    let (fake, _starts) = Fake::new();
    let mut house = House::new(fake).await;
    let (bad, good) = (lease(), lease());
    house.start(order("panic", bad)).await;
    let error = failure(house.until_finished(bad).await.outcome);
    assert_eq!(error.class, ErrorClass::Permanent);
    assert!(error.message.contains("the sky fell"), "{error}");
    house.start(order("checkpoints", good)).await;
    assert!(matches!(house.until_finished(good).await.outcome, Some(Outcome::Completed { .. })));
}

#[tokio::test]
async fn an_unknown_kind_fails_as_such() {
    let (fake, _starts) = Fake::new();
    let mut house = House::new(fake).await;
    let lease = lease();
    house.start(order("frobnicate", lease)).await;
    let error = failure(house.until_finished(lease).await.outcome);
    assert_eq!(error.class, ErrorClass::Permanent);
    assert!(error.message.starts_with("unknown job kind \"frobnicate\""), "{error}");
}

#[tokio::test]
async fn a_failure_keeps_its_class() {
    let (fake, _starts) = Fake::new();
    let mut house = House::new(fake).await;
    let lease = lease();
    house.start(order("wrong", lease)).await;
    assert_eq!(failure(house.until_finished(lease).await.outcome), JobError::transient("the wind blew"));
}

#[tokio::test]
async fn progress_is_throttled_but_its_last_value_comes() {
    let (fake, _starts) = Fake::new();
    let mut house = House::new(fake).await;
    let lease = lease();
    house.start(order("chatty", lease)).await;
    let told = house.until_finished(lease).await;
    assert!((told.progress.value() - 1.0).abs() < 1e-9);
    assert!(told.seqs.len() < 100, "10,000 changes made {} reports", told.seqs.len());
}

#[tokio::test]
async fn a_worker_that_goes_away_hands_its_jobs_back() {
    let (fake, _starts) = Fake::new();
    let mut house = House::new(fake).await;
    let lease = lease();
    house.start(order("forever", lease)).await;
    let checkpoint = house.report().await;
    house.shutdown.cancel();
    house.acknowledge(checkpoint.seq).await;
    let told = house.until_finished(lease).await;
    assert_eq!(told.outcome, Some(Outcome::HandedBack));
    assert_eq!(house.ended().await, End::Stopped);
}

#[tokio::test]
async fn going_away_does_not_wait_without_end() {
    let (fake, _starts) = Fake::new();
    let options = WorkerOptions {
        heartbeat: Duration::from_secs(1),
        abort_grace: Duration::from_secs(1),
        shutdown_grace: Duration::from_millis(50),
    };
    let mut house = House::with_options(fake, options).await;
    house.start(order("forever", lease())).await;
    house.report().await;
    house.shutdown.cancel();
    // Nobody acknowledges anything.
    assert_eq!(house.ended().await, End::Stopped);
}
