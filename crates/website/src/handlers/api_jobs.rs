//! Jobs for programs.

use crate::{
    answer::ApiError,
    app::App,
    bulk::{self, Action, Selection, Tally},
    handlers::{
        job::{RetryError, abort_job, mine, retry_job},
        jobs::states,
    },
    pages::StateFilter,
    session::{ApiUser, SignedIn},
    subject::path_for,
    submission::{self, Accepted, Refusal, Wish},
};
use actix_web::{
    HttpResponse,
    web::{Data, Json, Path, Query},
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, value::RawValue};
use trawl_jobs::{AccountId, AreaId, ItemState, JobId, JobSpec, Lane, Level, Progress, State};
use trawl_store::{
    Conn, StoreError, areas, attempts,
    items::{self, ItemFilter, JobItem},
    jobs::{self, Job, JobFilter},
    messages,
};
use utoipa::{IntoParams, ToSchema};

const LIMIT: i64 = 100;
const ITEMS_LIMIT: i64 = 1000;
const PENDING_IDS: usize = 200;

/// A job as JSON.
#[derive(Debug, Serialize, ToSchema)]
pub struct JobAnswer {
    id: String,
    kind: String,
    status: &'static str,
    wait_reason: Option<String>,
    priority: i32,
    lane: String,
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
    fn new(job: Job, path: Option<String>) -> Result<Self, StoreError> {
        let payload = RawValue::from_string(job.payload.clone())
            .map_err(|error| StoreError::Corrupt(format!("payload of job {}: {error}", job.id_text())))?;
        Ok(Self {
            id: job.id_text().to_owned(),
            status: job.state()?.as_str(),
            steps: job.steps(),
            payload,
            result: job.result.as_deref().and_then(|result| serde_json::from_str(result).ok()),
            created_at: job.created_at(),
            started_at: job.started_at(),
            finished_at: job.finished_at(),
            kind: job.kind,
            wait_reason: job.wait_reason,
            priority: job.priority,
            lane: job.lane,
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
        let lane = match self.lane.as_deref().unwrap_or_default() {
            "" => None,
            "priority" => Some(Lane::Priority),
            "normal" => Some(Lane::Normal),
            other => return Err(ApiError::Invalid(format!("there is no lane {other:?}; use priority or normal"))),
        };
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
            lane,
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

/// `POST /api/jobs`: a URL to scan, or a kind with its options.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SubmitBody {
    /// Short for the kind `link_scan` and a payload with this URL.
    url: Option<String>,
    kind: Option<String>,
    /// The group or project, by our id, for kinds that are about one.
    area: Option<i64>,
    /// The linked account, by our id, for kinds that are about one.
    account: Option<i64>,
    #[schema(value_type = Option<Object>)]
    payload: Option<Value>,
    priority: Option<i32>,
}

impl SubmitBody {
    /// What is asked for.
    ///
    /// # Errors
    /// It means nothing.
    pub fn wish(self) -> Result<Wish, ApiError> {
        let (kind, payload) = match (self.kind, self.url) {
            (Some(kind), None) => (kind, self.payload.unwrap_or_else(|| serde_json::json!({}))),
            (None, Some(url)) if self.payload.is_none() => ("link_scan".to_owned(), serde_json::json!({ "url": url })),
            _ => {
                return Err(ApiError::Invalid(
                    "give either `url`, a page whose links are to be checked, or `kind` with its `payload`".to_owned(),
                ));
            }
        };
        let spec = JobSpec::parse(&kind, &payload.to_string()).map_err(|error| ApiError::Invalid(error.to_string()))?;
        let (area, account) = (self.area.map(AreaId), self.account.map(AccountId));
        Ok(Wish { spec, area, account, priority: self.priority })
    }
}

/// What became of a submission.
#[derive(Debug, Serialize, ToSchema)]
pub struct SubmitAnswer {
    id: String,
    status: &'static str,
    deduplicated: bool,
}

/// `POST /api/jobs`: 201 for a new job, 200 with the live one that does the same.
///
/// # Errors
/// A kind or options that nobody knows, an area or account that is not the user's.
#[utoipa::path(
    post,
    path = "/api/jobs",
    operation_id = "submit_job",
    tag = "jobs",
    request_body = SubmitBody,
    responses(
        (status = 201, description = "A new job", body = SubmitAnswer),
        (status = 200, description = "A live job does the same", body = SubmitAnswer),
    ),
)]
pub async fn submit(app: Data<App>, user: ApiUser, body: Json<SubmitBody>) -> Result<HttpResponse, ApiError> {
    let accepted = submission::submit(&app, &user.0, body.into_inner().wish()?).await?;
    let mut answer = if accepted.created { HttpResponse::Created() } else { HttpResponse::Ok() };
    Ok(answer.json(SubmitAnswer::from(&accepted)))
}

impl From<&Accepted> for SubmitAnswer {
    fn from(Accepted { id, state, created }: &Accepted) -> Self {
        Self { id: id.to_string(), status: state.as_str(), deduplicated: !created }
    }
}

/// Most jobs in one request.
const BATCH: usize = 1000;

/// `POST /api/jobs/batch`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BatchBody {
    jobs: Vec<SubmitBody>,
}

