//! A look at everything by number and time alone. The website compares it with the mirror: what is not among it is gone,
//! and what is mirrored otherwise is read by number in the next pass.

use super::{
    listing::Listing,
    paging::{self, Named},
    session::Session,
};
use crate::{JobControl, JobFailure};
use trawl_gitlab::{Client, Cursor, Page, PageSize, Sighted};
use trawl_jobs::{AreaRef, Change, Sighting};

/// Name of the step.
pub(super) const STEP: &str = "looked over";
/// Name of the figure in the result.
pub(super) const KEY: &str = "looked_over";

/// The next page.
pub(super) async fn page<L: Listing>(
    session: &mut Session<'_>,
    area: &mut AreaRef,
    after: Option<&Cursor>,
    size: &mut PageSize,
    control: &JobControl,
) -> Result<Page<Sighted>, JobFailure> {
    let named = Named { items: L::NAME, list: &format!("the numbers of the {}", L::NAME) };
    let request =
        |client: Client, path: String, first| async move { client.sightings(L::NOTES_OF, &path, after, first).await };
    let page = paging::page(session, area, size, control, named, |seen: &Sighted| seen.project_id, request).await?;
    let page = page.map_err(|error| named.explain(&error, area))?;
    for why in &page.skipped {
        control.warning(format!("one of the {} cannot be told from others: {why}", L::NAME));
    }
    Ok(page)
}

/// What the website is told of a page.
pub(super) fn sightings<L: Listing>(page: &Page<Sighted>) -> Change {
    let sighting = |seen: &Sighted| Sighting {
        gitlab_id: seen.id,
        iid: seen.iid,
        updated_at: seen.updated_at,
        comments: seen.user_notes_count,
    };
    Change::Sightings(L::KIND, page.items.iter().map(sighting).collect())
}
