//! Fetches a page to look for links in it.

use std::time::Duration;

use url::Url;

use crate::checker::Checker;
use crate::fetch::{Answer, Order};
use crate::find::PageLinks;
use crate::normalize::Link;
use crate::retry::Method;
use crate::robots::Permission;
use crate::{Check, Verdict};

/// What a visit brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Visit {
    /// The verdict on the page itself.
    pub check: Check,
    /// Where the page came from at last.
    pub url: Url,
    /// What is on it.
    pub contents: Contents,
}

/// What is on a page, or why nobody knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Contents {
    /// Its links.
    Links(PageLinks),
    /// It is alive but no HTML: its media type, empty if not told.
    NotHtml(String),
    /// robots.txt keeps us from reading it; in words. It was checked like any other link.
    Disallowed(String),
    /// It is not alive.
    Nothing,
}

impl Checker {
    /// Fetches the page at `link` and finds its links, if its robots.txt lets us.
    ///
    /// The verdict is remembered: a [`check`](Self::check) of the same link sends nothing more. With `anchors`, so are the
    /// places on the page, for checks of fragments.
    pub async fn visit(&self, link: &Link, anchors: bool) -> Visit {
        let rules = Box::pin(self.inner.robots.rules(&self.inner.transport, link.url())).await;
        match rules.permission(link.url()) {
            Permission::Denied(why) => self.unread(link, why).await,
            Permission::Granted => Box::pin(self.read(link, rules.crawl_delay(), anchors)).await,
        }
    }

    async fn unread(&self, link: &Link, why: String) -> Visit {
        let check = self.check(link, false).await;
        // Of a host that is down or a page that is gone there is nothing to be read anyway.
        let contents = if check.verdict == Verdict::Alive { Contents::Disallowed(why) } else { Contents::Nothing };
        Visit { check, url: link.url().clone(), contents }
    }

    async fn read(&self, link: &Link, interval: Duration, anchors: bool) -> Visit {
        let order = Order { method: Method::Get, want: self.html(), interval };
        let mut answer = match self.inner.transport.fetch(link.url(), order).await {
            Ok(answer) => answer,
            Err(failure) => {
                let check = Check::from(failure);
                self.note_page(link, &check, None);
                return Visit { check, url: link.url().clone(), contents: Contents::Nothing };
            }
        };
        let check = answer.check();
        if let Some(why) = self.elsewhere(link, &answer).await {
            self.note_page(link, &check, None);
            return Visit { check, url: answer.url, contents: Contents::Disallowed(why) };
        }
        let contents = if let Some(page) = self.parse(&mut answer).await {
            self.note(link, &answer, &check, anchors.then_some(&page));
            Contents::Links(page)
        } else {
            self.note_page(link, &check, None);
            Contents::NotHtml(answer.media_type.essence.clone())
        };
        Visit { check, url: answer.url, contents }
    }

    /// Why the place that a redirect led to must not be read, if it must not.
    async fn elsewhere(&self, link: &Link, answer: &Answer) -> Option<String> {
        if answer.url == *link.url() {
            return None;
        }
        let rules = Box::pin(self.inner.robots.rules(&self.inner.transport, &answer.url)).await;
        match rules.permission(&answer.url) {
            Permission::Denied(why) => Some(why),
            Permission::Granted => None,
        }
    }

    /// A page that was redirected to is known under both names.
    fn note(&self, link: &Link, answer: &Answer, check: &Check, page: Option<&PageLinks>) {
        let anchors = || page.map(|page| page.anchors.clone());
        if answer.fragment_replaced {
            self.note_page(link, check, None);
        } else {
            self.note_page(link, check, anchors());
        }
        if answer.redirect.is_some() {
            let direct = Check::alive(answer.status, None);
            self.note_page(&Link::from(answer.url.clone()), &direct, anchors());
        }
    }
}