/// `POST /api/jobs/batch`: all of them, or where one cannot be taken none.
///
/// # Errors
/// As for one; the text says which.
#[utoipa::path(
    post,
    path = "/api/jobs/batch",
    operation_id = "submit_jobs",
    tag = "jobs",
    request_body = BatchBody,
    responses(
        (status = 201, description = "All of them, new or not", body = Vec<SubmitAnswer>),
    ),
)]
pub async fn submit_batch(app: Data<App>, user: ApiUser, body: Json<BatchBody>) -> Result<HttpResponse, ApiError> {
    let jobs = body.into_inner().jobs;
    if jobs.len() > BATCH {
        return Err(ApiError::Invalid(format!("submit at most {BATCH} jobs at once")));
    }
    let mut wishes = Vec::with_capacity(jobs.len());
    for (index, job) in jobs.into_iter().enumerate() {
        let wish = job.wish().and_then(|wish| {
            submission::check_one(&user.0, &wish)?;
            Ok(wish)
        });
        wishes.push(wish.map_err(|error| match error {
            ApiError::Invalid(why) => ApiError::Invalid(format!("jobs[{index}]: {why}")),
            other => other,
        })?);
    }
    let accepted = submission::submit_all(&app, &user.0, wishes).await?;
    let answers: Vec<_> = accepted.iter().map(SubmitAnswer::from).collect();
    Ok(HttpResponse::Created().json(answers))
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Invalid(why) => Self::Invalid(why),
            Refusal::Forbidden(_) => Self::Forbidden,
            Refusal::Store(error) => error.into(),
        }
    }
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

#[derive(Serialize, ToSchema)]
struct AttemptAnswer {
    number: i64,
    worker: String,
    started_at: DateTime<Utc>,
    ended_at: Option<DateTime<Utc>>,
    outcome: Option<String>,
    error_class: Option<String>,
    error: Option<String>,
}

#[derive(Serialize, ToSchema)]
struct DetailAnswer {
    #[serde(flatten)]
    job: JobAnswer,
    attempts: Vec<AttemptAnswer>,
    items: Vec<ItemCount>,
}

/// `GET /api/jobs/{id}`.
///
/// # Errors
/// No such job for this user.
#[utoipa::path(
    get,
    path = "/api/jobs/{id}",
    operation_id = "show_job",
    tag = "jobs",
    params(("id" = String, Path, description = "Id of the job")),
    responses(
        (status = 200, description = "The job", body = DetailAnswer),
    ),
)]
pub async fn show(app: Data<App>, user: ApiUser, id: Path<String>) -> Result<HttpResponse, ApiError> {
    let id = parse(&id)?;
    let detail = app.db.read(move |conn| detail(conn, &user.0, id)).await?;
    Ok(HttpResponse::Ok().json(detail))
}

fn detail(conn: &mut Conn<'_>, user: &SignedIn, id: JobId) -> Result<DetailAnswer, StoreError> {
    let job = mine(conn, user, id)?;
    let path = job.area_id.map(|area| areas::get(conn, AreaId(area))).transpose()?.flatten().map(|area| area.full_path);
    let path = path_for(conn, user, &job, path)?;
    let attempts = attempts::list(conn, id, LIMIT)?
        .into_iter()
        .map(|attempt| AttemptAnswer {
            number: attempt.lease_token,
            started_at: attempt.started_at(),
            ended_at: attempt.ended_at(),
            worker: attempt.worker,
            outcome: attempt.outcome,
            error_class: attempt.error_class,
            error: attempt.error,
        })
        .collect();
    Ok(DetailAnswer { job: JobAnswer::new(job, path)?, attempts, items: item_counts(conn, id)? })
}

#[derive(Serialize, ToSchema)]
struct MessageAnswer {
    id: i64,
    level: &'static str,
    at: DateTime<Utc>,
    text: String,
}

/// `GET /api/jobs/{id}/messages`.
#[derive(Debug, Deserialize, IntoParams)]
pub struct MessagesQuery {
    #[param(value_type = Option<String>)]
    level: Option<Level>,
    /// Only those with a greater id.
    after: Option<i64>,
}

/// `GET /api/jobs/{id}/messages`: the newest, oldest first.
///
/// # Errors
/// No such job for this user.
#[utoipa::path(
    get,
    path = "/api/jobs/{id}/messages",
    operation_id = "job_messages",
    tag = "jobs",
    params(("id" = String, Path, description = "Id of the job"), MessagesQuery),
    responses(
        (status = 200, description = "Oldest first", body = Vec<MessageAnswer>),
    ),
)]
pub async fn messages(
    app: Data<App>,
    user: ApiUser,
    id: Path<String>,
    query: Query<MessagesQuery>,
) -> Result<HttpResponse, ApiError> {
    let id = parse(&id)?;
    let MessagesQuery { level, after } = query.into_inner();
    let lines = app
        .db
        .read(move |conn| {
            mine(conn, &user.0, id)?;
            messages::list(conn, id, level, after, messages::KEPT_PER_LEVEL)
        })
        .await?;
    let lines: Vec<_> = lines
        .into_iter()
        .map(|line| MessageAnswer { id: line.id, level: line.level().as_str(), at: line.at(), text: line.text })
        .collect();
    Ok(HttpResponse::Ok().json(lines))
}

