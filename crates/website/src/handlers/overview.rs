//! The overview.

use crate::{
    answer::{PageError, page},
    app::App,
    freshness::Freshness,
    manager::plan,
    outlook::Estimate,
    pages::{AreaRow, Completeness, FailedJobs, GroupFreshness, Overview, RefusedAccount, RunningJob, WaitingJobs},
    session::{PageUser, SignedIn},
    subject::{self, Subjects},
};
use actix_web::{HttpResponse, web::Data};
use chrono::{DateTime, DurationRound as _, TimeDelta, Utc};
use std::collections::{BTreeMap, HashMap};
use trawl_jobs::{AreaKind, RecordKind, State, WaitReason, fingerprint};
use trawl_store::{
    Conn, StoreError,
    accounts::{self, AccountState},
    counters,
    jobs::{self, Waiting},
    now,
};

const RUNNING_SHOWN: usize = 6;
const MINUTES: i64 = 60;
/// Failures that are looked at to find those alike.
const FAILURES: i64 = 200;

/// `GET /`. Also finds out anew what the user's accounts reach, if that is long ago.
///
/// # Errors
/// The database.
pub async fn show(app: Data<App>, user: PageUser) -> Result<HttpResponse, PageError> {
    let user = user.0;
    let (frame, rules, id) = (user.frame(&app), app.rules, user.user.id());
    let due = app.db.read(move |conn| accounts::list(conn, Some(id))).await?;
    if due
        .iter()
        .any(|account| account.state() == AccountState::Working && plan::is_due(account.scope_tried_at(), rules.scope))
    {
        app.db
            .write(move |conn| {
                for account in &due {
                    plan::handle_new_authorization(conn, &rules, account)?;
                }
                Ok(())
            })
            .await?;
        app.dispatcher.wake();
    }
    let (metrics, slots) = (app.metrics.clone(), rules.slots.total);
    let outlook = move |counts: &[(String, State, i64)]| metrics.estimate(counts, slots);
    let loaded = app.db.read(move |conn| load(conn, &user, frame, outlook)).await?;
    page(&loaded)
}

fn load(
    conn: &mut Conn<'_>,
    user: &SignedIn,
    frame: crate::pages::Frame,
    outlook: impl Fn(&[(String, State, i64)]) -> Option<Estimate>,
) -> Result<Overview, StoreError> {
    let scope = user.job_scope();
    let accounts = accounts::list(conn, Some(user.user.id()))?;
    let counts = counters::jobs(conn, scope)?;
    let of = |wanted: &[State]| counts.iter().filter(|(_, state, _)| wanted.contains(state)).map(|(.., n)| n).sum();
    let waiting = jobs::waiting(conn, scope)?;
    let mut refused = Vec::new();
    for account in accounts.iter().filter(|account| account.state() == AccountState::Refused) {
        let here = waiting
            .iter()
            .filter(|row| row.reason == WaitReason::Credentials && row.instance == Some(account.instance()));
        refused.push(RefusedAccount {
            username: account.username.clone(),
            instance_url: account.instance_url.clone(),
            since: account.state_since(),
            waiting_jobs: here.map(|row| row.count).sum(),
        });
    }
    let freshness = Freshness::load(conn, user.user.id())?;
    let since = now() - TimeDelta::hours(24);
    let failed = jobs::failed_since(conn, scope, since, FAILURES)?;
    Ok(Overview {
        linked_accounts: i64::try_from(accounts.len()).unwrap_or(i64::MAX),
        running: running(conn, user)?,
        running_total: of(&[State::Running, State::Aborting]),
        queued: of(&[State::Queued]),
        waiting: of(&[State::Waiting]),
        left: outlook(&counts).map(|left| (left.seconds, left.requests)),
        only_latest_failed: i64::try_from(failed.len()).is_ok_and(|found| found >= FAILURES),
        failed: alike(&failed)?,
        parked: parked(&waiting, refused.iter().map(|account| account.waiting_jobs).sum()),
        refused_accounts: refused,
        totals: totals(&freshness),
        groups: top_groups(freshness.areas()),
        throughput: throughput(conn)?,
        frame,
    })
}

fn running(conn: &mut Conn<'_>, user: &SignedIn) -> Result<Vec<RunningJob>, StoreError> {
    let subjects = Subjects::load(conn, user)?;
    jobs::running(conn, user.job_scope(), RUNNING_SHOWN)?
        .into_iter()
        .map(|(job, path)| {
            let path = subject::path_for(conn, user, &job, path)?;
            let (count, total, per_second) = subject::pace(&job);
            Ok(RunningJob {
                id: job.id()?,
                kind: job.kind.clone(),
                subject: subjects.of(&job, path),
                progress: job.progress,
                count,
                total,
                per_second,
                seconds_left: subject::seconds_left(count, total, per_second),
            })
        })
        .collect()
}

/// Failures by what their sentences have in common, the most frequent first. They come with the latest first.
fn alike(failed: &[jobs::Job]) -> Result<Vec<FailedJobs>, StoreError> {
    let mut groups: Vec<FailedJobs> = Vec::new();
    let mut places = HashMap::new();
    for job in failed {
        let message = job.error.clone().unwrap_or_else(|| "failed without a word".to_owned());
        let at = job.finished_at().unwrap_or_else(|| job.created_at());
        let place = *places.entry(fingerprint(&message)).or_insert(groups.len());
        if let Some(group) = groups.get_mut(place) {
            group.ids.push(job.id()?);
            group.first = at;
        } else {
            groups.push(FailedJobs { message, ids: vec![job.id()?], at, first: at });
        }
    }
    groups.sort_by_key(|group| std::cmp::Reverse(group.count()));
    Ok(groups)
}

