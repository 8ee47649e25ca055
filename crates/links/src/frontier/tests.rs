use std::collections::BTreeSet;

use super::*;
use crate::find::{Limits, find};
use proptest::prelude::*;

const LIMITS: Limits = Limits { max_links: 1000, max_ids: 1000, max_url_bytes: 200 };

fn page(url: &Url, hrefs: &[String]) -> PageLinks {
    let html = hrefs.iter().fold(String::new(), |html, href| format!("{html}<a href='{href}'></a>"));
    find(html.as_bytes(), None, url, LIMITS)
}

fn scope(start: &str) -> Scope {
    Scope::new(start)
}

/// Scans a site, one page at a time, and tells the paths of its pages and of its checks.
fn scan(scope: &Scope, site: impl Fn(&Url) -> Vec<String>) -> (Vec<String>, Vec<String>, Counts) {
    let mut frontier = Frontier::new(scope).unwrap();
    let (mut pages, mut checks) = (Vec::new(), Vec::new());
    while let Some(task) = frontier.next_page() {
        pages.push(task.link.to_string());
        let url = task.link.url().clone();
        let contents = page(&url, &site(&url));
        for fresh in frontier.found(&task, &url, Some(&contents)).unwrap() {
            if fresh.novelty == Novelty::Check {
                checks.push(contents.links[fresh.position].target.as_ref().unwrap().to_string());
            }
        }
        frontier.done(&task);
    }
    assert!(frontier.is_finished());
    (pages, checks, frontier.counts())
}

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

#[test]
fn breadth_first_within_the_host_and_depth() {
    let site = |url: &Url| match url.path() {
        "/" => owned(&["/a", "/b", "http://b.example/", "/f.pdf", "/#top"]),
        "/a" => owned(&["/a1", "/b", "/"]),
        "/b" => owned(&["/b1"]),
        _ => owned(&["/deep"]),
    };
    let at = |depth| scan(&Scope { depth, ..scope("http://a.example") }, site);
    let (pages, checks, counts) = at(2);
    assert_eq!(pages, ["/", "/a", "/b", "/a1", "/b1"].map(|path| format!("http://a.example{path}")));
    assert_eq!(checks, ["http://b.example/", "http://a.example/f.pdf", "http://a.example/deep"]);
    assert_eq!(counts, Counts { pages: 5, pages_done: 5, links: 8, pages_left_out: 0, links_left_out: 0 });
    assert_eq!(at(0).0, ["http://a.example/"]);
}

#[test]
fn include_and_exclude() {
    let wanted = Scope { include: owned(&["*/in/*"]), exclude: owned(&["*secret*"]), ..scope("http://a.example/") };
    let (pages, checks, _) = scan(&wanted, |_| owned(&["/in/1", "/out", "/in/secret"]));
    assert_eq!(pages, ["http://a.example/", "http://a.example/in/1"]);
    assert_eq!(checks, ["http://a.example/out"]);
}

#[test]
fn calendars_end() {
    let site = |url: &Url| {
        let month = url.query().and_then(|query| query[2..].parse().ok()).unwrap_or(0_u64);
        owned(&[&format!("/cal?m={}", month + 1), &format!("/cal?m={}", month + 2)])
    };
    let bounded = Scope { depth: u32::MAX, max_variants: 20, ..scope("http://a.example/") };
    let (pages, _, counts) = scan(&bounded, site);
    assert_eq!(pages.len(), 21);
    assert!(counts.pages_left_out > 0);
    let (pages, _, _) = scan(&Scope { depth: u32::MAX, max_pages: 30, max_variants: u32::MAX, ..bounded }, site);
    assert_eq!(pages.len(), 30);
    let (pages, _, _) = scan(&Scope { depth: u32::MAX, ..scope("http://a.example/") }, |_| owned(&["x/"]));
    assert_eq!(pages.len(), 5, "relative links that pile up");
}

#[test]
fn links_are_bounded() {
    let few = Scope { max_links: 10, ..scope("http://a.example/") };
    let (_, checks, counts) = scan(&few, |_| (0..50).map(|at| format!("http://b.example/{at}")).collect());
    assert_eq!((checks.len(), counts.links, counts.links_left_out), (9, 10, 41));
}

