//! Figures over time: each is a question in SQL over the views, the same one that a person may ask (docs/data.md), with a
//! row for each week.

use crate::{Conn, StoreError};
use chrono::{DateTime, Days, NaiveDate, Utc};
use diesel::{
    prelude::*,
    sql_query,
    sql_types::{BigInt, Double, Nullable, Text},
};
use std::{collections::HashMap, fmt};
use trawl_jobs::{AreaId, RecordKind};

/// What is told of each week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Figure {
    /// Issues opened.
    IssuesOpened,
    /// Issues closed.
    IssuesClosed,
    /// Median time from an issue's opening to its closing, in seconds, by the week of the closing.
    IssueLeadTime,
    /// Merge requests opened.
    MergeRequestsOpened,
    /// Merge requests merged.
    MergeRequestsMerged,
    /// Median time from a merge request's opening to its merging, in seconds, by the week of the merging.
    MergeRequestLeadTime,
    /// Commits.
    Commits,
    /// Pipelines that have succeeded or failed.
    Pipelines,
    /// Of these, how many in a hundred have succeeded.
    PipelineSuccess,
    /// Median time from a pipeline's creation to the end of its last job, in seconds.
    PipelineDuration,
    /// Releases.
    Releases,
    /// Deployments to production that succeeded: DORA's deployment frequency.
    Deployments,
    /// Median time from a merge to the first deployment to production after it, in seconds, by the week of the deployment:
    /// DORA's lead time for changes.
    ChangeLeadTime,
    /// Of the deployments to production, how many in a hundred failed: DORA's change failure rate.
    DeploymentFailure,
    /// Median time from a failed deployment to production to the next one that succeeded, in seconds, by the week of that
    /// one: DORA's time to restore service.
    RestoreTime,
}

/// A week's figure.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Week {
    /// Its Monday.
    pub monday: NaiveDate,
    /// The figure; none where nothing happened of which there could be one.
    pub value: Option<f64>,
}

/// Which database is asked: they write times differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Dialect {
    Sqlite,
    Postgres,
}

impl Figure {
    /// Every figure.
    pub const ALL: [Self; 15] = [
        Self::IssuesOpened,
        Self::IssuesClosed,
        Self::IssueLeadTime,
        Self::MergeRequestsOpened,
        Self::MergeRequestsMerged,
        Self::MergeRequestLeadTime,
        Self::Commits,
        Self::Pipelines,
        Self::PipelineSuccess,
        Self::PipelineDuration,
        Self::Releases,
        Self::Deployments,
        Self::ChangeLeadTime,
        Self::DeploymentFailure,
        Self::RestoreTime,
    ];

