//! Which page of a scan comes next, and which links are new. Pure and deterministic: pages are handed out breadth
//! first, and what they hold is taken in the same order, however the fetches overtake each other.
//!
//! Everything that was learnt is kept as logs that only grow, so a [`State`] is a prefix of them: what was known when
//! the last page was done before which all others were done too. A scan that goes on from it asks again for the pages
//! after that one, and is told again of the links that it found new on them.

mod digest;
mod log;
mod pattern;
mod scope;
mod shape;
mod state;

use std::collections::VecDeque;

use url::Url;

use crate::Error;
use crate::find::{Found, PageLinks};
use crate::normalize::{Link, host_and_port};
use digest::digest;
use log::{CountedLog, SetLog};
use scope::Rules;
pub use scope::Scope;
pub use state::State;

/// The frontier of one scan.
#[derive(Debug)]
pub struct Frontier {
    rules: Rules,
    /// Pages that are not done, by the order of their discovery; the first has the number `done`.
    pages: VecDeque<Pending>,
    /// One for each page that was handed out and is not done.
    open: VecDeque<Open>,
    done: u32,
    /// What was known when page `done` became the next.
    committed: Mark,
    seen: SetLog,
    queued: SetLog,
    shapes: CountedLog,
    hosts: Vec<String>,
    left_out: LeftOut,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Pending {
    url: Url,
    depth: u32,
    known: bool,
}

#[derive(Debug, Default)]
struct Open {
    /// What was known after its links were taken.
    mark: Option<Mark>,
    done: bool,
}

/// How long each log was at some moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Mark {
    pages: u32,
    seen: usize,
    queued: usize,
    shapes: usize,
    hosts: usize,
    left_out: LeftOut,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct LeftOut {
    pages: u64,
    links: u64,
}

/// A page to be fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageTask {
    /// Its number in this scan, from 0 in the order of discovery.
    pub number: u32,
    /// Steps from the start.
    pub depth: u32,
    /// Its address.
    pub link: Link,
    /// Its address was told as a new link before it became a page, so there is a verdict on it already.
    pub known: bool,
}

/// A link that stood on no earlier page of the scan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fresh {
    /// Which of the page's links it is.
    pub position: usize,
    /// What to do about it.
    pub novelty: Novelty,
}

/// What to do about a new link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Novelty {
    /// Check it.
    Check,
    /// It will be handed out as a page; the visit brings the verdict. Only its fragment, if it has one and fragments
    /// are checked, is left to check.
    Page,
    /// The scan excludes it.
    Excluded,
    /// It is no address that can be asked.
    Unfit,
}

/// How far a scan is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Pages found so far, the start included.
    pub pages: u32,
    /// Pages that are done, and all before them.
    pub pages_done: u32,
    /// Distinct links, the start included.
    pub links: u64,
    /// Times that a page was not crawled for the sake of a bound other than depth: too many pages, or too many variants
    /// of one.
    pub pages_left_out: u64,
    /// Times that a link was not looked at because there were too many.
    pub links_left_out: u64,
}

impl Frontier {
    /// A scan at its beginning.
    pub fn new(scope: &Scope) -> Result<Self, Error> {
        let rules = Rules::new(scope)?;
        let start = rules.start.clone();
        let mut frontier = Self::empty(rules);
        frontier.hosts.push(host_and_port(start.url()));
        frontier.seen.insert(digest(start.as_str()));
        frontier.queued.insert(digest(start.as_str()));
        frontier.pages.push_back(Pending { url: start.url().clone(), depth: 0, known: false });
        frontier.committed = frontier.mark();
        Ok(frontier)
    }

    /// A scan that goes on from `state`. The scope must be the one that it began with.
    pub fn resume(scope: &Scope, state: &State) -> Result<Self, Error> {
        let mut frontier = Self::empty(Rules::new(scope)?);
        state.restore(&mut frontier)?;
        frontier.committed = frontier.mark();
        Ok(frontier)
    }

    fn empty(rules: Rules) -> Self {
        Self {
            rules,
            pages: VecDeque::new(),
            open: VecDeque::new(),
            done: 0,
            committed: Mark::default(),
            seen: SetLog::default(),
            queued: SetLog::default(),
            shapes: CountedLog::default(),
            hosts: Vec::new(),
            left_out: LeftOut::default(),
        }
    }

    /// What has to be kept to go on from here after a crash.
    #[must_use]
    pub fn state(&self) -> State {
        State::of(self)
    }

    /// The next page, if one is known. None while the last ones are under way, which may bring more.
    pub fn next_page(&mut self) -> Option<PageTask> {
        let at = self.open.len();
        let page = self.pages.get(at)?;
        let number = self.done + u32::try_from(at).ok()?;
        let task = PageTask { number, depth: page.depth, link: Link::from(page.url.clone()), known: page.known };
        self.open.push_back(Open::default());
        Some(task)
    }

