//! `scripts/bench crawl`: how long and how many requests a first crawl of the simulated forge takes through all three
//! processes, and how much memory they need, beside reading the same pages and keeping nothing. The mirror has to be what the
//! forge holds.
//!
//! `TRAWL_BENCH_SCALE` says how large the forge is, `TRAWL_BENCH_COPIES` in how many times 24 projects; at 20 it has 50,000
//! issues and pipelines, 24,000 merge requests, 80,000 commits and 300,000 notes.
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot run has nothing to say")]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "figures are printed, and so is how it goes")]

#[path = "shared/figures.rs"]
#[expect(dead_code, reason = "others use more of it")]
mod figures;
#[path = "../e2e/harness/mod.rs"]
#[expect(dead_code, unused_imports, reason = "the tests use more of it")]
mod harness;
#[path = "shared/process.rs"]
mod process;

use figures::{median, print};
use futures_util::{StreamExt as _, stream};
use harness::{Site, System, assert_lists, assert_mirrors};
use std::time::{Duration, Instant};
use trawl_gitlab::{Client, Endpoint, IssuesQuery, MergeRequestsQuery, NotesOf, NotesQuery, Options};
use trawl_gitlab_sim::{MARIA_TOKEN, Options as Forge, Sim};

/// As many at once as the normal lane has slots by default.
const AT_ONCE: usize = 6;
/// Longest that a crawl may take.
const PATIENCE: Duration = Duration::from_hours(1);

/// One crawl.
struct Crawl {
    seconds: f64,
    requests: f64,
    /// Those of them that ask for issues and merge requests with their notes.
    of_items: f64,
    website_mib: f64,
    crawler_mib: f64,
    /// Issues, merge requests and notes.
    records: f64,
    /// Issues and merge requests.
    items: f64,
}

type Figure = fn(&Crawl) -> f64;

#[tokio::main]
async fn main() {
    let (mut crawls, mut raw) = (Vec::new(), Vec::new());
    for run in 1..=figures::runs() {
        let crawl = crawl().await;
        let seconds = read_only().await.as_secs_f64();
        eprintln!(
            "run {run}: {:.2} s, {:.0} requests, website {:.1} MiB, crawler {:.1} MiB; reading alone {seconds:.2} s",
            crawl.seconds, crawl.requests, crawl.website_mib, crawl.crawler_mib
        );
        crawls.push(crawl);
        raw.push(seconds);
    }
    let of = |figure: Figure| median(crawls.iter().map(figure).collect());
    let (seconds, alone) = (of(|crawl| crawl.seconds / crawl.records * 1000.0), median(raw));
    let alone = alone / of(|crawl| crawl.records) * 1000.0;
    let baseline = ("reading the same pages, keeping nothing", alone);
    print("crawl", "time per 1,000 records", "s", seconds, crawls.len(), Some(baseline));
    let figures: [(&str, &str, Figure); 4] = [
        ("requests per 1,000 records", "requests", |crawl| crawl.requests / crawl.records * 1000.0),
        ("requests per issue or merge request with notes", "requests", |crawl| crawl.of_items / crawl.items),
        ("peak memory of the website", "MiB", |crawl| crawl.website_mib),
        ("peak memory of the crawler", "MiB", |crawl| crawl.crawler_mib),
    ];
    for (metric, unit, figure) in figures {
        print("crawl", metric, unit, of(figure), crawls.len(), None);
    }
}

fn forge() -> Sim {
    let said = |variable| std::env::var(variable).ok();
    let scale = said("TRAWL_BENCH_SCALE").map_or(1.0, |scale| scale.parse().unwrap());
    let copies = said("TRAWL_BENCH_COPIES").map_or(1, |copies| copies.parse().unwrap());
    trawl_gitlab_sim::start(Forge { scale, copies, rate_limit: 1_000_000, ..Forge::default() }).unwrap()
}

async fn crawl() -> Crawl {
    let site = Site::new(System::new(), forge()).await;
    let begun = Instant::now();
    site.link(MARIA_TOKEN).await;
    let database = site.crawled_within(PATIENCE).await;
    let seconds = begun.elapsed().as_secs_f64();
    assert_mirrors(&database, &site.forge);
    assert_lists(&database, &site.forge);
    let peak = |name: &str| process::peak_mib(site.system.process(name).unwrap()["pid"].as_u64().unwrap());
    let counts = site.forge.counts();
    let asked = site.forge.requests();
    let of_items =
        "SELECT sum(json_extract(result, '$.requests')) AS v FROM jobs WHERE kind IN ('issues', 'merge_requests')";
    let number = |n: usize| f64::from(u32::try_from(n).unwrap());
    Crawl {
        seconds,
        requests: f64::from(u32::try_from(asked.values().sum::<u64>()).unwrap()),
        of_items: f64::from(u32::try_from(database.number(of_items)).unwrap()),
        website_mib: peak("website"),
        crawler_mib: peak("crawler-1"),
        records: number(counts.issues + counts.merge_requests + counts.notes),
        items: number(counts.issues + counts.merge_requests),
    }
}

/// Reads every project's issues and merge requests with all notes.
async fn read_only() -> Duration {
    let forge = forge();
    let endpoint = Endpoint { base_url: forge.url().parse().unwrap(), token: MARIA_TOKEN.into() };
    let client = Client::new(&endpoint, &Options::default()).unwrap();
    let begun = Instant::now();
    let (mut projects, mut after) = (Vec::new(), None);
    loop {
        let page = client.projects(after.as_ref()).await.unwrap();
        projects.extend(page.items);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    let lists = projects.into_iter().flat_map(|project| {
        let issues = project.issues_enabled.then(|| (NotesOf::Issues, project.full_path.clone()));
        issues
            .into_iter()
            .chain(project.merge_requests_enabled.then(|| (NotesOf::MergeRequests, project.full_path.clone())))
    });
    let reads = lists.map(|(what, path)| {
        let client = client.clone();
        async move { read_list(&client, what, &path).await }
    });
    stream::iter(reads).buffer_unordered(AT_ONCE).for_each(|()| async {}).await;
    begun.elapsed()
}

async fn read_list(client: &Client, what: NotesOf, path: &str) {
    let mut after = None;
    loop {
        let mut more = Vec::new();
        let next = match what {
            NotesOf::Issues => {
                let page = client.issues(path, &IssuesQuery { after, ..IssuesQuery::default() }).await.unwrap();
                more.extend(page.items.into_iter().filter_map(|item| Some((item.iid, item.notes.next?))));
                page.next
            }
            NotesOf::MergeRequests => {
                let query = MergeRequestsQuery { after, ..MergeRequestsQuery::default() };
                let page = client.merge_requests(path, &query).await.unwrap();
                more.extend(page.items.into_iter().filter_map(|item| Some((item.iid, item.notes.next?))));
                page.next
            }
        };
        while !more.is_empty() {
            let queries: Vec<NotesQuery> =
                more.iter().map(|(iid, after)| NotesQuery { iid: *iid, after: Some(after.clone()) }).collect();
            let pages = client.notes_batch(what, path, &queries).await.unwrap();
            let next = more.iter().zip(pages).filter_map(|((iid, _), page)| Some((*iid, page?.next?)));
            more = next.collect();
        }
        match next {
            Some(next) => after = Some(next),
            None => return,
        }
    }
}
