//! Which kind runs what: the one list.

use crate::{
    JobControl,
    attempt::{JobFuture, Registry},
    drill,
    forge::{
        self, Forge,
        lists::{
            self, Attachments, Boards, Branches, Commits, ContainerRepositories, Deployments, Environments, Epics,
            Iterations, Labels, Members, Milestones, Packages, PipelineJobs, PipelineSchedules, Pipelines, Releases,
            RowList, Snippets, Tags, TestReports, Vulnerabilities, WikiPages,
        },
    },
    links::{self, Links},
};
use std::sync::Arc;
use trawl_jobs::{JobSpec, UnknownKind};
use trawl_protocol::StartJob;

fn list<L: RowList + 'static>(full: bool, forge: Arc<Forge>, order: StartJob, control: JobControl) -> JobFuture {
    Box::pin(async move { lists::run::<L>(full, &forge, &order, &control).await })
}

fn whole<L: RowList + 'static>(forge: Arc<Forge>, order: StartJob, control: JobControl) -> JobFuture {
    list::<L>(true, forge, order, control)
}

/// All families of this crawler.
#[derive(Debug)]
pub struct Families {
    /// What jobs that read GitLab share.
    pub forge: Arc<Forge>,
    /// What jobs that check links share.
    pub links: Arc<Links>,
}

impl Registry for Families {
    fn kinds(&self) -> Vec<String> {
        JobSpec::crawler_kinds().map(str::to_owned).collect()
    }

    fn prepare(&self, order: StartJob, control: JobControl) -> Result<JobFuture, UnknownKind> {
        let spec = JobSpec::parse(&order.kind, &order.payload)?;
        let forge = Arc::clone(&self.forge);
        Ok(match spec {
            JobSpec::AuthorizationScope(_) => {
                Box::pin(async move { forge::authorization_scope::run(&forge, &order, &control).await })
            }
            JobSpec::Group(_) => Box::pin(async move { forge::group::run(&forge, &order, &control).await }),
            JobSpec::Project(_) => Box::pin(async move { forge::project::run(&forge, &order, &control).await }),
            JobSpec::Issues(options) => {
                Box::pin(async move { forge::issues::run(&options, &forge, &order, &control).await })
            }
            JobSpec::MergeRequests(options) => {
                Box::pin(async move { forge::merge_requests::run(&options, &forge, &order, &control).await })
            }
            JobSpec::Members(_) | JobSpec::GroupMembers(_) => whole::<Members>(forge, order, control),
            JobSpec::Labels(_) | JobSpec::GroupLabels(_) => whole::<Labels>(forge, order, control),
            JobSpec::Milestones(_) | JobSpec::GroupMilestones(_) => whole::<Milestones>(forge, order, control),
            JobSpec::Branches(_) => whole::<Branches>(forge, order, control),
            JobSpec::Tags(_) => whole::<Tags>(forge, order, control),
            JobSpec::Releases(_) => whole::<Releases>(forge, order, control),
            JobSpec::Commits(options) => list::<Commits>(options.full, forge, order, control),
            JobSpec::Pipelines(options) => list::<Pipelines>(options.full, forge, order, control),
            JobSpec::PipelineJobs(options) => list::<PipelineJobs>(options.full, forge, order, control),
            JobSpec::Deployments(options) => list::<Deployments>(options.full, forge, order, control),
            JobSpec::TestReports(options) => list::<TestReports>(options.full, forge, order, control),
            JobSpec::Epics(options) => list::<Epics>(options.full, forge, order, control),
            JobSpec::Environments(_) => whole::<Environments>(forge, order, control),
            JobSpec::PipelineSchedules(_) => whole::<PipelineSchedules>(forge, order, control),
            JobSpec::Snippets(_) => whole::<Snippets>(forge, order, control),
            JobSpec::WikiPages(_) => whole::<WikiPages>(forge, order, control),
            JobSpec::Vulnerabilities(_) => whole::<Vulnerabilities>(forge, order, control),
            JobSpec::Attachments(_) => whole::<Attachments>(forge, order, control),
            JobSpec::Packages(_) => whole::<Packages>(forge, order, control),
            JobSpec::ContainerRepositories(_) => whole::<ContainerRepositories>(forge, order, control),
            JobSpec::Boards(_) => whole::<Boards>(forge, order, control),
            JobSpec::Iterations(_) => whole::<Iterations>(forge, order, control),
            JobSpec::LinkScan(options) => {
                let links = Arc::clone(&self.links);
                Box::pin(async move { links::scan::run(&options, &links, &order, &control).await })
            }
            JobSpec::BulkAction(_) => return Err(UnknownKind::Kind(spec.kind().to_owned())),
            JobSpec::Drill(options) => Box::pin(async move { drill::run(&options, &order, &control).await }),
        })
    }
}
