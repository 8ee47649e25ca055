//! Every page in its usual, hostile and empty form.

use super::{samples::Samples, *};
use trawl_jobs::{RecordKind, State};

const USUAL: Samples = Samples(false);

/// The same pages with nothing to show.
fn empty() -> Vec<(&'static str, String)> {
    let overview = USUAL.overview();
    let calm = Overview {
        linked_accounts: 1,
        running: vec![],
        running_total: 0,
        queued: 0,
        waiting: 0,
        refused_accounts: vec![],
        failed: vec![],
        parked: vec![],
        throughput: vec![0; 60],
        ..USUAL.overview()
    };
    let nothing = Overview { linked_accounts: 0, ..overview };
    let jobs = |filter| Jobs { filter, rows: vec![], older: None, ..USUAL.jobs() };
    let areas =
        |linked_accounts, q: &str| Explore { linked_accounts, q: q.to_owned(), areas: vec![], ..USUAL.explore() };
    let job = JobPage {
        subject_href: None,
        account: None,
        worker: None,
        started_at: None,
        progress: trawl_jobs::Progress::default(),
        per_second: None,
        seconds_left: None,
        messages: vec![],
        message_counts: vec![],
        attempts: vec![],
        items: vec![],
        item_counts: vec![],
        more_items: None,
        result: None,
        cursor: None,
        parent: None,
        children: vec![],
        ..USUAL.job(State::Queued)
    };
    let project = |filter, completeness| ProjectPage {
        filter,
        completeness,
        rows: vec![],
        description: None,
        web_url: None,
        older: None,
        newer: None,
        ..USUAL.project()
    };
    let group = GroupPage { subgroups: vec![], projects: vec![], ..USUAL.group() };
    let resource = ResourcePage {
        description: String::new(),
        notes: vec![],
        more_notes: false,
        labels: vec![],
        ..USUAL.resource()
    };
    let merge_requests = ResourceFilter { tab: Tab::parse("merge_requests"), ..ResourceFilter::default() };
    let html = |page: &dyn askama::DynTemplate| page.dyn_render().unwrap();
    vec![
        ("No account is linked yet. Link one to start mirroring.", html(&nothing)),
        ("Every token works and no job failed in the last 24 hours.", html(&calm)),
        ("No job fits this filter.", html(&jobs(USUAL.jobs().filter))),
        ("Jobs start by themselves once an account is linked.", html(&jobs(JobFilter::default()))),
        ("Not begun yet.", html(&job)),
        ("No account is linked yet.", html(&areas(0, ""))),
        ("No groups or projects found yet.", html(&areas(1, ""))),
        ("Nothing that your accounts can read has “zz” in it.", html(&areas(1, "zz"))),
        ("No issues fit this filter.", html(&project(USUAL.project().filter, Completeness::Complete))),
        ("No merge requests yet.", html(&project(merge_requests.clone(), Completeness::Pending))),
        ("no merge requests that your account can read", html(&project(merge_requests, Completeness::Complete))),
        ("No subgroup or project found here.", html(&group)),
        ("No description.", html(&resource)),
        ("No account is linked yet.", html(&Accounts { accounts: vec![], ..USUAL.accounts() })),
        ("No schedule yet.", html(&Schedules { rows: vec![], ..USUAL.schedules() })),
        ("No supervisor is connected", html(&Admin { processes: vec![], ..USUAL.admin() })),
    ]
}

#[test]
fn an_empty_page_says_what_to_do() {
    for (sentence, html) in empty() {
        assert!(html.contains(sentence), "{sentence:?} is missing in\n{html}");
    }
}

#[test]
fn hostile_text_stays_text() {
    for ((name, usual), (_, hostile)) in USUAL.all().into_iter().zip(Samples(true).all()) {
        let count = |html: &str, what: &str| html.matches(what).count();
        // What the templates themselves bring along, and nothing besides.
        assert_eq!(count(&hostile, "<script"), count(&usual, "<script"), "{name}");
        assert!(!hostile.contains("<img"), "{name}");
        assert!(!hostile.contains("\"'>"), "{name}: a quote ends an attribute");
        assert!(count(&hostile, "&#60;script&#62;alert(1)") > 1, "{name} shows no hostile text: the sample is broken");
        assert!(!hostile.contains("href=\"javascript:"), "{name}");
        assert_eq!(count(&hostile, "href=\"https:"), 0, "{name}");
    }
}

