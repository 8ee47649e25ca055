//! The kinds that read a list of a group or project, and what a person may ask of each.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

/// Kinds that read a list whole, each time: it is short, and GitLab does not say what of it has changed.
macro_rules! whole_lists {
    ($($(#[$doc:meta])* $name:ident;)*) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
            #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
            #[serde(deny_unknown_fields)]
            pub struct $name {}
        )*
    };
}

whole_lists! {
    /// Reads who is a member of a project itself.
    Members;
    /// Reads who is a member of a group itself.
    GroupMembers;
    /// Reads a project's labels.
    Labels;
    /// Reads a project's milestones.
    Milestones;
    /// Reads a project's branches.
    Branches;
    /// Reads a project's tags.
    Tags;
    /// Reads a project's releases.
    Releases;
    /// Reads a group's own labels.
    GroupLabels;
    /// Reads a group's own milestones.
    GroupMilestones;
    /// Reads where a project is brought to.
    Environments;
    /// Reads the pipelines of a project that run by the clock.
    PipelineSchedules;
    /// Reads a project's snippets.
    Snippets;
    /// Reads the pages of a project's wiki.
    WikiPages;
    /// Reads what a project's package registry holds.
    Packages;
    /// Reads a project's container images.
    ContainerRepositories;
    /// Reads a project's issue boards.
    Boards;
    /// Reads a group's iterations.
    Iterations;
    /// Reads the weaknesses that were found in a project.
    Vulnerabilities;
    /// Reads which files were put into a project's texts.
    Attachments;
}

macro_rules! changing_lists {
    ($($(#[$doc:meta])* $name:ident { $($(#[$more_doc:meta])* $more:ident)? };)*) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
            #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
            #[serde(deny_unknown_fields)]
            pub struct $name {
                /// Read everything again instead of what changed since the last pass.
                #[serde(default, skip_serializing_if = "std::ops::Not::not")]
                pub full: bool,
                $(
                    $(#[$more_doc])*
                    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
                    pub $more: bool,
                )?
            }
        )*
    };
}

changing_lists! {
    /// Reads a project's issues with their notes and the time that was logged on them.
    Issues {
        /// Read what changed since the last pass, and then look everything over by number and time alone, so that what is
        /// gone or was missed is noticed.
        sweep
    };
    /// Reads a project's merge requests with their notes and the time that was logged on them.
    MergeRequests {
        /// Read what changed since the last pass, and then look everything over by number and time alone, so that what is
        /// gone or was missed is noticed.
        sweep
    };
    /// Reads the commits that a project's branches and tags lead to.
    Commits {};
    /// Reads a project's CI pipelines.
    Pipelines {};
    /// Reads the jobs of a project's CI pipelines.
    PipelineJobs {};
    /// Reads what the tests of a project's CI pipelines came to.
    TestReports {};
    /// Reads what a project brought where.
    Deployments {};
    /// Reads a group's own epics.
    Epics {};
}

impl Commits {
    /// GitLab finds commits by the time at which they were made, not at which they were pushed: what was made so long before
    /// a pass is found by it. What is pushed later than that is noticed by the branch or tag that leads to it.
    pub const PUSHED_LATE: TimeDelta = TimeDelta::days(14);
}
