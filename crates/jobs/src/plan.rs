//! Which jobs follow from what is known: the one place that decides it.

use crate::{AreaKind, JobSpec, kind};

/// What planning needs to know of an area.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AreaTraits {
    /// Group or project.
    pub kind: AreaKind,
    /// The project's issue tracker is on.
    pub issues_enabled: bool,
    /// The project accepts merge requests.
    pub merge_requests_enabled: bool,
}

/// The jobs that a newly linked account needs.
#[must_use]
pub fn for_account() -> Vec<JobSpec> {
    vec![JobSpec::AuthorizationScope(kind::AuthorizationScope {})]
}

/// The jobs that an area needs.
#[must_use]
pub fn for_area(area: AreaTraits) -> Vec<JobSpec> {
    match area.kind {
        AreaKind::Group => vec![
            JobSpec::Group(kind::Group {}),
            JobSpec::GroupMembers(kind::GroupMembers {}),
            JobSpec::GroupLabels(kind::GroupLabels {}),
            JobSpec::GroupMilestones(kind::GroupMilestones {}),
            JobSpec::Iterations(kind::Iterations {}),
            JobSpec::Epics(kind::Epics::default()),
        ],
        AreaKind::Project => {
            let mut specs = vec![JobSpec::Project(kind::Project {}), JobSpec::Members(kind::Members {})];
            if area.issues_enabled {
                specs.push(JobSpec::Issues(kind::Issues::default()));
                specs.push(JobSpec::Boards(kind::Boards {}));
            }
            if area.merge_requests_enabled {
                specs.push(JobSpec::MergeRequests(kind::MergeRequests::default()));
            }
            // Whether the others are switched on is only told to whoever asks for them.
            specs.extend([
                JobSpec::Labels(kind::Labels {}),
                JobSpec::Milestones(kind::Milestones {}),
                JobSpec::Releases(kind::Releases {}),
                JobSpec::Branches(kind::Branches {}),
                JobSpec::Tags(kind::Tags {}),
                JobSpec::Commits(kind::Commits::default()),
                JobSpec::Pipelines(kind::Pipelines::default()),
                JobSpec::PipelineJobs(kind::PipelineJobs::default()),
                JobSpec::Deployments(kind::Deployments::default()),
                JobSpec::Environments(kind::Environments {}),
                JobSpec::PipelineSchedules(kind::PipelineSchedules {}),
                JobSpec::Packages(kind::Packages {}),
                JobSpec::ContainerRepositories(kind::ContainerRepositories {}),
                JobSpec::Snippets(kind::Snippets {}),
                JobSpec::WikiPages(kind::WikiPages {}),
                JobSpec::TestReports(kind::TestReports::default()),
                JobSpec::Vulnerabilities(kind::Vulnerabilities {}),
                JobSpec::Attachments(kind::Attachments {}),
            ]);
            specs
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disabled_feature_gets_no_job() {
        let kinds = |issues_enabled, merge_requests_enabled| {
            let area = AreaTraits { kind: AreaKind::Project, issues_enabled, merge_requests_enabled };
            let switched = ["issues", "boards", "merge_requests"];
            for_area(area).iter().map(JobSpec::kind).filter(|kind| switched.contains(kind)).collect::<Vec<_>>()
        };
        assert_eq!(kinds(true, true), ["issues", "boards", "merge_requests"]);
        assert_eq!(kinds(false, true), ["merge_requests"]);
        assert_eq!(kinds(false, false), [""; 0]);
    }
}
