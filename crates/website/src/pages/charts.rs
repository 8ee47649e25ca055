//! `/explore/project/{id}/charts`: a project's figures over time, each with the question that it answers.

use super::{
    area::{Completeness, Crumb},
    chart::Bars,
    frame::{Frame, Section},
    link, parts, words,
};
use askama::Template;
use chrono::{DateTime, Utc};
use trawl_store::charts::{Figure, Week};

/// Figures over time.
#[derive(Debug, Template)]
#[template(path = "charts.html")]
pub struct ChartsPage {
    /// What surrounds the page.
    pub frame: Frame,
    /// Our id.
    pub id: i64,
    /// Display name.
    pub name: String,
    /// Full path.
    pub full_path: String,
    /// Groups above, outermost first.
    pub ancestors: Vec<Crumb>,
    /// Description as GitLab has it.
    pub description: Option<String>,
    /// `public`, `internal` or `private`.
    pub visibility: Option<String>,
    /// Archived in GitLab.
    pub archived: bool,
    /// Address in GitLab's own UI.
    pub web_url: Option<String>,
    /// End of the last pass that ended well.
    pub synced_at: Option<DateTime<Utc>>,
    /// Whether everything is there.
    pub completeness: Completeness,
    /// In the order in which they are shown.
    pub charts: Vec<Chart>,
}

/// One figure.
#[derive(Debug, Clone)]
pub struct Chart {
    /// What it tells.
    pub figure: Figure,
    /// Oldest first.
    pub weeks: Vec<Week>,
    /// The question in SQL.
    pub question: String,
}

impl Chart {
    const fn title(&self) -> &'static str {
        match self.figure {
            Figure::IssuesOpened => "Issues opened",
            Figure::IssuesClosed => "Issues closed",
            Figure::IssueLeadTime => "Issues, from opened to closed",
            Figure::MergeRequestsOpened => "Merge requests opened",
            Figure::MergeRequestsMerged => "Merge requests merged",
            Figure::MergeRequestLeadTime => "Merge requests, from opened to merged",
            Figure::Commits => "Commits",
            Figure::Pipelines => "Pipelines ended",
            Figure::PipelineSuccess => "Pipelines that succeed",
            Figure::PipelineDuration => "Pipelines, from created to the end of the last job",
            Figure::Releases => "Releases",
            Figure::Deployments => "Deployments to production",
            Figure::ChangeLeadTime => "Changes, from merged to deployed",
            Figure::DeploymentFailure => "Deployments that fail",
            Figure::RestoreTime => "From a failed deployment to the next good one",
        }
    }

    /// What a week's figure is.
    const fn per_week(&self) -> &'static str {
        match self.figure {
            Figure::IssueLeadTime
            | Figure::MergeRequestLeadTime
            | Figure::PipelineDuration
            | Figure::ChangeLeadTime
            | Figure::RestoreTime => "median of each week",
            Figure::PipelineSuccess | Figure::DeploymentFailure => "share of each week",
            _ => "per week",
        }
    }

    fn in_words(&self, value: Option<f64>) -> String {
        let Some(value) = value else { return "none".to_owned() };
        #[expect(clippy::cast_possible_truncation, reason = "figures are far below the limits")]
        let whole = value.round() as i64;
        match self.figure {
            Figure::IssueLeadTime
            | Figure::MergeRequestLeadTime
            | Figure::PipelineDuration
            | Figure::ChangeLeadTime
            | Figure::RestoreTime => words::rough(whole),
            Figure::PipelineSuccess | Figure::DeploymentFailure => format!("{whole} %"),
            _ => words::count(whole),
        }
    }

    /// The last week that is over and has a figure: the one that runs is not to be compared with the others.
    fn latest(&self) -> String {
        let over = self.weeks.len().saturating_sub(1);
        self.in_words(self.weeks[..over].iter().rev().find_map(|week| week.value))
    }

    fn bars(&self) -> Bars {
        #[expect(clippy::cast_possible_truncation, reason = "figures are far below the limits")]
        let values: Vec<i64> = self.weeks.iter().map(|week| week.value.unwrap_or(0.0).round() as i64).collect();
        Bars::new(&values)
    }

    fn bar_title(&self, bar: usize) -> String {
        self.weeks
            .get(bar)
            .map_or_else(String::new, |week| format!("week of {}: {}", week.monday, self.in_words(week.value)))
    }

    fn first_week(&self) -> String {
        self.weeks.first().map_or_else(String::new, |week| week.monday.to_string())
    }

    fn is_empty(&self) -> bool {
        self.weeks.iter().all(|week| week.value.is_none_or(|value| value == 0.0))
    }
}

impl ChartsPage {
    const SECTION: Section = Section::Explore;
    const LIVE: &str = "area";

    fn title(&self) -> String {
        format!("Charts · {}", self.full_path)
    }

    const fn is_archived(&self) -> bool {
        self.archived
    }

    fn gitlab(&self) -> Option<&str> {
        link::external(self.web_url.as_deref())
    }

    fn is_empty(&self) -> bool {
        self.charts.iter().all(Chart::is_empty)
    }
}
