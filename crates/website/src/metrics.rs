//! Figures for Prometheus. What is counted in the database is read when it is asked for; what happens here is counted
//! here, from the start of the process.

use crate::outlook::{Estimate, Outlook};
use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::{Registry, Unit},
};
use std::{
    fmt,
    sync::{Arc, atomic::AtomicU64},
    time::Duration,
};
use trawl_jobs::{Lane, State};
use trawl_protocol::ProcessId;
use trawl_store::jobs::Job;

/// Upper bounds of the histograms, in seconds: from a job that waits for nothing to one that takes an hour.
const SECONDS: [f64; 12] = [0.001, 0.005, 0.025, 0.1, 0.5, 2.0, 10.0, 30.0, 120.0, 600.0, 1800.0, 3600.0];

/// Upper bounds for one transaction, in seconds.
const TURN_SECONDS: [f64; 11] = [0.001, 0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.25, 1.0, 5.0];

#[derive(Debug, Clone, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ByState {
    kind: String,
    state: String,
}

#[derive(Debug, Clone, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ByLane {
    lane: String,
}

#[derive(Debug, Clone, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ByEnd {
    kind: String,
    end: String,
}

#[derive(Debug, Clone, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ByCrawler {
    crawler: String,
}

#[derive(Debug, Clone, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ByEvent {
    event: &'static str,
    result: &'static str,
}

type Histograms<L> = Family<L, Histogram, fn() -> Histogram>;

/// All figures. Cheap to clone.
#[derive(Clone)]
pub struct Metrics(Arc<Figures>);

struct Figures {
    registry: Registry,
    jobs: Family<ByState, Gauge>,
    waited: Histograms<ByLane>,
    ran: Histograms<ByEnd>,
    attempts_failed: Counter,
    leases_lost: Counter,
    reports_refused: Counter,
    objects: Counter,
    running: Gauge,
    turns: Histogram,
    reports_waiting: Gauge,
    windows: Family<ByCrawler, Gauge<f64, AtomicU64>>,
    hooks: Family<ByEvent, Counter>,
    outlook: Outlook,
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics")
    }
}

impl Default for Metrics {
    fn default() -> Self {
        let buckets: fn() -> Histogram = || Histogram::new(SECONDS);
        let mut figures = Figures {
            registry: Registry::with_prefix("trawl"),
            jobs: Family::default(),
            waited: Family::new_with_constructor(buckets),
            ran: Family::new_with_constructor(buckets),
            attempts_failed: Counter::default(),
            leases_lost: Counter::default(),
            reports_refused: Counter::default(),
            objects: Counter::default(),
            running: Gauge::default(),
            turns: Histogram::new(TURN_SECONDS),
            reports_waiting: Gauge::default(),
            windows: Family::default(),
            hooks: Family::default(),
            outlook: Outlook::default(),
        };
        let registry = &mut figures.registry;
        registry.register("jobs", "Jobs in the database", figures.jobs.clone());
        registry.register_with_unit(
            "job_wait",
            "From submission to the start of the first attempt",
            Unit::Seconds,
            figures.waited.clone(),
        );
        registry.register_with_unit(
            "job_run",
            "From the start of an attempt to its end",
            Unit::Seconds,
            figures.ran.clone(),
        );
        registry.register(
            "attempts_failed",
            "Attempts after which the job is tried again",
            figures.attempts_failed.clone(),
        );
        registry.register(
            "leases_lost",
            "Leases that were taken from a crawler that is gone or silent",
            figures.leases_lost.clone(),
        );
        registry.register("reports_refused", "Reports of a lease that was gone", figures.reports_refused.clone());
        registry.register("objects_written", "Mirrored objects that were new or newer", figures.objects.clone());
        registry.register("jobs_running", "Jobs that this node's crawlers run", figures.running.clone());
        registry.register_with_unit(
            "turn",
            "To write reports that came together and to claim the jobs that take the freed places",
            Unit::Seconds,
            figures.turns.clone(),
        );
        registry.register(
            "reports_waiting",
            "Reports that are received and not being written yet",
            figures.reports_waiting.clone(),
        );
        registry.register_with_unit(
            "crawler_window_fill",
            "How much of a crawler's window is taken by reports that are not committed yet; a full one holds it up",
            Unit::Other("ratio".to_owned()),
            figures.windows.clone(),
        );
        registry.register("webhook_events", "Events that instances have told", figures.hooks.clone());
        Self(Arc::new(figures))
    }
}