#[test]
fn fragments_are_links_of_their_own_where_asked() {
    let site = |_: &Url| owned(&["/p#a", "/p#b"]);
    let all = |fragments| {
        let mut frontier = Frontier::new(&Scope { fragments, ..scope("http://a.example/") }).unwrap();
        let task = frontier.next_page().unwrap();
        let url = task.link.url().clone();
        let fresh = frontier.found(&task, &url, Some(&page(&url, &site(&url)))).unwrap();
        fresh.iter().map(|fresh| fresh.novelty).collect::<Vec<_>>()
    };
    assert_eq!(all(false), [Novelty::Page]);
    assert_eq!(all(true), [Novelty::Page, Novelty::Check]);
}

#[test]
fn a_start_that_moves_takes_the_scan_along() {
    let mut frontier = Frontier::new(&scope("http://a.example/")).unwrap();
    let task = frontier.next_page().unwrap();
    let landed: Url = "https://www.a.example/home".parse().unwrap();
    let contents = page(&landed, &owned(&["/x", "/home", "http://a.example/y"]));
    frontier.found(&task, &landed, Some(&contents)).unwrap();
    frontier.done(&task);
    let pages = std::iter::from_fn(|| frontier.next_page()).map(|task| task.link.to_string()).collect::<Vec<_>>();
    assert_eq!(pages, ["https://www.a.example/x", "http://a.example/y"]);
}

#[test]
fn what_cannot_be_asked_is_told_once() {
    let mut frontier = Frontier::new(&scope("http://a.example/")).unwrap();
    let task = frontier.next_page().unwrap();
    let url = task.link.url().clone();
    let contents = page(&url, &owned(&["mailto:a@b.c", "mailto:a@b.c", "http://["]));
    let fresh = frontier.found(&task, &url, Some(&contents)).unwrap();
    assert_eq!(fresh, [Fresh { position: 0, novelty: Novelty::Unfit }, Fresh { position: 2, novelty: Novelty::Unfit }]);
}

#[test]
fn pages_are_taken_in_order() {
    let mut frontier = Frontier::new(&scope("http://a.example/")).unwrap();
    let start = frontier.next_page().unwrap();
    let url = start.link.url().clone();
    frontier.found(&start, &url, Some(&page(&url, &owned(&["/a", "/b"])))).unwrap();
    assert!(frontier.found(&start, &url, None).is_err(), "twice");
    let (a, b) = (frontier.next_page().unwrap(), frontier.next_page().unwrap());
    assert_eq!(frontier.found(&b, &url, None), Err(Error::OutOfOrder { expected: 1, got: 2 }));
    frontier.found(&a, &url, None).unwrap();
    frontier.found(&b, &url, None).unwrap();
    frontier.done(&b);
    frontier.done(&a);
    assert_eq!(frontier.counts().pages_done, 0);
    frontier.done(&start);
    assert_eq!(frontier.counts().pages_done, 3);
}

