//! robots.txt (RFC 9309): fetched once per origin, through the same door as everything else. It speaks about pages that
//! are crawled; a link that is merely checked is a reader's click.

mod path;
mod rules;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::OnceCell;
use url::Url;

use crate::fetch::{Order, Want};
use crate::memo::{Entry, Memo};
use crate::retry::Method;
use crate::transport::Transport;
use crate::{Cause, Options};

pub use rules::{Permission, Rules};

/// What is read of a robots.txt; the RFC asks for 500 KiB at least.
const MAX_BYTES: usize = 512 << 10;
/// The RFC asks not to use a copy for longer than a day; rules change with deployments.
const TTL: Duration = Duration::from_hours(1);

/// The rules of every origin that was asked lately.
pub(crate) struct Robots {
    product: String,
    max_crawl_delay: Duration,
    known: Memo<Origin>,
}

#[derive(Default)]
struct Origin {
    rules: OnceCell<Fetched>,
}

struct Fetched {
    rules: Arc<Rules>,
    ttl: Duration,
}

impl Entry for Origin {
    fn ttl(&self) -> Duration {
        self.rules.get().map_or(Duration::MAX, |fetched| fetched.ttl)
    }
}

impl Robots {
    pub(crate) fn new(options: &Options) -> Self {
        Self {
            product: options.user_agent.split(['/', ' ']).next().unwrap_or_default().to_owned(),
            max_crawl_delay: Duration::from_millis(options.max_crawl_delay_ms),
            known: Memo::new(options.max_hosts),
        }
    }

    /// The rules for the origin of `url`.
    pub(crate) async fn rules(&self, transport: &Transport, url: &Url) -> Arc<Rules> {
        let origin = self.known.entry(&url.origin().ascii_serialization());
        let fetched = origin.rules.get_or_init(|| self.fetch(transport, url)).await;
        Arc::clone(&fetched.rules)
    }

    async fn fetch(&self, transport: &Transport, url: &Url) -> Fetched {
        let mut address = url.clone();
        address.set_path("/robots.txt");
        address.set_query(None);
        let order = Order { method: Method::Get, want: Want::Any(MAX_BYTES), interval: Duration::ZERO };
        let error_ttl = Duration::from_millis(transport.options.error_cache_ttl_ms);
        let (rules, ttl) = match transport.fetch(&address, order).await {
            Ok(answer) => {
                let bytes = answer.body.map(|body| body.bytes).unwrap_or_default();
                (Rules::parse(&bytes, &self.product, self.max_crawl_delay), TTL)
            }
            // There is no such file, or it is none of our business; both mean that there are no rules.
            Err(failure) if allows_all(&failure.cause) => (Rules::allow_all(), TTL),
            Err(failure) => (Rules::deny_all(&failure.cause), error_ttl),
        };
        Fetched { rules: Arc::new(rules), ttl }
    }
}

/// "Unavailable" in the RFC's words, as against "unreachable". Too many requests is trouble, not an answer.
fn allows_all(cause: &Cause) -> bool {
    match cause {
        Cause::Status(status) => (300..500).contains(status) && *status != 429,
        Cause::TooManyRedirects { .. } | Cause::BadRedirect(_) => true,
        _ => false,
    }
}