    /// Takes what `page` held, once for each page and in the order in which they were handed out, and tells which
    /// links are new. `landed` is where it came from at last; a page that was not read holds nothing.
    pub fn found(&mut self, page: &PageTask, landed: &Url, contents: Option<&PageLinks>) -> Result<Vec<Fresh>, Error> {
        let at = self.open.iter().take_while(|open| open.mark.is_some()).count();
        let expected = self.done + u32::try_from(at).unwrap_or(u32::MAX);
        if page.number != expected || at >= self.open.len() {
            return Err(Error::OutOfOrder { expected, got: page.number });
        }
        self.note_landing(page, landed);
        let mut fresh = Vec::new();
        if let Some(contents) = contents {
            for (position, found) in contents.links.iter().enumerate() {
                let novelty = self.take(page, found, contents.nofollow);
                fresh.extend(novelty.map(|novelty| Fresh { position, novelty }));
            }
        }
        self.open[at].mark = Some(self.mark());
        Ok(fresh)
    }

    /// Everything about `page`, its new links included, is recorded: it will not be asked for again. In any order.
    pub fn done(&mut self, page: &PageTask) {
        let Some(at) = page.number.checked_sub(self.done) else { return };
        if let Some(open) = self.open.get_mut(at as usize) {
            open.done = open.mark.is_some();
        }
        while let Some(mark) = self.open.front().filter(|open| open.done).and_then(|open| open.mark) {
            self.committed = mark;
            self.open.pop_front();
            self.pages.pop_front();
            self.done += 1;
        }
    }

    /// Whether all pages are done.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.pages.is_empty()
    }

    /// How far it is.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let mark = self.mark();
        Counts {
            pages: mark.pages,
            pages_done: self.done,
            links: mark.seen as u64,
            pages_left_out: mark.left_out.pages,
            links_left_out: mark.left_out.links,
        }
    }

    fn mark(&self) -> Mark {
        Mark {
            pages: self.done + u32::try_from(self.pages.len()).unwrap_or(u32::MAX),
            seen: self.seen.len(),
            queued: self.queued.len(),
            shapes: self.shapes.len(),
            hosts: self.hosts.len(),
            left_out: self.left_out,
        }
    }

    /// A page that was redirected to needs no second visit; where the start was sent on to, there the site is.
    fn note_landing(&mut self, page: &PageTask, landed: &Url) {
        if landed == page.link.url() {
            return;
        }
        let landed = Link::from(landed.clone());
        self.queued.insert(digest(landed.as_str()));
        let host = host_and_port(landed.url());
        if page.number == 0 && !self.hosts.contains(&host) {
            self.hosts.push(host);
        }
    }

    fn take(&mut self, page: &PageTask, found: &Found, page_nofollow: bool) -> Option<Novelty> {
        let link = match &found.target {
            Ok(link) => link,
            // No address begins with a blank, so it is told from one.
            Err(rejected) => return self.see(digest(&format!(" {}", rejected.href))).then_some(Novelty::Unfit),
        };
        if self.rules.excludes(link) {
            return self.see(self.rules.identity(link)).then_some(Novelty::Excluded);
        }
        let follow = found.element.leads_to_page() && !found.nofollow && !page_nofollow;
        let identity = self.rules.identity(link);
        let Some(known) = follow.then(|| self.enqueue(link, page.depth)).flatten() else {
            return self.see(identity).then_some(Novelty::Check);
        };
        // With its place on the page, it is another link than the page.
        let is_new = if identity == digest(link.as_str()) { !known } else { self.see(identity) };
        is_new.then_some(Novelty::Page)
    }

    /// Whether a link leads to the site that is scanned: the start's host (name and port), or the one that it was sent
    /// on to.
    #[must_use]
    pub fn is_own(&self, link: &Link) -> bool {
        self.hosts.contains(&host_and_port(link.url()))
    }

    /// `true` if it was not seen before.
    fn see(&mut self, identity: u64) -> bool {
        if self.seen.contains(identity) {
            return false;
        }
        if self.seen.len() >= self.rules.max_links {
            self.left_out.links += 1;
            return false;
        }
        self.seen.insert(identity)
    }

    /// If it has become a page of the scan just now: whether it was seen before.
    fn enqueue(&mut self, link: &Link, depth: u32) -> Option<bool> {
        let identity = digest(link.as_str());
        if depth >= self.rules.depth || self.queued.contains(identity) || !self.rules.admits(link, &self.hosts) {
            return None;
        }
        let shape = shape::shape(link.url()).map(|shape| digest(&shape));
        let too_many = self.mark().pages >= self.rules.max_pages
            || shape.is_some_and(|shape| self.shapes.count(shape) >= self.rules.max_variants)
            || shape::is_loop(link.url());
        if too_many {
            self.left_out.pages += 1;
            return None;
        }
        if let Some(shape) = shape {
            self.shapes.push(shape);
        }
        self.queued.insert(identity);
        let known = !self.see(identity);
        self.pages.push_back(Pending { url: link.url().clone(), depth: depth + 1, known });
        Some(known)
    }
}

#[cfg(test)]
mod tests;