    /// Its name for programs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::IssuesOpened => "issues_opened",
            Self::IssuesClosed => "issues_closed",
            Self::IssueLeadTime => "issue_lead_time_seconds",
            Self::MergeRequestsOpened => "merge_requests_opened",
            Self::MergeRequestsMerged => "merge_requests_merged",
            Self::MergeRequestLeadTime => "merge_request_lead_time_seconds",
            Self::Commits => "commits",
            Self::Pipelines => "pipelines",
            Self::PipelineSuccess => "pipeline_success_percent",
            Self::PipelineDuration => "pipeline_duration_seconds",
            Self::Releases => "releases",
            Self::Deployments => "deployments",
            Self::ChangeLeadTime => "change_lead_time_seconds",
            Self::DeploymentFailure => "deployment_failure_percent",
            Self::RestoreTime => "restore_time_seconds",
        }
    }

    /// Of what it is told.
    #[must_use]
    pub const fn kind(self) -> RecordKind {
        match self {
            Self::IssuesOpened | Self::IssuesClosed | Self::IssueLeadTime => RecordKind::Issue,
            Self::MergeRequestsOpened | Self::MergeRequestsMerged | Self::MergeRequestLeadTime => {
                RecordKind::MergeRequest
            }
            Self::Commits => RecordKind::Commit,
            Self::Pipelines | Self::PipelineSuccess => RecordKind::Pipeline,
            Self::PipelineDuration => RecordKind::PipelineJob,
            Self::Releases => RecordKind::Release,
            Self::Deployments | Self::ChangeLeadTime | Self::DeploymentFailure | Self::RestoreTime => {
                RecordKind::Deployment
            }
        }
    }

    /// Whether a week in which nothing happened counts nought, rather than nothing at all.
    const fn counts(self) -> bool {
        matches!(
            self,
            Self::IssuesOpened
                | Self::IssuesClosed
                | Self::MergeRequestsOpened
                | Self::MergeRequestsMerged
                | Self::Commits
                | Self::Pipelines
                | Self::Releases
                | Self::Deployments
        )
    }

    fn sql(self, dialect: Dialect, area: &str, since: &str) -> String {
        let count = |view: &str, at: &str| {
            let week = dialect.week(at);
            format!(
                "SELECT {week} AS week, CAST(count(*) AS DOUBLE PRECISION) AS value\n\
                 FROM {view}\n\
                 WHERE area_id = {area} AND {at} >= {since}\n\
                 GROUP BY {week}"
            )
        };
        // Of spans from `began` to `ended`, in the week of the end.
        let median_of = |spans: &str| {
            let (week, took) = (dialect.week("ended"), dialect.seconds("began", "ended"));
            format!(
                "SELECT week, value FROM (\n    \
                 SELECT {week} AS week, {took} AS value,\n        \
                 row_number() OVER (PARTITION BY {week} ORDER BY {took}) AS place,\n        \
                 count(*) OVER (PARTITION BY {week}) AS places\n    \
                 FROM (\n        {spans}\n    ) AS spans\n    \
                 WHERE ended >= {since}\n\
                 ) AS each WHERE place = (places + 1) / 2"
            )
        };
        let median = |view: &str, at: &str| {
            median_of(&format!("SELECT created_at AS began, {at} AS ended FROM {view} WHERE area_id = {area}"))
        };
        let production = "d.environment IN (\n            \
                          SELECT e.name FROM environments e WHERE e.area_id = d.area_id AND e.tier = 'production')";
        // The first deployment to production after a time that succeeded.
        let next_deployment = |after: &str| {
            format!(
                "SELECT d.updated_at FROM deployments d\n        \
                 WHERE d.area_id = {area} AND d.updated_at >= {after} AND d.status = 'success' AND {production}\n        \
                 ORDER BY d.updated_at LIMIT 1"
            )
        };
        let share = |view: &str, at: &str, of: &str, among: &str| {
            let week = dialect.week(at);
            format!(
                "SELECT {week} AS week,\n    \
                 CAST(100.0 * sum(CASE WHEN status = '{of}' THEN 1 ELSE 0 END) / count(*) AS DOUBLE PRECISION) AS value\n\
                 FROM {view} d\n\
                 WHERE area_id = {area} AND {at} >= {since} AND status IN ('success', 'failed'){among}\n\
                 GROUP BY {week}"
            )
        };
        match self {
            Self::IssuesOpened => count("issues", "created_at"),
            Self::IssuesClosed => count("issues", "closed_at"),
            Self::IssueLeadTime => median("issues", "closed_at"),
            Self::MergeRequestsOpened => count("merge_requests", "created_at"),
            Self::MergeRequestsMerged => count("merge_requests", "merged_at"),
            Self::MergeRequestLeadTime => median("merge_requests", "merged_at"),
            Self::Commits => count("commits", "committed_at"),
            Self::Pipelines => {
                count("pipelines", "created_at").replace("WHERE ", "WHERE status IN ('success', 'failed') AND ")
            }
            Self::PipelineSuccess => share("pipelines", "created_at", "success", ""),
            Self::PipelineDuration => median_of(&format!(
                "SELECT min(created_at) AS began, max(finished_at) AS ended FROM pipeline_jobs\n        \
                 WHERE area_id = {area} GROUP BY pipeline_id"
            )),
            Self::Releases => count("releases", "released_at"),
            Self::Deployments => count("deployments d", "updated_at")
                .replace("WHERE ", &format!("WHERE d.status = 'success' AND {production} AND ")),
            Self::DeploymentFailure => share("deployments", "updated_at", "failed", &format!(" AND {production}")),
            Self::ChangeLeadTime => {
                let deployed = next_deployment("m.merged_at");
                median_of(&format!(
                    "SELECT m.merged_at AS began, ({deployed}) AS ended\n        \
                     FROM merge_requests m WHERE m.area_id = {area} AND m.merged_at IS NOT NULL"
                ))
            }
            Self::RestoreTime => {
                let restored = next_deployment("f.updated_at");
                median_of(&format!(
                    "SELECT f.updated_at AS began, ({restored}) AS ended\n        \
                     FROM (SELECT d.updated_at FROM deployments d\n            \
                     WHERE d.area_id = {area} AND d.status = 'failed' AND {production}) f"
                ))
            }
        }
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Dialect {
    const fn of(conn: &Conn<'_>) -> Self {
        match conn {
            Conn::Sqlite(_) => Self::Sqlite,
            Conn::Postgres(_) => Self::Postgres,
        }
    }

    /// The Monday of a time's week, as text.
    fn week(self, at: &str) -> String {
        match self {
            Self::Sqlite => format!("date({at}, 'weekday 0', '-6 days')"),
            Self::Postgres => format!("to_char(date_trunc('week', {at}), 'YYYY-MM-DD')"),
        }
    }

    /// From one time to another.
    fn seconds(self, from: &str, to: &str) -> String {
        match self {
            Self::Sqlite => format!("(julianday({to}) - julianday({from})) * 86400"),
            Self::Postgres => format!("CAST(extract(epoch FROM {to} - {from}) AS DOUBLE PRECISION)"),
        }
    }
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    week: String,
    #[diesel(sql_type = Nullable<Double>)]
    value: Option<f64>,
}

/// The Monday of the week of a time, so many weeks before that.
fn monday(at: DateTime<Utc>, weeks_before: u64) -> NaiveDate {
    let day = at.date_naive();
    let into = u64::from(chrono::Datelike::weekday(&day).num_days_from_monday());
    day.checked_sub_days(Days::new(into + 7 * weeks_before)).unwrap_or(day)
}

/// A project's figure in each of the last `weeks` weeks, this one included, oldest first.
pub fn weekly(
    conn: &mut Conn<'_>,
    area: AreaId,
    figure: Figure,
    weeks: u64,
    until: DateTime<Utc>,
) -> Result<Vec<Week>, StoreError> {
    let first = monday(until, weeks.saturating_sub(1));
    let since = format!("{first} 00:00:00");
    let rows: Vec<Row> = match conn {
        Conn::Sqlite(c) => {
            let sql = figure.sql(Dialect::Sqlite, "?1", "?2");
            sql_query(sql).bind::<BigInt, _>(area.0).bind::<Text, _>(since).load(*c)?
        }
        Conn::Postgres(c) => {
            let sql = figure.sql(Dialect::Postgres, "$1", "CAST($2 AS TIMESTAMP)");
            sql_query(sql).bind::<BigInt, _>(area.0).bind::<Text, _>(since).load(*c)?
        }
    };
    let mut values: HashMap<String, f64> = rows.into_iter().filter_map(|row| Some((row.week, row.value?))).collect();
    let of = |monday: NaiveDate| {
        let value = values.remove(&monday.to_string());
        Week { monday, value: value.or_else(|| figure.counts().then_some(0.0)) }
    };
    let mondays = (0..weeks).filter_map(|week| first.checked_add_days(Days::new(7 * week)));
    Ok(mondays.map(of).collect())
}

/// The question as this database understands it, for people to ask it themselves.
#[must_use]
pub fn question(conn: &Conn<'_>, area: AreaId, figure: Figure, weeks: u64, until: DateTime<Utc>) -> String {
    let since = format!("'{} 00:00:00'", monday(until, weeks.saturating_sub(1)));
    format!("{}\nORDER BY week;", figure.sql(Dialect::of(conn), &area.0.to_string(), &since))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_week_begins_on_monday() {
        let at = |text: &str| DateTime::parse_from_rfc3339(text).unwrap().to_utc();
        let monday = |text: &str, back| super::monday(at(text), back).to_string();
        assert_eq!(monday("2026-11-25T23:59:59Z", 0), "2026-11-23");
        assert_eq!(monday("2026-11-23T00:00:00Z", 0), "2026-11-23");
        assert_eq!(monday("2026-11-22T23:59:59Z", 0), "2026-11-16");
        assert_eq!(monday("2026-01-01T12:00:00Z", 1), "2025-12-22");
    }
}