impl Metrics {
    /// A job is handed to a crawler.
    pub fn started(&self, job: &Job) {
        if let (1, Some(started)) = (job.lease_token, job.started_at()) {
            let waited = (started - job.created_at()).as_seconds_f64();
            self.0.waited.get_or_create(&ByLane { lane: job.lane().as_str().to_owned() }).observe(waited.max(0.0));
        }
    }

    /// An attempt has ended, and the job is as it is now.
    pub fn ended(&self, job: &Job, ran_seconds: Option<f64>) {
        let Ok(state) = job.state() else { return };
        if state.is_live() && job.error.is_some() {
            self.0.attempts_failed.inc();
        }
        if let Some(seconds) = ran_seconds {
            if state == State::Completed {
                self.0.outlook.learn(job, seconds);
            }
            let end = if state.is_live() { "again".to_owned() } else { state.to_string() };
            self.0.ran.get_or_create(&ByEnd { kind: job.kind.clone(), end }).observe(seconds.max(0.0));
        }
    }

    /// What is left to do of these jobs, where so many run at once. `None`: nothing.
    #[must_use]
    pub fn estimate(&self, jobs: &[(String, State, i64)], at_once: usize) -> Option<Estimate> {
        self.0.outlook.estimate(jobs, at_once)
    }

    /// So many leases were taken away.
    pub fn lost(&self, leases: usize) {
        self.0.leases_lost.inc_by(u64::try_from(leases).unwrap_or(u64::MAX));
    }

    /// A report came too late.
    pub fn refused(&self) {
        self.0.reports_refused.inc();
    }

    /// So many objects were written.
    pub fn written(&self, objects: usize) {
        self.0.objects.inc_by(u64::try_from(objects).unwrap_or(u64::MAX));
    }

    /// Reports were written and jobs claimed, together in so long a time; so many more reports wait.
    pub fn turn(&self, took: Duration, waiting: usize) {
        self.0.turns.observe(took.as_secs_f64());
        self.0.reports_waiting.set(i64::try_from(waiting).unwrap_or(i64::MAX));
    }

    /// A crawler says how full its window is.
    pub fn window(&self, crawler: ProcessId, percent: u8) {
        self.0.windows.get_or_create(&by_crawler(crawler)).set(f64::from(percent) / 100.0);
    }

    /// A crawler is gone.
    pub fn left(&self, crawler: ProcessId) {
        self.0.windows.remove(&by_crawler(crawler));
    }

    /// An instance has told of something: what sort of event it is, and whether it is `used`, `ignored` or `refused`.
    pub fn hook(&self, event: &'static str, result: &'static str) {
        self.0.hooks.get_or_create(&ByEvent { event, result }).inc();
    }

    /// So many jobs run.
    pub fn running(&self, jobs: usize) {
        self.0.running.set(i64::try_from(jobs).unwrap_or(i64::MAX));
    }

    /// All of it, as Prometheus reads it, with these numbers of jobs of each kind in each state.
    #[must_use]
    pub fn text(&self, jobs: &[(String, State, i64)]) -> String {
        // A pair that is gone from the database must not stay here with its last number.
        self.0.jobs.clear();
        for (kind, state, n) in jobs {
            self.0.jobs.get_or_create(&ByState { kind: kind.clone(), state: state.to_string() }).set(*n);
        }
        // So that somebody who watches for it sees nought and not nothing.
        for lane in Lane::ALL {
            drop(self.0.waited.get_or_create(&ByLane { lane: lane.as_str().to_owned() }));
        }
        let mut text = String::new();
        // Writing to a string cannot fail.
        encode(&mut text, &self.0.registry).ok();
        text
    }
}

fn by_crawler(crawler: ProcessId) -> ByCrawler {
    ByCrawler { crawler: crawler.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_counted_is_told() {
        let metrics = Metrics::default();
        metrics.lost(3);
        metrics.written(7);
        metrics.window(ProcessId::crawler(1), 25);
        metrics.window(ProcessId::crawler(2), 100);
        metrics.left(ProcessId::crawler(2));
        let text = metrics.text(&[("issues".to_owned(), State::Queued, 5)]);
        for line in [
            "trawl_jobs{kind=\"issues\",state=\"queued\"} 5",
            "trawl_leases_lost_total 3",
            "trawl_objects_written_total 7",
            "trawl_crawler_window_fill_ratio{crawler=\"crawler-1\"} 0.25",
            "trawl_job_wait_seconds_count{lane=\"priority\"} 0",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}: {text}");
        }
        assert!(!text.contains("crawler-2"), "nor who has left");
        assert!(!metrics.text(&[]).contains("issues"), "what is gone is not told any more");
    }
}
