//! The page of schedules, and its forms.

use crate::{
    answer::{ApiError, PageError, page, see_other, told},
    app::App,
    handlers::{
        api_schedules::{delete_mine, make, mine, rhythm, run_now},
        sign_in::Csrf,
    },
    pages::{ScheduleRow, Schedules},
    session::{PageUser, SignedIn},
    submission::Wish,
};
use actix_web::{
    HttpResponse,
    web::{Data, Form, Path},
};
use serde::Deserialize;
use trawl_jobs::{JobSpec, kind};
use trawl_store::{
    Conn, StoreError,
    schedules::{self, Schedule},
};

/// Next runs that are shown.
const RUNS_SHOWN: usize = 5;
/// How far links are followed in a scan that comes again and again.
const FOLLOWED: u32 = 5;

/// `GET /schedules`.
///
/// # Errors
/// The database.
pub async fn show(app: Data<App>, user: PageUser) -> Result<HttpResponse, PageError> {
    let frame = user.0.frame(&app);
    let rows = app.db.read(move |conn| rows(conn, &user.0)).await?;
    page(&Schedules { frame, rows })
}

fn rows(conn: &mut Conn<'_>, user: &SignedIn) -> Result<Vec<ScheduleRow>, StoreError> {
    schedules::list(conn, user.job_scope())?.into_iter().map(row).collect()
}

fn row(schedule: Schedule) -> Result<ScheduleRow, StoreError> {
    let rhythm = schedule.rhythm()?;
    let next = schedule.next_run_at();
    Ok(ScheduleRow {
        id: schedule.id,
        about: JobSpec::parse(&schedule.kind, &schedule.payload).map(|spec| spec.aim()).unwrap_or_default(),
        every_seconds: rhythm.every_seconds(),
        cron: rhythm.expression().map(str::to_owned),
        enabled: schedule.enabled,
        later: next.map(|next| rhythm.next(next, RUNS_SHOWN - 1)).unwrap_or_default(),
        next,
        last: schedule.last_run_at(),
        last_job: schedule.last_job(),
        name: schedule.name,
        kind: schedule.kind,
    })
}

/// A scan that is to come again and again.
#[derive(Debug, Deserialize)]
pub struct ScheduleForm {
    csrf: String,
    name: String,
    url: String,
    cron: String,
}

/// `POST /schedules`.
///
/// # Errors
/// A field that means nothing.
pub async fn create(app: Data<App>, user: PageUser, form: Form<ScheduleForm>) -> Result<HttpResponse, PageError> {
    user.0.check_csrf(&form.csrf)?;
    let url =
        form.url.trim().parse().map_err(|error| refused(&format!("that is not the address of a page: {error}")))?;
    let spec = JobSpec::LinkScan(kind::LinkScan { depth: FOLLOWED, ..kind::LinkScan::of(url) });
    let wish = Wish { spec, area: None, account: None, priority: None };
    let made = match rhythm(None, Some(&form.cron)) {
        Ok(rhythm) => make(&app, &user.0, &form.name, rhythm, wish).await,
        Err(error) => Err(error),
    };
    made.map_err(|error| match error {
        ApiError::Internal(why) => PageError::Internal(why),
        other => refused(&other.to_string()),
    })?;
    Ok(see_other("/schedules"))
}

fn refused(why: &str) -> PageError {
    told(422, format!("No schedule was made: {why}. Go back and try again."))
}

/// `POST /schedules/{id}/run`.
///
/// # Errors
/// No such schedule for this user.
pub async fn run(app: Data<App>, user: PageUser, id: Path<i64>, form: Form<Csrf>) -> Result<HttpResponse, PageError> {
    user.0.check_csrf(&form.csrf)?;
    let job = run_now(&app, &user.0, id.into_inner()).await?;
    Ok(see_other(&job.map_or_else(|| "/schedules".to_owned(), |job| format!("/jobs/{job}"))))
}

/// `POST /schedules/{id}/switch`: on or off.
///
/// # Errors
/// No such schedule for this user.
pub async fn switch(
    app: Data<App>,
    user: PageUser,
    id: Path<i64>,
    form: Form<Csrf>,
) -> Result<HttpResponse, PageError> {
    user.0.check_csrf(&form.csrf)?;
    let id = id.into_inner();
    app.db
        .write(move |conn| {
            let schedule = mine(conn, &user.0, id)?;
            schedules::set_enabled(conn, &schedule, !schedule.enabled)
        })
        .await?;
    Ok(see_other("/schedules"))
}

/// `POST /schedules/{id}/delete`.
///
/// # Errors
/// No such schedule for this user.
pub async fn delete(
    app: Data<App>,
    user: PageUser,
    id: Path<i64>,
    form: Form<Csrf>,
) -> Result<HttpResponse, PageError> {
    user.0.check_csrf(&form.csrf)?;
    delete_mine(&app, user.0, id.into_inner()).await?;
    Ok(see_other("/schedules"))
}
