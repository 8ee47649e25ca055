//! Jobs that programs submit.

use crate::{
    answer::ApiError,
    app::App,
    session::ApiUser,
    submission::{self, Accepted, Refusal, Wish},
};
use actix_web::{
    HttpResponse,
    web::{Data, Json},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use trawl_jobs::{AccountId, AreaId, JobSpec};
use utoipa::ToSchema;

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
pub const BATCH: usize = 1000;

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
