//! A database with somebody in it.

use crate::postgres::Server;
use diesel::{QueryableByName, RunQueryDsl as _, sql_query, sql_types::BigInt};
use std::time::Duration;
use tempfile::TempDir;
use trawl_jobs::{
    AccountId, AreaId, AreaKind, ErrorClass, FoundArea, InstanceId, JobError, JobId, JobSpec, Outcome, RetryPolicy,
    State, Subject, UserId, kind,
};
use trawl_store::{
    Conn, Db, DbOptions, StoreError,
    accounts::{self, NewAccount},
    areas,
    claims::{self, ClaimRequest, Claims, Runner},
    instances,
    jobs::{self, Job, NewJob},
    leases, users,
};

/// From here on a job is urgent.
const THRESHOLD: i32 = 90;

/// No waits, so that a job that is to be tried again may be claimed at once.
pub(crate) const AT_ONCE: RetryPolicy = RetryPolicy { base: Duration::ZERO, cap: Duration::ZERO, max_crashes: 3 };

/// A database, and one user with one account on one instance.
pub(crate) struct World {
    pub(crate) db: Db,
    pub(crate) url: String,
    pub(crate) user: UserId,
    pub(crate) instance: InstanceId,
    pub(crate) account: AccountId,
    // Dropped last: the database is closed before its file goes.
    _dir: Option<TempDir>,
}

impl World {
    pub(crate) async fn sqlite() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", dir.path().join("trawl.db").display());
        Self::fill(url, Some(dir)).await
    }

    /// None where PostgreSQL is missing.
    pub(crate) async fn postgres() -> Option<Self> {
        let server = Server::shared()?;
        Some(Self::fill(server.create_database(), None).await)
    }

    /// Another one on the same kind of database.
    pub(crate) async fn like(other: &Self) -> Self {
        match other.db.backend() {
            trawl_store::Backend::Sqlite => Self::sqlite().await,
            trawl_store::Backend::Postgres => Self::postgres().await.expect("it is there for the other"),
        }
    }

    async fn fill(url: String, dir: Option<TempDir>) -> Self {
        let db = open(&url).await;
        let (user, instance, account) = db
            .write(|conn| {
                let user = users::create(conn, "ada", "hash", false)?;
                let instance = instances::ensure(conn, "https://gitlab.example")?;
                Ok((user, instance, link(conn, user, instance, 1)?))
            })
            .await
            .unwrap();
        Self { db, url, user, instance, account, _dir: dir }
    }

    pub(crate) async fn write<T, F>(&self, work: F) -> T
    where
        T: Send + 'static,
        F: FnOnce(&mut Conn<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        self.db.write(work).await.unwrap()
    }

    pub(crate) async fn read<T, F>(&self, work: F) -> T
    where
        T: Send + 'static,
        F: FnOnce(&mut Conn<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        self.db.read(work).await.unwrap()
    }

    /// A project that the account may read.
    pub(crate) async fn area(&self, gitlab_id: i64) -> AreaId {
        let (instance, account) = (self.instance, self.account);
        self.write(move |conn| areas::discovered(conn, instance, account, &project(gitlab_id, Some(30)))).await
    }

    pub(crate) fn job(&self, spec: JobSpec, area: AreaId) -> NewJob {
        NewJob {
            spec,
            subject: Subject::Area(area),
            instance: Some(self.instance),
            user: Some(self.user),
            account: Some(self.account),
            parent: None,
            priority: None,
            priority_threshold: THRESHOLD,
            max_attempts: 3,
        }
    }

    pub(crate) async fn submit(&self, new: NewJob) -> JobId {
        self.write(move |conn| jobs::submit(conn, &new)).await.id
    }

    /// A new project's issues, queued.
    pub(crate) async fn queued(&self, gitlab_id: i64) -> JobId {
        let area = self.area(gitlab_id).await;
        self.submit(self.job(issues(), area)).await
    }

    /// The same, claimed by worker `w`.
    pub(crate) async fn running(&self, gitlab_id: i64) -> Job {
        let id = self.queued(gitlab_id).await;
        self.reclaim(id).await
    }

    /// Claims this job, the only one that may run, for worker `w`.
    pub(crate) async fn reclaim(&self, id: JobId) -> Job {
        let mut claimed = self.claim("w", 1, 1).await.claimed;
        assert_eq!(claimed.iter().map(|claimed| claimed.job.id().unwrap()).collect::<Vec<_>>(), [id]);
        claimed.remove(0).job
    }

    pub(crate) async fn claim(&self, worker: &str, any: usize, normal: usize) -> Claims {
        let request = ClaimRequest { worker: worker.to_owned(), any, normal, instance: None, runner: Runner::Crawler };
        self.write(move |conn| claims::claim(conn, &request)).await
    }

    pub(crate) async fn get(&self, id: JobId) -> Job {
        self.read(move |conn| jobs::get(conn, id)).await.unwrap()
    }

    pub(crate) async fn state(&self, id: JobId) -> State {
        self.get(id).await.state().unwrap()
    }

    /// Ends the job as it is now, without any wait for another attempt.
    pub(crate) async fn end(&self, id: JobId, outcome: Outcome) -> State {
        let mut job = self.get(id).await;
        self.write(move |conn| leases::end(conn, &mut job, None, &outcome, &AT_ONCE, 0.0)).await
    }

    pub(crate) async fn abort(&self, id: JobId) -> jobs::Abort {
        self.write(move |conn| jobs::abort(conn, id)).await
    }

    /// What one SQL statement counts.
    pub(crate) async fn count(&self, sql: &'static str) -> i64 {
        #[derive(QueryableByName)]
        struct Count {
            #[diesel(sql_type = BigInt)]
            n: i64,
        }
        self.read(move |conn| {
            let row: Count = match conn {
                Conn::Sqlite(c) => sql_query(sql).get_result(*c)?,
                Conn::Postgres(c) => sql_query(sql).get_result(*c)?,
            };
            Ok(row.n)
        })
        .await
    }

    /// Every counter is what counting gives: no row differs, in either direction.
    pub(crate) async fn assert_counters_are_exact(&self) {
        let wrong = self
            .count(
                "SELECT count(*) AS n FROM ( \
                 SELECT kind, state, lane, user_id, sum(n) AS d FROM ( \
                 SELECT kind, state, lane, user_id, n FROM job_counts UNION ALL \
                 SELECT kind, state, lane, coalesce(user_id, 0), -1 FROM jobs) a \
                 GROUP BY kind, state, lane, user_id HAVING sum(n) <> 0) b",
            )
            .await;
        assert_eq!(wrong, 0, "job_counts differ from the jobs");
        let wrong = self
            .count(
                "SELECT count(*) AS n FROM (SELECT area_id, kind, sum(n) AS d FROM ( \
                 SELECT area_id, kind, n FROM resource_counters UNION ALL \
                 SELECT area_id, kind, -1 FROM resources WHERE deleted_at IS NULL) a \
                 GROUP BY area_id, kind HAVING sum(n) <> 0) b",
            )
            .await;
        assert_eq!(wrong, 0, "resource_counters differ from the resources");
        assert_eq!(self.count("SELECT count(*) AS n FROM job_counters WHERE n < 0").await, 0);
    }
}