#[derive(Serialize, ToSchema)]
struct ItemAnswer {
    name: String,
    #[schema(value_type = String)]
    state: ItemState,
    verdict: Option<String>,
    note: Option<String>,
    #[schema(value_type = Option<Object>)]
    detail: Option<Value>,
    updated_at: DateTime<Utc>,
}

/// `GET /api/jobs/{id}/items`.
#[derive(Debug, Deserialize, IntoParams)]
pub struct ItemsQuery {
    #[param(value_type = Option<String>)]
    state: Option<ItemState>,
    verdict: Option<String>,
    /// Only those whose name comes later.
    after: Option<String>,
    limit: Option<i64>,
}

/// `GET /api/jobs/{id}/items`: in the order of their names.
///
/// # Errors
/// No such job for this user.
#[utoipa::path(
    get,
    path = "/api/jobs/{id}/items",
    operation_id = "job_items",
    tag = "jobs",
    params(("id" = String, Path, description = "Id of the job"), ItemsQuery),
    responses(
        (status = 200, description = "In the order of their names", body = Vec<ItemAnswer>),
    ),
)]
pub async fn items(
    app: Data<App>,
    user: ApiUser,
    id: Path<String>,
    query: Query<ItemsQuery>,
) -> Result<HttpResponse, ApiError> {
    let id = parse(&id)?;
    let ItemsQuery { state, verdict, after, limit } = query.into_inner();
    let limit = limit.unwrap_or(ITEMS_LIMIT).clamp(1, ITEMS_LIMIT);
    let found = app
        .db
        .read(move |conn| {
            mine(conn, &user.0, id)?;
            items::list(conn, id, &ItemFilter { state, verdict, after }, limit)
        })
        .await?;
    let answer = |item: JobItem| ItemAnswer {
        state: item.state(),
        detail: item.detail.as_deref().and_then(|detail| serde_json::from_str(detail).ok()),
        updated_at: item.updated_at(),
        name: item.name,
        verdict: item.verdict,
        note: item.note,
    };
    Ok(HttpResponse::Ok().json(found.into_iter().map(answer).collect::<Vec<_>>()))
}

#[derive(Serialize, ToSchema)]
struct ItemCount {
    #[schema(value_type = String)]
    state: ItemState,
    verdict: Option<String>,
    count: i64,
}

fn item_counts(conn: &mut Conn<'_>, id: JobId) -> Result<Vec<ItemCount>, StoreError> {
    let counts = items::count(conn, id)?;
    Ok(counts.into_iter().map(|(state, verdict, count)| ItemCount { state, verdict, count }).collect())
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
    some(&app, &user.0, Action::Abort, body.into_inner()).await
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
    some(&app, &user.0, Action::Retry, body.into_inner()).await
}

async fn some(app: &App, user: &SignedIn, action: Action, body: BulkBody) -> Result<HttpResponse, ApiError> {
    if body.ids.len() > BATCH {
        return Err(ApiError::Invalid(format!("name at most {BATCH} jobs at once")));
    }
    let tally = bulk::run(app, user, action, Selection::Ids(body.ids)).await?;
    Ok(HttpResponse::Ok().json(BulkAnswer::from(tally)))
}

/// `POST /api/jobs/{id}/abort`.
///
/// # Errors
/// No such job for this user, or it has ended.
#[utoipa::path(
    post,
    path = "/api/jobs/{id}/abort",
    operation_id = "abort_job",
    tag = "jobs",
    params(("id" = String, Path, description = "Id of the job")),
    responses(
        (status = 202, description = "It stops soon"),
    ),
)]
pub async fn abort(app: Data<App>, user: ApiUser, id: Path<String>) -> Result<HttpResponse, ApiError> {
    abort_job(&app, &user.0, parse(&id)?).await?;
    Ok(HttpResponse::Accepted().finish())
}

/// `POST /api/jobs/{id}/retry`.
///
/// # Errors
/// No such job for this user, or it has not ended; a live job does the same.
#[utoipa::path(
    post,
    path = "/api/jobs/{id}/retry",
    operation_id = "retry_job",
    tag = "jobs",
    params(("id" = String, Path, description = "Id of the job")),
    responses(
        (status = 202, description = "It is queued"),
    ),
)]
pub async fn retry(app: Data<App>, user: ApiUser, id: Path<String>) -> Result<HttpResponse, ApiError> {
    match retry_job(&app, &user.0, parse(&id)?).await {
        Ok(()) => Ok(HttpResponse::Accepted().finish()),
        Err(error @ RetryError::Duplicate(_)) => Err(ApiError::Conflict(error.to_string())),
        Err(RetryError::Store(error)) => Err(error.into()),
    }
}

/// An id in an address; what is none names nothing.
///
/// # Errors
/// [`ApiError::NotFound`].
pub fn parse(id: &str) -> Result<JobId, ApiError> {
    id.parse().map_err(|_| ApiError::NotFound)
}
