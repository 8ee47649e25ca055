//! Jobs for programs.

use crate::{
    answer::ApiError,
    app::App,
    bulk::{self, Tally},
    handlers::{api_job::parse, api_submit::BATCH, jobs::states},
    pages::StateFilter,
    session::{ApiUser, SignedIn},
    subject::path_for,
};
use actix_web::{
    HttpResponse,
    web::{Data, Json, Query},
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, value::RawValue};
use trawl_jobs::{AccountId, AreaId, JobId, JobSpec, Progress, State, kind::BulkVerb};
use trawl_store::{
    StoreError,
    jobs::{self, Job, JobFilter},
};
use utoipa::{IntoParams, ToSchema};

const LIMIT: i64 = 100;
const PENDING_IDS: usize = 200;

/// A job as JSON.
#[derive(Debug, Serialize, ToSchema)]
pub struct JobAnswer {
    id: String,
    kind: String,
    status: &'static str,
    wait_reason: Option<String>,
    priority: i32,
    lane: &'static str,
    area: Option<i64>,
    path: Option<String>,
    parent: Option<String>,
    attempt: i32,
    max_attempts: i32,
    progress: f64,
    #[schema(value_type = Vec<Object>)]
    steps: Progress,
    #[schema(value_type = Object)]
    payload: Box<RawValue>,
    #[schema(value_type = Option<Object>)]
    result: Option<Value>,
    error_class: Option<String>,
    error: Option<String>,
    created_at: DateTime<Utc>,
    started_at: Option<DateTime<Utc>>,
    finished_at: Option<DateTime<Utc>>,
}

impl JobAnswer {
    /// Tells of it; `path` is that of its area, where the user may see it.
    ///
    /// # Errors
    /// What is stored is not what was written.
    pub fn new(job: Job, path: Option<String>) -> Result<Self, StoreError> {
        let payload = RawValue::from_string(job.payload.clone())
            .map_err(|error| StoreError::Corrupt(format!("payload of job {}: {error}", job.id_text())))?;
        Ok(Self {
            id: job.id_text().to_owned(),
            status: job.state()?.as_str(),
            lane: job.lane().as_str(),
            steps: job.steps(),
            payload,
            result: job.result.as_deref().and_then(|result| serde_json::from_str(result).ok()),
            created_at: job.created_at(),
            started_at: job.started_at(),
            finished_at: job.finished_at(),
            kind: job.kind,
            wait_reason: job.wait_reason,
            priority: job.priority,
            area: job.area_id,
            path,
            parent: job.parent_id,
            attempt: job.attempt,
            max_attempts: job.max_attempts,
            progress: job.progress,
            error_class: job.error_class,
            error: job.error,
        })
    }
}

/// `GET /api/jobs`.
#[derive(Debug, Default, Deserialize, IntoParams)]
pub struct ListQuery {
    /// Also as `state`, the word of the website's own address.
    #[serde(alias = "state")]
    status: Option<String>,
    kind: Option<String>,
    lane: Option<String>,
    area: Option<i64>,
    account: Option<i64>,
    q: Option<String>,
    before: Option<String>,
    limit: Option<i64>,
}

impl ListQuery {
    /// How many at most.
    #[must_use]
    pub const fn limit(&self) -> Option<i64> {
        self.limit
    }

    /// What the store is asked for.
    ///
    /// # Errors
    /// A value that nobody knows, with those that there are.
    pub fn filter(&self, user: &SignedIn) -> Result<JobFilter, ApiError> {
        let status = match self.status.as_deref().unwrap_or_default() {
            "" => StateFilter::All,
            "pending" => StateFilter::Active,
            word => match StateFilter::parse(word) {
                StateFilter::All => {
                    let known: Vec<_> = State::ALL.into_iter().map(State::as_str).collect();
                    return Err(ApiError::Invalid(format!(
                        "there is no status {word:?}; use pending, past or one of: {}",
                        known.join(", ")
                    )));
                }
                known => known,
            },
        };
        let kind = self.kind.clone().filter(|kind| !kind.is_empty());
        if let Some(kind) = kind.as_deref().filter(|kind| !JobSpec::KINDS.contains(kind)) {
            let known = JobSpec::KINDS.join(", ");
            return Err(ApiError::Invalid(format!("there is no kind {kind:?}; use one of: {known}")));
        }
        let lane = self.lane.as_deref().filter(|lane| !lane.is_empty()).map(str::parse).transpose();
        let before = self.before.as_ref().filter(|id| !id.is_empty()).map(|id| {
            let wrong = || {
                ApiError::Invalid(format!("before={id} is not the id of a job; use the last one of the page before"))
            };
            id.parse().map_err(|_| wrong())
        });
        Ok(JobFilter {
            user: user.job_scope(),
            states: states(status),
            kind,
            lane: lane.map_err(ApiError::Invalid)?,
            area: self.area.map(AreaId),
            account: self.account.map(AccountId),
            text: self.q.as_deref().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned),
            before: before.transpose()?,
            after: None,
        })
    }
}

/// Where a search that looks at a bounded number of jobs goes on, where it found less than was asked for.
const SEARCHED_TO: &str = "trawl-searched-to";

