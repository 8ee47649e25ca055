use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::OnceCell;

use crate::fetch::{Answer, Order, Want};
use crate::find::{self, Anchors, Limits, PageLinks};
use crate::memo::{Entry, Memo};
use crate::normalize::Link;
use crate::resolve::{Lookup, SystemLookup};
use crate::retry::Method;
use crate::robots::Robots;
use crate::transport::Transport;
use crate::{Cause, Check, Error, Options, Verdict};

/// Longer pages are searched beside the async threads.
const PARSE_INLINE_BYTES: usize = 256 << 10;

/// Checks links and fetches pages. One for the whole process; cloning is cheap and shares everything.
#[derive(Clone)]
pub struct Checker {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) transport: Transport,
    pub(crate) robots: Robots,
    known: Memo<Known>,
}

/// What is known of one URL. Each cell is filled by whoever asks first; the others wait for it, and if the first one
/// gives up in the middle, the next one goes on.
#[derive(Default)]
pub(crate) struct Known {
    status: OnceCell<Aged<Check>>,
    first: OnceCell<Aged<Look>>,
    /// A second look at the page, after the first one missed something in it.
    second: OnceCell<Aged<Look>>,
}

/// A finding and how long it is good for.
struct Aged<T> {
    value: T,
    ttl: Duration,
}

/// A look at a page's anchors.
#[derive(Clone)]
struct Look {
    check: Check,
    /// None if it is no page, or a redirect named its own place on it.
    anchors: Option<Arc<Anchors>>,
}

impl Look {
    fn lacks(&self, fragment: &str) -> bool {
        self.anchors.as_ref().is_some_and(|anchors| anchors.lack(fragment))
    }
}

impl Entry for Known {
    /// An entry that nobody has filled yet is always good.
    fn ttl(&self) -> Duration {
        let ages = [
            self.status.get().map(|aged| aged.ttl),
            self.first.get().map(|aged| aged.ttl),
            self.second.get().map(|aged| aged.ttl),
        ];
        ages.into_iter().flatten().min().unwrap_or(Duration::MAX)
    }
}

impl Checker {
    /// A checker that asks the system's resolver.
    pub fn new(options: Options) -> Result<Self, Error> {
        Self::with_lookup(options, Arc::new(SystemLookup))
    }

    /// A checker that asks `lookup` for the addresses of host names. What it answers passes the policy like any other.
    pub fn with_lookup(options: Options, lookup: Arc<dyn Lookup>) -> Result<Self, Error> {
        let known = Memo::new(options.cache_entries);
        let robots = Robots::new(&options);
        let transport = Transport::new(options, lookup)?;
        Ok(Self { inner: Arc::new(Inner { transport, robots, known }) })
    }

    /// The bounds and times that it was made with.
    #[must_use]
    pub fn options(&self) -> &Options {
        &self.inner.transport.options
    }

    /// The verdict on `link`, from memory if it is fresh. With `fragments`, the place that it names must be on the page.
    ///
    /// Whoever asks for the same URL at the same time shares the requests.
    pub async fn check(&self, link: &Link, fragments: bool) -> Check {
        let known = self.known(link);
        match link.fragment().filter(|fragment| fragments && find::is_checkable(fragment)) {
            Some(fragment) => Box::pin(self.fragment(&known, link, fragment)).await,
            None => Box::pin(self.status(&known, link)).await,
        }
    }

    pub(crate) fn known(&self, link: &Link) -> Arc<Known> {
        self.inner.known.entry(link.as_str())
    }

    async fn status(&self, known: &Known, link: &Link) -> Check {
        if let Some(look) = known.first.get() {
            return look.value.check.clone();
        }
        let ask = || async {
            let order = Order { method: Method::Head, want: Want::Nothing, interval: Duration::ZERO };
            let answer = self.inner.transport.fetch(link.url(), order).await;
            self.aged_check(answer.map_or_else(Check::from, |answer| answer.check()))
        };
        known.status.get_or_init(ask).await.value.clone()
    }

    async fn fragment(&self, known: &Known, link: &Link, fragment: &str) -> Check {
        if let Some(check) = known.status.get().filter(|aged| aged.value.verdict != Verdict::Alive) {
            return check.value.clone();
        }
        let first = &known.first.get_or_init(|| self.look(link)).await.value;
        if !first.lacks(fragment) {
            return first.check.clone();
        }
        let second = &known.second.get_or_init(|| self.look(link)).await.value;
        if !second.lacks(fragment) {
            return second.check.clone();
        }
        let missing = Check::because(Cause::MissingFragment(fragment.to_owned()));
        Check { status: second.check.status, redirect: second.check.redirect.clone(), ..missing }
    }

    async fn look(&self, link: &Link) -> Aged<Look> {
        let order = Order { method: Method::Get, want: self.html(), interval: Duration::ZERO };
        match self.inner.transport.fetch(link.url(), order).await {
            Err(failure) => self.aged_look(failure.into(), None),
            Ok(mut answer) => {
                let (check, replaced) = (answer.check(), answer.fragment_replaced);
                let page = self.parse(&mut answer).await.filter(|_| !replaced);
                self.aged_look(check, page.map(|page| page.anchors))
            }
        }
    }

    /// Notes what fetching a page has told, so that a check of the same link sends nothing.
    pub(crate) fn note_page(&self, link: &Link, check: &Check, anchors: Option<Anchors>) {
        let known = self.known(link);
        // Whoever was first has learnt the same.
        let _ = match anchors {
            Some(anchors) => known.first.set(self.aged_look(check.clone(), Some(anchors))).is_ok(),
            None => known.status.set(self.aged_check(check.clone())).is_ok(),
        };
    }

    pub(crate) fn html(&self) -> Want {
        Want::Html(self.options().max_page_bytes)
    }

    /// The links of an answer, if it is a page.
    pub(crate) async fn parse(&self, answer: &mut Answer) -> Option<PageLinks> {
        let body = answer.body.take()?;
        let options = self.options();
        let limits = Limits {
            max_links: options.max_links_per_page,
            max_ids: options.max_ids_per_page,
            max_url_bytes: options.max_url_bytes,
        };
        let (charset, url, large) =
            (answer.media_type.charset.clone(), answer.url.clone(), body.bytes.len() > PARSE_INLINE_BYTES);
        let parse = move || {
            let mut page = find::find(&body.bytes, charset.as_deref(), &url, limits);
            if body.cut {
                page.cut.bytes = true;
                page.anchors.set_incomplete();
            }
            page
        };
        if !large {
            return Some(parse());
        }
        match tokio::task::spawn_blocking(parse).await.map_err(tokio::task::JoinError::try_into_panic) {
            Ok(page) => Some(page),
            Err(Ok(panic)) => std::panic::resume_unwind(panic),
            // The process is about to end.
            Err(Err(_)) => None,
        }
    }

    fn aged_check(&self, check: Check) -> Aged<Check> {
        Aged { ttl: self.ttl(&check), value: check }
    }

    fn aged_look(&self, check: Check, anchors: Option<Anchors>) -> Aged<Look> {
        Aged { ttl: self.ttl(&check), value: Look { check, anchors: anchors.map(Arc::new) } }
    }

    fn ttl(&self, check: &Check) -> Duration {
        let options = self.options();
        let passing = check.verdict == Verdict::Error;
        Duration::from_millis(if passing { options.error_cache_ttl_ms } else { options.cache_ttl_ms })
    }
}

impl fmt::Debug for Checker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Checker").field("options", self.options()).finish_non_exhaustive()
    }
}