pub(crate) async fn open(url: &str) -> Db {
    let options = DbOptions {
        url: url.to_owned(),
        full_synchronous: false,
        read_connections: 2,
        busy_timeout_ms: 5000,
        may_migrate: true,
    };
    Db::open(options).await.unwrap()
}

pub(crate) fn execute(conn: &mut Conn<'_>, sql: &str) -> Result<usize, StoreError> {
    Ok(match conn {
        Conn::Sqlite(c) => sql_query(sql).execute(*c)?,
        Conn::Postgres(c) => sql_query(sql).execute(*c)?,
    })
}

/// The one number, named `v`, that a query yields.
pub(crate) fn number(conn: &mut Conn<'_>, sql: &str) -> Result<i64, StoreError> {
    #[derive(QueryableByName)]
    struct Number {
        #[diesel(sql_type = diesel::sql_types::BigInt)]
        v: i64,
    }
    let row: Number = match conn {
        Conn::Sqlite(c) => sql_query(sql).get_result(*c)?,
        Conn::Postgres(c) => sql_query(sql).get_result(*c)?,
    };
    Ok(row.v)
}

pub(crate) fn link(
    conn: &mut Conn<'_>,
    user: UserId,
    instance: InstanceId,
    gitlab_user_id: i64,
) -> Result<AccountId, StoreError> {
    accounts::link(
        conn,
        &NewAccount {
            user,
            instance,
            gitlab_user_id,
            username: "ada",
            token_cipher: b"cipher",
            refresh_cipher: None,
            expires_at: None,
            renew_at: None,
            scopes: None,
        },
    )
}

pub(crate) fn project(gitlab_id: i64, access_level: Option<i32>) -> FoundArea {
    FoundArea {
        kind: AreaKind::Project,
        gitlab_id,
        full_path: format!("group/project-{gitlab_id:03}"),
        name: format!("Project {gitlab_id}"),
        web_url: None,
        visibility: Some("private".to_owned()),
        archived: false,
        issues_enabled: true,
        merge_requests_enabled: true,
        access_level,
    }
}

pub(crate) fn issues() -> JobSpec {
    JobSpec::Issues(kind::Issues::default())
}

pub(crate) fn completed() -> Outcome {
    Outcome::Completed {
        result: "{}".to_owned(),
        watermark: None,
        incomplete: None,
        whole: Vec::new(),
        readers: Vec::new(),
    }
}

pub(crate) fn failed(class: ErrorClass) -> Outcome {
    Outcome::Failed(JobError::new(class, "no luck"))
}
