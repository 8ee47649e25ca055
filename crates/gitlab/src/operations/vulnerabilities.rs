use super::text;
use crate::model::Vulnerability;
use crate::wire::documents::{Vulnerabilities, vulnerabilities};
use crate::wire::{next, page};
use crate::{Client, Cursor, Error, Page};

/// Best page size.
pub const VULNERABILITIES_PER_PAGE: u32 = 100;

/// What the edition that is free of charge says.
const NO_SUCH_FIELD: &str = "Field 'vulnerabilities' doesn't exist on type";

impl Client {
    /// A page of the weaknesses that were found in a project, those found first before others.
    ///
    /// # Errors
    /// [`Error::Forbidden`] to who may not see them, and from an edition that does not have them.
    pub async fn vulnerabilities(
        &self,
        project_path: &str,
        after: Option<&Cursor>,
        first: u32,
    ) -> Result<Page<Vulnerability>, Error> {
        let first = first.clamp(1, VULNERABILITIES_PER_PAGE).into();
        let variables = vulnerabilities::Variables { path: project_path.to_owned(), first, after: text(after) };
        let answer = self.run::<Vulnerabilities>(variables).await.map_err(|error| match error {
            Error::Query { messages, .. } if messages.iter().any(|message| message.contains(NO_SUCH_FIELD)) => {
                Error::Forbidden
            }
            other => other,
        });
        let project = answer?.project.ok_or(Error::NotFound)?;
        let list = project.vulnerabilities.ok_or(Error::Forbidden)?;
        let next = next(list.page_info.has_next_page, list.page_info.end_cursor)?;
        Ok(page(list.nodes, next, None, Vulnerability::try_from))
    }
}
