//! Pages of what belongs to a project.

use super::{explain, explain::happened, listing::moved, session::Session};
use crate::{JobControl, JobFailure};
use trawl_gitlab::{Client, Error, Page, PageSize};
use trawl_jobs::AreaRef;

/// What is read, for people.
#[derive(Debug, Clone, Copy)]
pub(super) struct Named<'a> {
    /// In sentences about a page's size.
    pub(super) items: &'a str,
    /// In sentences about what could not be read.
    pub(super) list: &'a str,
}

/// The next page, as large as this GitLab can make it, wherever the project is by now: `request` makes it of a client, the
/// project's path and a size. The outer error is for the job, the inner one is GitLab's word.
pub(super) async fn page<T, F>(
    session: &mut Session<'_>,
    area: &mut AreaRef,
    size: &mut PageSize,
    control: &JobControl,
    named: Named<'_>,
    project_id: impl Fn(&T) -> Option<i64>,
    request: impl Fn(Client, String, u32) -> F + Sync,
) -> Result<Result<Page<T>, Error>, JobFailure>
where
    F: Future<Output = Result<Page<T>, Error>> + Send,
{
    loop {
        let (path, first) = (area.full_path.clone(), size.current());
        let answer = session.call(|client| request(client, path.clone(), first)).await;
        let elsewhere = match &answer {
            Ok(page) => page.items.iter().any(|item| project_id(item).is_some_and(|id| id != area.gitlab_id)),
            Err(error) => *error == Error::NotFound,
        };
        if elsewhere && session.follow(area).await.map_err(|error| named.explain(&error, area))? {
            continue;
        }
        match answer {
            // Nothing of somebody else's may be taken for this project's.
            Ok(_) if elsewhere => return Err(moved(&format!("project {}", area.full_path)).into()),
            Err(error) if error.wants_smaller_page() && size.shrink() => {
                control.warning(format!(
                    "{}; asking for {} {} at a time",
                    happened(&error),
                    size.current(),
                    named.items
                ));
            }
            answer => return Ok(answer),
        }
    }
}

impl Named<'_> {
    /// Why it could not be read.
    pub(super) fn explain(&self, error: &Error, area: &AreaRef) -> JobFailure {
        explain(error, &format!("{} of {}", self.list, area.full_path)).into()
    }
}
