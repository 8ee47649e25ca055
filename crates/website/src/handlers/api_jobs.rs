//! Jobs for programs.

use crate::{
    answer::ApiError,
    app::App,
    handlers::{
        job::{RetryError, abort_job, mine, retry_job},
        jobs::states,
    },
    pages::StateFilter,
    session::{ApiUser, SignedIn},
};
use actix_web::{
    HttpResponse,
    web::{Data, Json, Path, Query},
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, value::RawValue};
use trawl_jobs::{AccountId, AreaId, JobId, JobSpec, Progress, State, Subject};
use trawl_store::{
    Conn, StoreError, accounts, areas, attempts,
    jobs::{self, Job, JobFilter, NewJob, Submitted},
    messages,
};

const LIMIT: i64 = 100;
const PENDING_IDS: usize = 200;

/// A job as JSON.
#[derive(Debug, Serialize)]
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
    steps: Progress,
    payload: Box<RawValue>,
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
#[derive(Debug, Deserialize)]
pub struct ListQuery {
    /// Also as `state`, the word of the website's own address.
    #[serde(alias = "state")]
    status: Option<String>,
    kind: Option<String>,
    q: Option<String>,
    before: Option<String>,
    limit: Option<i64>,
}

/// `GET /api/jobs`: mine, newest first.
///
/// # Errors
/// A value that cannot be read.
pub async fn list(app: Data<App>, user: ApiUser, query: Query<ListQuery>) -> Result<HttpResponse, ApiError> {
    let query = query.into_inner();
    let status = match query.status.as_deref().unwrap_or_default() {
        "" => StateFilter::All,
        "pending" | "active" => StateFilter::Active,
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
    let kind = query.kind.filter(|kind| !kind.is_empty());
    if let Some(kind) = kind.as_deref().filter(|kind| !JobSpec::KINDS.contains(kind)) {
        return Err(ApiError::Invalid(format!("there is no kind {kind:?}; use one of: {}", JobSpec::KINDS.join(", "))));
    }
    let before = query.before.filter(|id| !id.is_empty()).map(|id| {
        let wrong =
            || ApiError::Invalid(format!("before={id} is not the id of a job; use the last one of the page before"));
        id.parse().map_err(|_| wrong())
    });
    let filter = JobFilter {
        user: user.0.job_scope(),
        states: states(status),
        kind,
        text: query.q,
        before: before.transpose()?,
        after: None,
    };
    let limit = query.limit.unwrap_or(LIMIT).clamp(1, LIMIT);
    let lines = app
        .db
        .read(move |conn| {
            let lines = jobs::list(conn, &filter, limit)?;
            lines.into_iter().map(|(job, path)| JobAnswer::new(job, path)).collect::<Result<Vec<_>, _>>()
        })
        .await?;
    Ok(HttpResponse::Ok().json(lines))
}

/// `POST /api/jobs`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SubmitBody {
    kind: String,
    /// The group or project, by our id, for kinds that are about one.
    area: Option<i64>,
    /// The linked account, by our id, for kinds that are about one.
    account: Option<i64>,
    payload: Option<Value>,
    priority: Option<i32>,
}

#[derive(Serialize)]
struct SubmitAnswer {
    id: String,
    status: &'static str,
    deduplicated: bool,
}

/// `POST /api/jobs`: 201 for a new job, 200 with the live one that does the same.
///
/// # Errors
/// A kind or options that nobody knows, an area or account that is not the user's.
pub async fn submit(app: Data<App>, user: ApiUser, body: Json<SubmitBody>) -> Result<HttpResponse, ApiError> {
    let body = body.into_inner();
    let payload = body.payload.as_ref().map_or_else(|| "{}".to_owned(), ToString::to_string);
    let spec = JobSpec::parse(&body.kind, &payload).map_err(|error| ApiError::Invalid(error.to_string()))?;
    if body.priority.is_some_and(|priority| !(0..=100).contains(&priority)) {
        return Err(ApiError::Invalid("priority must be between 0 and 100".to_owned()));
    }
    let about_account = matches!(spec, JobSpec::AuthorizationScope(_));
    let wanted = if about_account { ("account", body.account) } else { ("area", body.area) };
    let Some(subject) = wanted.1 else {
        return Err(ApiError::Invalid(format!("jobs of the kind {} need `{}`, the id of one", body.kind, wanted.0)));
    };
    let rules = app.rules;
    let (submitted, status) = app
        .db
        .write(move |conn| {
            let mut new = NewJob {
                spec,
                subject: Subject::Account(AccountId(subject)),
                instance: trawl_jobs::InstanceId(0),
                user: Some(user.0.user.id()),
                account: None,
                parent: None,
                priority: body.priority,
                priority_threshold: rules.priority_threshold,
                max_attempts: rules.max_attempts,
            };
            if about_account {
                let account = accounts::get(conn, AccountId(subject))?.ok_or(StoreError::NotFound)?;
                if account.user() != user.0.user.id() {
                    return Err(StoreError::NotFound);
                }
                (new.account, new.instance) = (Some(account.id()), account.instance());
            } else {
                let visible =
                    areas::visible_one(conn, user.0.user.id(), AreaId(subject))?.ok_or(StoreError::NotFound)?;
                (new.subject, new.instance) = (Subject::Area(visible.area.id()), visible.area.instance());
            }
            let submitted = jobs::submit(conn, &new)?;
            let job = jobs::get(conn, submitted.id)?.ok_or(StoreError::NotFound)?;
            Ok((submitted, job.state()?.as_str()))
        })
        .await?;
    let Submitted { id, created } = submitted;
    if created {
        app.dispatcher.wake();
        app.hub.jobs();
    }
    let answer = SubmitAnswer { id: id.to_string(), status, deduplicated: !created };
    Ok(if created { HttpResponse::Created().json(answer) } else { HttpResponse::Ok().json(answer) })
}

