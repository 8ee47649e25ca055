//! `link_scan`: reads a page and those that it leads to, and checks every link once.
//!
//! Pages are read in waves, breadth first. A wave's verdicts and the frontier after it are committed together, so that
//! another attempt begins with the next wave and no link is counted twice.

use super::Links;
use crate::{Completed, JobControl, JobFailure, Steps};
use futures_util::{StreamExt as _, stream};
use serde::{Deserialize, Serialize};
use trawl_jobs::{Item, ItemState, JobError, kind};
use trawl_links::{
    Cause, Check, Checker, Contents, Fresh, Frontier, Link, Novelty, PageLinks, PageTask, Scope, State, Verdict, Visit,
};
use trawl_protocol::StartJob;

/// Pages that are read at the same time.
const WAVE: usize = 16;
/// Links that are checked at the same time.
const CHECKS: usize = 64;

/// Where to go on.
#[derive(Debug, Serialize, Deserialize)]
struct Cursor {
    frontier: State,
    tally: Tally,
}

/// Pages that were searched, and distinct links by what became of them.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
struct Tally {
    pages: u64,
    alive: u64,
    dead: u64,
    errors: u64,
    protected: u64,
    skipped: u64,
    redirected: u64,
}

impl Tally {
    fn count(&mut self, check: &Check) {
        *match check.verdict {
            Verdict::Alive => &mut self.alive,
            Verdict::Dead => &mut self.dead,
            Verdict::Error => &mut self.errors,
            Verdict::Protected => &mut self.protected,
            Verdict::Skipped => &mut self.skipped,
        } += 1;
        self.redirected += u64::from(check.redirect.is_some());
    }

    const fn all(self) -> u64 {
        self.alive + self.dead + self.errors + self.protected + self.skipped
    }
}

/// Runs it.
pub(crate) async fn run(
    options: &kind::LinkScan,
    links: &Links,
    order: &StartJob,
    control: &JobControl,
) -> Result<Completed, JobFailure> {
    let scope = scope(options);
    let cursor = order.cursor.as_deref().and_then(|cursor| serde_json::from_str::<Cursor>(cursor).ok());
    let wrong = |error: trawl_links::Error| JobError::permanent(error.to_string());
    let (frontier, tally) = match cursor {
        Some(cursor) => (Frontier::resume(&scope, &cursor.frontier).map_err(wrong)?, cursor.tally),
        None => (Frontier::new(&scope).map_err(wrong)?, Tally::default()),
    };
    let steps = control.pipeline([("pages", 0.5), ("links", 0.5)]);
    let mut scan = Scan { options, checker: &links.checker, control, steps, frontier, tally };
    while scan.wave().await? {}
    Ok(scan.completed())
}

fn scope(options: &kind::LinkScan) -> Scope {
    Scope {
        depth: options.depth,
        same_host: options.same_host,
        max_pages: options.max_pages,
        fragments: options.fragments,
        include: options.include.clone(),
        exclude: options.exclude.clone(),
        ..Scope::new(options.url.as_str())
    }
}

struct Scan<'a> {
    options: &'a kind::LinkScan,
    checker: &'a Checker,
    control: &'a JobControl,
    steps: Steps,
    frontier: Frontier,
    tally: Tally,
}

/// A link that has to be checked, and the page that it stands on.
struct ToCheck {
    link: Link,
    place: Place,
}

/// Where a link was found first.
#[derive(Debug, Clone, Serialize)]
struct Place {
    page: String,
    text: String,
}

impl Place {
    fn json(&self) -> Option<String> {
        serde_json::to_string(self).ok()
    }
}