/// `GET /api/jobs`: mine, newest first. A filter that matches seldom may find less than it is asked for, and says in
/// the header `trawl-searched-to` which `before` goes on from there.
///
/// # Errors
/// A value that cannot be read.
#[utoipa::path(
    get,
    path = "/api/jobs",
    operation_id = "list_jobs",
    tag = "jobs",
    params(ListQuery),
    responses(
        (status = 200, description = "Newest first", body = Vec<JobAnswer>),
    ),
)]
pub async fn list(app: Data<App>, user: ApiUser, query: Query<ListQuery>) -> Result<HttpResponse, ApiError> {
    let filter = query.filter(&user.0)?;
    listed(&app, &user.0, filter, query.limit).await
}

/// The answer to a list of jobs.
///
/// # Errors
/// The database.
pub async fn listed(
    app: &App,
    user: &SignedIn,
    filter: JobFilter,
    limit: Option<i64>,
) -> Result<HttpResponse, ApiError> {
    let limit = limit.unwrap_or(LIMIT).clamp(1, LIMIT);
    let user = user.clone();
    let (lines, searched_to) = app
        .db
        .read(move |conn| {
            let page = jobs::list(conn, &filter, limit)?;
            let mut lines = Vec::with_capacity(page.lines.len());
            for (job, path) in page.lines {
                let path = path_for(conn, &user, &job, path)?;
                lines.push(JobAnswer::new(job, path)?);
            }
            Ok((lines, page.searched_to))
        })
        .await?;
    let mut answer = HttpResponse::Ok();
    if let Some(id) = searched_to {
        answer.insert_header((SEARCHED_TO, id.to_string()));
    }
    Ok(answer.json(lines))
}

/// `GET /api/jobs/pending`.
#[derive(Debug, Deserialize, IntoParams)]
pub struct PendingQuery {
    ids: String,
}

/// `GET /api/jobs/pending?ids=a,b`: the states of these jobs; ids that are not the user's are left out.
///
/// # Errors
/// Too many ids, or one that is none.
#[utoipa::path(
    get,
    path = "/api/jobs/pending",
    operation_id = "job_states",
    tag = "jobs",
    params(PendingQuery),
    responses(
        (status = 200, description = "Those that are mine", body = Vec<JobAnswer>),
    ),
)]
pub async fn pending(app: Data<App>, user: ApiUser, query: Query<PendingQuery>) -> Result<HttpResponse, ApiError> {
    let ids: Vec<JobId> = query.ids.split(',').filter(|id| !id.is_empty()).map(parse).collect::<Result<_, _>>()?;
    if ids.len() > PENDING_IDS {
        return Err(ApiError::Invalid(format!("ask for at most {PENDING_IDS} jobs at once")));
    }
    let scope = user.0.job_scope();
    let states = app
        .db
        .read(move |conn| {
            let found = jobs::states(conn, &ids, scope)?;
            found.into_iter().map(|job| JobAnswer::new(job, None)).collect::<Result<Vec<_>, _>>()
        })
        .await?;
    Ok(HttpResponse::Ok().json(states))
}

/// Which jobs an action is for.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BulkBody {
    #[schema(value_type = Vec<String>)]
    ids: Vec<JobId>,
}

/// What an action did.
#[derive(Debug, Serialize, ToSchema)]
pub struct BulkAnswer {
    done: u64,
    /// Jobs that it does not fit, such as one that has ended and cannot be stopped.
    skipped: u64,
}

impl From<Tally> for BulkAnswer {
    fn from(Tally { done, skipped }: Tally) -> Self {
        Self { done, skipped }
    }
}

/// `POST /api/jobs/abort`: stops these.
///
/// # Errors
/// Too many at once.
#[utoipa::path(
    post,
    path = "/api/jobs/abort",
    operation_id = "abort_jobs",
    tag = "jobs",
    request_body = BulkBody,
    responses(
        (status = 200, description = "Done", body = BulkAnswer),
    ),
)]
pub async fn abort_some(app: Data<App>, user: ApiUser, body: Json<BulkBody>) -> Result<HttpResponse, ApiError> {
    some(&app, &user.0, BulkVerb::Abort, body.into_inner()).await
}

/// `POST /api/jobs/retry`: runs these again.
///
/// # Errors
/// Too many at once.
#[utoipa::path(
    post,
    path = "/api/jobs/retry",
    operation_id = "retry_jobs",
    tag = "jobs",
    request_body = BulkBody,
    responses(
        (status = 200, description = "Done", body = BulkAnswer),
    ),
)]
pub async fn retry_some(app: Data<App>, user: ApiUser, body: Json<BulkBody>) -> Result<HttpResponse, ApiError> {
    some(&app, &user.0, BulkVerb::Retry, body.into_inner()).await
}

async fn some(app: &App, user: &SignedIn, verb: BulkVerb, body: BulkBody) -> Result<HttpResponse, ApiError> {
    if body.ids.len() > BATCH {
        return Err(ApiError::Invalid(format!("name at most {BATCH} jobs at once")));
    }
    let tally = bulk::run(app, user, verb, body.ids).await?;
    Ok(HttpResponse::Ok().json(BulkAnswer::from(tally)))
}