/// `GET /api/jobs/pending`.
#[derive(Debug, Deserialize)]
pub struct PendingQuery {
    ids: String,
}

/// `GET /api/jobs/pending?ids=a,b`: the states of these jobs; ids that are not the user's are left out.
///
/// # Errors
/// Too many ids, or one that is none.
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

#[derive(Serialize)]
struct AttemptAnswer {
    number: i64,
    worker: String,
    started_at: DateTime<Utc>,
    ended_at: Option<DateTime<Utc>>,
    outcome: Option<String>,
    error_class: Option<String>,
    error: Option<String>,
}

#[derive(Serialize)]
struct DetailAnswer {
    #[serde(flatten)]
    job: JobAnswer,
    attempts: Vec<AttemptAnswer>,
}

/// `GET /api/jobs/{id}`.
///
/// # Errors
/// No such job for this user.
pub async fn show(app: Data<App>, user: ApiUser, id: Path<String>) -> Result<HttpResponse, ApiError> {
    let id = parse(&id)?;
    let detail = app.db.read(move |conn| detail(conn, &user.0, id)).await?;
    Ok(HttpResponse::Ok().json(detail))
}

fn detail(conn: &mut Conn<'_>, user: &SignedIn, id: JobId) -> Result<DetailAnswer, StoreError> {
    let job = mine(conn, user, id)?;
    let path = job.area_id.map(|area| areas::get(conn, AreaId(area))).transpose()?.flatten().map(|area| area.full_path);
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
    Ok(DetailAnswer { job: JobAnswer::new(job, path)?, attempts })
}

#[derive(Serialize)]
struct MessageAnswer {
    id: i64,
    level: &'static str,
    at: DateTime<Utc>,
    text: String,
}

/// `GET /api/jobs/{id}/messages`: the newest, oldest first.
///
/// # Errors
/// No such job for this user.
pub async fn messages(app: Data<App>, user: ApiUser, id: Path<String>) -> Result<HttpResponse, ApiError> {
    let id = parse(&id)?;
    let lines = app
        .db
        .read(move |conn| {
            mine(conn, &user.0, id)?;
            messages::list(conn, id, None, messages::KEPT_PER_LEVEL)
        })
        .await?;
    let lines: Vec<_> = lines
        .into_iter()
        .map(|line| MessageAnswer { id: line.id, level: line.level().as_str(), at: line.at(), text: line.text })
        .collect();
    Ok(HttpResponse::Ok().json(lines))
}

/// `POST /api/jobs/{id}/abort`.
///
/// # Errors
/// No such job for this user, or it has ended.
pub async fn abort(app: Data<App>, user: ApiUser, id: Path<String>) -> Result<HttpResponse, ApiError> {
    abort_job(&app, &user.0, parse(&id)?).await?;
    Ok(HttpResponse::Accepted().finish())
}

/// `POST /api/jobs/{id}/retry`.
///
/// # Errors
/// No such job for this user, or it has not ended; a live job does the same.
pub async fn retry(app: Data<App>, user: ApiUser, id: Path<String>) -> Result<HttpResponse, ApiError> {
    match retry_job(&app, &user.0, parse(&id)?).await {
        Ok(()) => Ok(HttpResponse::Accepted().finish()),
        Err(error @ RetryError::Duplicate(_)) => Err(ApiError::Conflict(error.to_string())),
        Err(RetryError::Store(error)) => Err(error.into()),
    }
}

fn parse(id: &str) -> Result<JobId, ApiError> {
    id.parse().map_err(|_| ApiError::NotFound)
}