impl Scan<'_> {
    /// Reads the next pages and checks what is new on them; false where there were none.
    async fn wave(&mut self) -> Result<bool, JobFailure> {
        let tasks: Vec<PageTask> = std::iter::from_fn(|| self.frontier.next_page()).take(WAVE).collect();
        if tasks.is_empty() {
            return Ok(false);
        }
        let fragments = self.options.fragments;
        let visits: Vec<Visit> = stream::iter(tasks.clone())
            .map(|task| {
                let checker = self.checker.clone();
                async move { checker.visit(&task.link, fragments).await }
            })
            .buffered(WAVE)
            .collect()
            .await;
        let (mut items, mut to_check) = (Vec::new(), Vec::new());
        for (task, visit) in tasks.iter().zip(&visits) {
            start_page(task, &visit.check)?;
            let item = item(task.link.as_str().to_owned(), &visit.check, None);
            if !task.known {
                self.tally.count(&visit.check);
            }
            items.push(item);
            let page = match &visit.contents {
                Contents::Links(page) => Some(page),
                Contents::Disallowed(why) => {
                    self.control.warning(format!("{} was not read: {why}", task.link.as_str()));
                    None
                }
                Contents::NotHtml(_) | Contents::Nothing => None,
            };
            let fresh =
                self.frontier.found(task, &visit.url, page).map_err(|error| JobError::permanent(error.to_string()))?;
            if let Some(page) = page {
                self.tally.pages += 1;
                self.sort(page, &visit.url, &fresh, &mut items, &mut to_check);
            }
        }
        self.check(to_check, &mut items).await;
        for task in &tasks {
            self.frontier.done(task);
        }
        self.report(items).await?;
        Ok(true)
    }

    /// What is new on a page: to be checked, or judged without asking.
    fn sort(
        &mut self,
        page: &PageLinks,
        url: &trawl_links::Url,
        fresh: &[Fresh],
        items: &mut Vec<Item>,
        to_check: &mut Vec<ToCheck>,
    ) {
        for Fresh { position, novelty } in fresh {
            let found = &page.links[*position];
            let place = Place { page: url.to_string(), text: found.text.clone() };
            match (&found.target, novelty) {
                (Err(rejected), _) => self.judge(items, rejected.href.clone(), &Check::from(rejected), Some(&place)),
                (Ok(link), Novelty::Excluded) => self.judge(items, named(link), &Check::excluded(), Some(&place)),
                (Ok(link), Novelty::Check | Novelty::Unfit) if self.leads_away(link) => {
                    self.judge(items, named(link), &Check::excluded(), Some(&place));
                }
                (Ok(link), Novelty::Check | Novelty::Unfit) => to_check.push(ToCheck { link: link.clone(), place }),
                // Its visit brings the verdict; only the place on it, if it names one, is left.
                (Ok(link), Novelty::Page) => {
                    let detail = place.json();
                    items.push(Item { detail, ..Item::new(link.as_str(), ItemState::Pending) });
                    if self.options.fragments && link.fragment().is_some() {
                        to_check.push(ToCheck { link: link.clone(), place });
                    }
                }
            }
        }
    }

    fn leads_away(&self, link: &Link) -> bool {
        !self.options.check_external && !self.frontier.is_own(link)
    }

    async fn check(&mut self, to_check: Vec<ToCheck>, items: &mut Vec<Item>) {
        let (checker, fragments) = (self.checker, self.options.fragments);
        let mut checks = stream::iter(to_check)
            .map(|ToCheck { link, place }| {
                let checker = checker.clone();
                async move {
                    let check = checker.check(&link, fragments).await;
                    (link, place, check)
                }
            })
            .buffer_unordered(CHECKS);
        while let Some((link, place, check)) = checks.next().await {
            self.judge(items, named(&link), &check, Some(&place));
            self.steps.set_counts("links", self.tally.all(), Some(self.frontier.counts().links));
        }
    }

    fn judge(&mut self, items: &mut Vec<Item>, name: String, check: &Check, place: Option<&Place>) {
        self.tally.count(check);
        items.push(item(name, check, place));
    }

    /// Commits what the wave has brought, and where to go on.
    async fn report(&self, items: Vec<Item>) -> Result<(), JobFailure> {
        let counts = self.frontier.counts();
        self.control.items(items);
        self.steps.set_counts("pages", counts.pages_done.into(), Some(counts.pages.into()));
        self.steps.set_counts("links", self.tally.all(), Some(counts.links));
        let cursor = Cursor { frontier: self.frontier.state(), tally: self.tally };
        let cursor = serde_json::to_string(&cursor)
            .map_err(|error| JobError::permanent(format!("the state of the scan cannot be written: {error}")))?;
        self.control.checkpoint_ahead(cursor, Vec::new()).await
    }

    fn completed(self) -> Completed {
        let counts = self.frontier.counts();
        let left_out = counts.pages_left_out + counts.links_left_out;
        let incomplete = (left_out > 0).then(|| {
            let text = format!(
                "{} pages and {} links were left out for the sake of a bound; raise max_pages to see more",
                counts.pages_left_out, counts.links_left_out
            );
            self.control.warning(&text);
            text
        });
        let Tally { pages, alive, dead, errors, protected, skipped, redirected } = self.tally;
        let result = serde_json::json!({
            "pages": pages, "links": self.tally.all(), "alive": alive, "dead": dead, "errors": errors,
            "protected": protected, "skipped": skipped, "redirected": redirected,
        });
        Completed { result, incomplete, ..Completed::default() }
    }
}

/// A scan whose first page cannot be read has nothing to say.
fn start_page(task: &PageTask, check: &Check) -> Result<(), JobError> {
    let Some(cause) = check.cause.as_ref().filter(|_| task.number == 0) else { return Ok(()) };
    let text = format!("{} cannot be read: {cause}", task.link.as_str());
    Err(match (check.verdict, cause) {
        (Verdict::Error, Cause::Refused(_) | Cause::TooManyRedirects { .. } | Cause::BadRedirect(_)) => {
            JobError::permanent(text)
        }
        (Verdict::Error, Cause::Busy { wait_ms }) => {
            JobError { retry_after_ms: Some(*wait_ms), ..JobError::transient(text) }
        }
        (Verdict::Error, _) => JobError::transient(text),
        _ => JobError::permanent(text),
    })
}

fn item(name: String, check: &Check, place: Option<&Place>) -> Item {
    Item {
        name,
        state: match check.verdict {
            Verdict::Alive | Verdict::Protected => ItemState::Done,
            Verdict::Dead | Verdict::Error => ItemState::Failed,
            Verdict::Skipped => ItemState::Skipped,
        },
        verdict: Some(check.verdict.to_string()),
        note: note(check),
        detail: place.and_then(Place::json),
    }
}

/// A link as it is listed: with the place that it names, since that may be what is missing.
fn named(link: &Link) -> String {
    match link.fragment() {
        Some(fragment) => format!("{}#{fragment}", link.as_str()),
        None => link.as_str().to_owned(),
    }
}

fn note(check: &Check) -> Option<String> {
    let moved = || check.redirect.as_ref().filter(|redirect| redirect.permanent);
    let cause = check.cause.as_ref().map(ToString::to_string);
    cause.or_else(|| Some(format!("moved to {}", moved()?.to)))
}