/// Jobs that wait for a token, but for those `told` with the accounts that were refused; and jobs that GitLab slows down.
fn parked(rows: &[Waiting], told: i64) -> Vec<WaitingJobs> {
    [WaitReason::Credentials, WaitReason::RateLimited, WaitReason::Paused]
        .into_iter()
        .filter_map(|reason| {
            let alike: Vec<&Waiting> = rows.iter().filter(|row| row.reason == reason).collect();
            let until =
                (reason == WaitReason::RateLimited).then(|| alike.iter().filter_map(|row| row.until).min()).flatten();
            let all: i64 = alike.iter().map(|row| row.count).sum();
            let count = if reason == WaitReason::Credentials { all - told } else { all };
            (count > 0).then_some(WaitingJobs { reason, count, until })
        })
        .collect()
}

fn totals(freshness: &Freshness) -> Vec<(RecordKind, i64)> {
    let areas = freshness.areas();
    let number =
        |kind: AreaKind| i64::try_from(areas.iter().filter(|row| row.kind == kind).count()).unwrap_or(i64::MAX);
    let each = RecordKind::ALL.iter().map(|&kind| {
        let count = match kind {
            RecordKind::Group => number(AreaKind::Group),
            RecordKind::Project => number(AreaKind::Project),
            other => freshness.total(other),
        };
        (kind, count)
    });
    // What nobody has is not told of, but for what everybody expects.
    each.filter(|(kind, count)| *count > 0 || !kind.is_optional()).collect()
}

/// Every project under the topmost group above it that the user may see; without one, under its namespace's path.
fn top_groups(areas: &[AreaRow]) -> Vec<GroupFreshness> {
    let groups: HashMap<&str, &AreaRow> =
        areas.iter().filter(|row| row.kind == AreaKind::Group).map(|row| (row.full_path.as_str(), row)).collect();
    let top = |path: &str| {
        let ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
        ends.into_iter().find_map(|end| groups.get(&path[..end]).copied())
    };
    let mut below: BTreeMap<&str, (Option<&AreaRow>, Vec<&AreaRow>)> = BTreeMap::new();
    for row in areas {
        match (top(&row.full_path), row.kind) {
            (Some(group), AreaKind::Group) => {
                below.entry(&group.full_path).or_insert((Some(group), Vec::new()));
            }
            (Some(group), AreaKind::Project) => {
                below.entry(&group.full_path).or_insert((Some(group), Vec::new())).1.push(row);
            }
            (None, _) => {
                below.entry(row.parent_path().unwrap_or(&row.full_path)).or_default().1.push(row);
            }
        }
    }
    below.into_iter().map(|(path, (group, projects))| freshness_of(path, group, &projects)).collect()
}

fn freshness_of(path: &str, group: Option<&AreaRow>, projects: &[&AreaRow]) -> GroupFreshness {
    let complete = projects.iter().filter(|row| row.completeness == Completeness::Complete).count();
    let all_synced = projects.iter().all(|row| row.synced_at.is_some());
    let refreshed = projects.iter().any(|row| !row.archived);
    let kept = projects.iter().filter(|row| !(refreshed && row.archived));
    GroupFreshness {
        id: group.map(|group| group.id),
        name: group.map_or(path, |group| &group.name).to_owned(),
        path: path.to_owned(),
        projects: i64::try_from(projects.len()).unwrap_or(i64::MAX),
        complete: i64::try_from(complete).unwrap_or(i64::MAX),
        refreshed,
        synced_at: if all_synced { kept.filter_map(|row| row.synced_at).min() } else { None },
        // A first pass under way is no gap; the count beside it tells.
        incomplete: projects.iter().find_map(|row| match &row.completeness {
            Completeness::Incomplete(why) => Some(why.clone()),
            Completeness::Pending | Completeness::Complete => None,
        }),
    }
}

/// Objects in each of the last minutes, oldest first.
fn throughput(conn: &mut Conn<'_>) -> Result<Vec<i64>, StoreError> {
    let this_minute = now().duration_trunc(TimeDelta::minutes(1)).unwrap_or_else(|_| now());
    let first = this_minute - TimeDelta::minutes(MINUTES - 1);
    let written: HashMap<DateTime<Utc>, i64> = counters::throughput(conn, first)?.into_iter().collect();
    Ok((0..MINUTES).map(|i| written.get(&(first + TimeDelta::minutes(i))).copied().unwrap_or(0)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_project_counts_under_what_can_be_seen() {
        let area = |id, kind, path: &str| AreaRow {
            id,
            kind,
            full_path: path.to_owned(),
            name: path.to_uppercase(),
            archived: false,
            issues: 0,
            merge_requests: 0,
            synced_at: None,
            completeness: Completeness::Pending,
        };
        let areas = [
            area(1, AreaKind::Group, "open"),
            area(2, AreaKind::Group, "open/deep"),
            area(3, AreaKind::Project, "open/deep/a"),
            area(4, AreaKind::Group, "hidden/team"),
            area(5, AreaKind::Project, "hidden/team/b"),
            area(6, AreaKind::Project, "hidden/c"),
            area(7, AreaKind::Project, "maria/notes"),
        ];
        let told: Vec<_> = top_groups(&areas).into_iter().map(|group| (group.id, group.name, group.projects)).collect();
        let row = |id, name: &str| (id, name.to_owned(), 1);
        let wanted = [row(None, "hidden"), row(Some(4), "HIDDEN/TEAM"), row(None, "maria"), row(Some(1), "OPEN")];
        assert_eq!(told, wanted);
    }
}
