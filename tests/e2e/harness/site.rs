//! A whole system at work: set up, linked to a simulated GitLab, crawling.

use super::{Client, Database, PATIENCE, Running, System, eventually};
use std::time::{Duration, Instant};
use trawl_gitlab_sim::{MARIA_TOKEN, Options, Sim};

/// A simulated GitLab of a given size, answering at once.
pub(crate) fn forge(scale: f64) -> Sim {
    trawl_gitlab_sim::start(Options { scale, rate_limit: 1_000_000, ..Options::default() }).unwrap()
}

/// A simulated GitLab that is far enough away for something to happen in mid-crawl.
pub(crate) fn distant_forge(scale: f64, latency_ms: u64) -> Sim {
    let latency = Duration::from_millis(latency_ms);
    trawl_gitlab_sim::start(Options { scale, latency, rate_limit: 1_000_000, ..Options::default() }).unwrap()
}

/// Fields are dropped in this order: the system looks for what the supervisor has left.
#[derive(Debug)]
pub(crate) struct Site {
    pub(crate) client: Client,
    pub(crate) supervisor: Running,
    pub(crate) system: System,
    pub(crate) forge: Sim,
}

impl Site {
    /// Starts everything and sets it up.
    pub(crate) async fn new(system: System, forge: Sim) -> Self {
        let supervisor = system.supervise(&[]);
        let client = system.set_up().await;
        Self { client, supervisor, system, forge }
    }

    /// The same, and links maria's account, which sees all there is: a crawl begins.
    pub(crate) async fn linked(system: System, forge: Sim) -> Self {
        let site = Self::new(system, forge).await;
        site.link(MARIA_TOKEN).await;
        site
    }

    /// Links an account of the administrator's.
    pub(crate) async fn link(&self, token: &str) {
        let answer = self.client.link(&self.forge.url(), token).await;
        assert_eq!(answer.status, 201, "{answer:?}");
    }

    /// Waits until this much is committed, or all there is.
    pub(crate) async fn committed(&self, objects: i64) -> Database {
        let database = self.system.database();
        eventually(&format!("{objects} objects are committed"), async || {
            (database.committed() >= objects || is_over(&database)).then_some(())
        })
        .await;
        database
    }

    /// Waits until there is nothing left to do.
    pub(crate) async fn crawled(&self) -> Database {
        self.crawled_within(PATIENCE).await
    }

    /// The same for a crawl that takes its time.
    pub(crate) async fn crawled_within(&self, patience: Duration) -> Database {
        crawled_within(&self.system, patience).await
    }
}

/// Waits until there is nothing left to do.
pub(crate) async fn crawled(system: &System) -> Database {
    crawled_within(system, PATIENCE).await
}

async fn crawled_within(system: &System, patience: Duration) -> Database {
    let database = system.database();
    let deadline = Instant::now() + patience;
    while !is_over(&database) {
        assert!(Instant::now() < deadline, "the crawl does not end; left are {:#?}", database.live_jobs());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    database
}

fn is_over(database: &Database) -> bool {
    // One statement, so that it sees one moment.
    database.number(
        "SELECT (SELECT count(*) FROM jobs WHERE finished_at IS NULL) = 0 \
         AND (SELECT count(*) FROM accounts WHERE scope_checked_at IS NULL AND state = 'working') = 0 \
         AND (SELECT count(*) FROM jobs) > 0 AS v",
    ) == 1
}