/// The policy of the site allows neither inline scripts nor inline styles.
#[test]
fn nothing_is_inline() {
    for (name, html) in USUAL.all() {
        assert!(!html.contains("<style") && !html.contains(" style="), "{name}");
        assert_eq!(html.matches("<script").count(), html.matches("></script>").count(), "{name}");
        for handler in [" onclick=", " onload=", " onerror=", " onsubmit="] {
            assert!(!html.contains(handler), "{name}: {handler}");
        }
    }
}

/// A form that changes something carries the token; one that asks does not put it into the address.
#[test]
fn every_post_has_its_csrf_token() {
    for (name, html) in USUAL.all() {
        for form in html.split("<form").skip(1) {
            let form = form.split("</form>").next().unwrap();
            let token = form.contains("<input type=\"hidden\" name=\"csrf\" value=\"token\">");
            assert_eq!(form.contains("method=\"post\""), token, "{name}: {form}");
        }
    }
}

/// A fragment is found by its name, and a job's row by its key.
#[test]
fn names_are_unique() {
    for (name, html) in USUAL.all() {
        for attribute in [" data-fragment=\"", " id=\""] {
            let mut names: Vec<_> = html.split(attribute).skip(1).map(|rest| rest.split('"').next()).collect();
            let all = names.len();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), all, "{name}: {attribute} {names:?}");
        }
    }
}

#[test]
fn only_an_administrator_sees_the_administration() {
    let html = |is_admin| {
        let frame = Frame { is_admin, ..USUAL.frame() };
        Jobs { frame, ..USUAL.jobs() }.render().unwrap()
    };
    assert!(html(true).contains("href=\"/admin\""));
    assert!(!html(false).contains("href=\"/admin\""));
}

#[test]
fn a_job_offers_what_its_state_allows() {
    for state in State::ALL {
        let html = USUAL.job(state).render().unwrap();
        let offered = |action: &str| html.contains(&format!("action=\"/jobs/{}/{action}\"", Samples::id(1)));
        assert_eq!(offered("abort"), state.after(trawl_jobs::Step::Abort).is_ok(), "{state}");
        assert_eq!(offered("retry"), state.after(trawl_jobs::Step::Retry).is_ok(), "{state}");
    }
}

#[test]
fn filters_are_the_address() {
    let html = USUAL.jobs().render().unwrap();
    let older = format!("/jobs?state=active&#38;kind=issues&#38;lane=normal&#38;q=gate&#38;before={}", Samples::id(14));
    assert!(html.contains(&format!("href=\"{older}\"")), "{html}");
    assert!(html.contains("href=\"/jobs?state=failed&#38;kind=issues&#38;lane=normal&#38;q=gate\""));
    for text in ["active", "past", "waiting"] {
        assert_eq!(StateFilter::parse(text).as_str(), Some(text));
    }
    assert_eq!(StateFilter::parse("nonsense"), StateFilter::All);
    let html = USUAL.project().render().unwrap();
    assert!(html.contains("href=\"/explore/project/7?state=closed&#38;q=hang\""));
    assert!(html.contains("href=\"/explore/project/7?tab=merge_requests\""), "another tab starts anew");
}

#[test]
fn live_elements_carry_their_job() {
    let html = USUAL.overview().render().unwrap();
    let bar = format!("data-job-progress=\"{}\"", Samples::id(1));
    assert_eq!(html.matches(&bar).count(), 2, "a bar and a number");
    assert!(html.contains("data-live=\"job area account process\""));
    assert!(html.contains("74 %") && html.contains("312 of 421 · 38/s · about 3 s left"));
    let html = USUAL.job(State::Running).render().unwrap();
    assert!(html.contains(&format!("data-live-job=\"{}\"", Samples::id(1))));
    assert!(html.contains(&format!("data-job-state=\"{}\">running<", Samples::id(1))));
}

#[test]
fn a_merge_request_is_named_as_gitlab_does() {
    let page = ResourcePage { kind: RecordKind::MergeRequest, ..USUAL.resource() };
    let html = page.render().unwrap();
    assert!(html.contains("· !1204 · Trawl</title>"));
    assert!(html.contains("href=\"/explore/project/7?tab=merge_requests\""));
    assert!(html.contains("rel=\"noopener noreferrer\""));
}