#[test]
fn bad_scopes_say_why() {
    for bad in ["ftp://a.example/", "no address", "http://user@a.example/"] {
        assert!(matches!(Frontier::new(&scope(bad)), Err(Error::Start { .. })), "{bad}");
    }
    let scope: Scope = serde_json::from_str(r#"{"start":"http://a.example/"}"#).unwrap();
    assert_eq!(scope, Scope::new("http://a.example/"));
    assert!(serde_json::from_str::<Scope>(r#"{"start":"http://a.example/","dept":1}"#).is_err());
}

#[test]
fn the_saved_form_is_compact() {
    let mut frontier = Frontier::new(&Scope { max_pages: 5000, ..scope("http://docs.example/") }).unwrap();
    let task = frontier.next_page().unwrap();
    let url = task.link.url().clone();
    let hrefs = (0..2000)
        .map(|at| format!("/guide/section-{}/page-{at}.html", at / 50))
        .chain((0..3000).map(|at| format!("http://other.example/{at}")))
        .collect::<Vec<_>>();
    let limits = Limits { max_links: 10_000, ..LIMITS };
    let html = hrefs.iter().fold(String::new(), |html, href| html + "<a href='" + href + "'></a>");
    frontier.found(&task, &url, Some(&find(html.as_bytes(), None, &url, limits))).unwrap();
    frontier.done(&task);
    let json = serde_json::to_string(&frontier.state()).unwrap();
    assert!(json.len() < 160_000, "{}", json.len());
}

/// A small site: for each page the pages that it links to, some of them twice, and some elsewhere.
fn sites() -> impl Strategy<Value = Vec<Vec<u8>>> {
    proptest::collection::vec(proptest::collection::vec(0_u8..30, 0..6), 12)
}

fn links_of(site: &[Vec<u8>], url: &Url) -> Vec<String> {
    let at = url.path()[1..].parse::<usize>().unwrap_or(0);
    let href = |to: &u8| match usize::from(*to) {
        to if to < site.len() => format!("/{to}"),
        to if to < 20 => format!("/0?q={to}"),
        to => format!("http://b.example/{to}"),
    };
    site.get(at).map(|links| links.iter().map(href).collect()).unwrap_or_default()
}

/// What a scan does to the outside: pages asked for, in order, and links told as new.
#[derive(Debug, Default, PartialEq)]
struct Trace {
    pages: Vec<String>,
    new: BTreeSet<(String, String)>,
}

/// Scans with some pages under way at a time; `crashes` says before which steps all that is not saved is lost.
fn run(scope: &Scope, site: &[Vec<u8>], ahead: usize, crashes: &[bool], shuffle: &[bool]) -> (Trace, Counts) {
    let mut frontier = Frontier::new(scope).unwrap();
    let mut trace = Trace::default();
    let (mut under_way, mut taken) = (VecDeque::new(), VecDeque::new());
    for step in 0.. {
        if crashes.get(step) == Some(&true) {
            let saved = serde_json::to_string(&frontier.state()).unwrap();
            frontier = Frontier::resume(scope, &serde_json::from_str(&saved).unwrap()).unwrap();
            (under_way, taken) = Default::default();
        }
        while under_way.len() + taken.len() < ahead {
            let Some(task) = frontier.next_page() else { break };
            under_way.push_back(task);
        }
        if let Some(task) = under_way.pop_front() {
            let url = task.link.url().clone();
            let contents = page(&url, &links_of(site, &url));
            for fresh in frontier.found(&task, &url, Some(&contents)).unwrap() {
                let link = contents.links[fresh.position].target.as_ref().unwrap().to_string();
                trace.new.insert((link, format!("{:?} on {}", fresh.novelty, task.number)));
            }
            let number = task.number as usize;
            trace.pages.truncate(number);
            trace.pages.push(task.link.to_string());
            taken.push_back(task);
        }
        if shuffle.get(step) == Some(&true) {
            taken.rotate_left(1.min(taken.len()));
        }
        if taken.len() >= ahead || under_way.is_empty() {
            taken.pop_front().iter().for_each(|task| frontier.done(task));
        }
        if frontier.is_finished() {
            break;
        }
    }
    (trace, frontier.counts())
}

proptest! {
    #[test]
    fn an_interrupted_scan_equals_an_uninterrupted_one(
        site in sites(),
        ahead in 1_usize..6,
        crashes in proptest::collection::vec(proptest::bool::weighted(0.2), 0..40),
        shuffle in proptest::collection::vec(any::<bool>(), 0..40),
        max_pages in 1_u32..20,
        max_links in 1_u32..30,
        max_variants in 0_u32..5,
        depth in 0_u32..6,
    ) {
        let scope = Scope { depth, max_pages, max_links, max_variants, ..scope("http://a.example/0") };
        let plain = run(&scope, &site, 1, &[], &[]);
        let interrupted = run(&scope, &site, ahead, &crashes, &shuffle);
        prop_assert_eq!(&plain, &interrupted);
        prop_assert_eq!(plain.0.pages.len(), plain.1.pages as usize);
        prop_assert!(plain.1.pages <= max_pages && plain.1.links <= u64::from(max_links));
    }
}
