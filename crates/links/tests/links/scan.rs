//! A whole scan: frontier, visits and checks together.

use std::collections::BTreeMap;

use trawl_links::{Check, Checker, Contents, Frontier, Novelty, Options, Scope, Verdict};

use crate::server::{Reply, Request, Server, checker_with, options};

/// `/`, twenty pages that link to each other, each with a missing neighbour; and a calendar without end.
fn site(request: &Request) -> Reply {
    let path = request.path.as_str();
    let links = |hrefs: &[String]| {
        Reply::html(hrefs.iter().fold(String::new(), |html, href| format!("{html}<a href='{href}'>{href}</a>")))
    };
    match path.trim_start_matches('/') {
        "" => links(&["/1".into(), "/2".into(), "/calendar?month=1".into(), "/door".into(), "mailto:a@b.c".into()]),
        "door" => Reply::status(401),
        rest => {
            if let Some(month) = rest.strip_prefix("calendar?month=") {
                return links(&[format!("/calendar?month={}", month.parse::<u64>().unwrap() + 1)]);
            }
            match rest.parse::<u32>() {
                Ok(at) if at <= 20 => {
                    links(&[format!("/{}", at + 1), format!("/{}", at * 2), format!("/missing-{at}")])
                }
                _ => Reply::status(404),
            }
        }
    }
}

async fn scan(checker: &Checker, scope: &Scope) -> BTreeMap<String, Check> {
    let mut frontier = Frontier::new(scope).unwrap();
    let mut verdicts = BTreeMap::new();
    while let Some(task) = frontier.next_page() {
        let visit = checker.visit(&task.link, true).await;
        verdicts.insert(task.link.url().path().to_owned(), visit.check);
        let page = if let Contents::Links(page) = &visit.contents { Some(page) } else { None };
        for fresh in frontier.found(&task, &visit.url, page).unwrap() {
            let target = &page.unwrap().links[fresh.position].target;
            match (fresh.novelty, target) {
                (Novelty::Check, Ok(link)) => {
                    let check = checker.check(link, scope.fragments).await;
                    verdicts.insert(link.url().path().to_owned(), check);
                }
                (Novelty::Unfit, Err(rejected)) => {
                    verdicts.insert(rejected.href.clone(), Check::from(rejected));
                }
                _ => {}
            }
        }
        frontier.done(&task);
        let saved = serde_json::to_string(&frontier.state()).unwrap();
        frontier = Frontier::resume(scope, &serde_json::from_str(&saved).unwrap()).unwrap();
    }
    verdicts
}

#[tokio::test]
async fn a_scan_is_exact_and_ends_although_connections_are_reset() {
    let server = Server::start(|request| if request.number % 7 == 6 { Reply::Reset } else { site(request) }).await;
    let scope = Scope { max_variants: 10, depth: 100, ..Scope::new(server.url("/")) };
    let verdicts = scan(&checker_with(Options { attempts: 10, ..options() }), &scope).await;
    let count = |verdict| verdicts.values().filter(|check| check.verdict == verdict).count();
    let dead = verdicts.iter().filter(|(_, check)| check.verdict == Verdict::Dead).map(|(path, _)| path.as_str());
    let mut expected = (1..=20).map(|at| format!("/missing-{at}")).collect::<Vec<_>>();
    expected.extend((21..=40).filter(|at| *at == 21 || at % 2 == 0).map(|at| format!("/{at}")));
    expected.sort_unstable();
    assert_eq!(dead.collect::<Vec<_>>(), expected);
    assert_eq!(count(Verdict::Protected), 1);
    assert_eq!(count(Verdict::Skipped), 1);
    assert_eq!(count(Verdict::Error), 0);
    // The start, twenty pages, and the calendar, whose months differ only in their query.
    assert_eq!(count(Verdict::Alive), 22);
    assert!(server.count("GET /calendar?month=10") > 0 && server.count("GET /calendar?month=12") == 0);
}
