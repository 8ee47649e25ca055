//! What GitLab does wrong, and what becomes of the job.

use crate::{
    engine::failure,
    forge::{Scene, completed},
};
use trawl_gitlab_sim::{Fault, Rule, TruthKind};
use trawl_jobs::{AccountId, ErrorClass, RecordKind};
use trawl_protocol::StartJob;

const GRAPHQL: &str = "/api/graphql";

#[tokio::test]
async fn a_hiccup_is_survived_and_told() {
    let mut scene = Scene::new(0.02).await;
    scene.sim.set_faults(vec![Rule::times(GRAPHQL, 1, Fault::BadGateway)]);
    let order = scene.order("authorization_scope", None);
    let told = scene.run(order).await;
    let (result, ..) = completed(told.outcome);
    assert_eq!(result["requests"], 3);
    let [message] = told.messages.as_slice() else { panic!("{:?}", told.messages) };
    assert!(message.starts_with("GitLab answered 502; trying again in 0.0 s (2 of 4)"), "{message}");
}

#[tokio::test]
async fn a_page_that_is_too_much_is_halved() {
    let mut scene = Scene::new(0.2).await;
    let (area, facts) = scene.busiest(TruthKind::Issues).await;
    scene.sim.set_faults(vec![Rule::times(GRAPHQL, 4, Fault::Html { status: 502 })]);
    let told = scene.run(scene.order("issues", Some(&area))).await;
    completed(told.outcome);
    assert_eq!(told.records.iter().filter(|record| record.kind == RecordKind::Issue).count(), facts.len());
    assert!(told.messages.contains(&"GitLab answered 502; asking for 50 issues at a time".to_owned()));
}

#[tokio::test]
async fn a_long_limit_frees_the_slot() {
    let mut scene = Scene::new(0.02).await;
    scene.sim.set_faults(vec![Rule::times(GRAPHQL, 1, Fault::TooMany { retry_after_s: Some(1200) })]);
    let order = scene.order("authorization_scope", None);
    let error = failure(scene.run(order).await.outcome);
    assert_eq!((error.class, error.retry_after_ms), (ErrorClass::RateLimited, Some(1_200_000)));
}

#[tokio::test]
async fn a_lasting_outage_is_transient() {
    let mut scene = Scene::new(0.02).await;
    scene.sim.set_faults(vec![Rule::times(GRAPHQL, 1000, Fault::BadGateway)]);
    let order = scene.order("authorization_scope", None);
    assert_eq!(failure(scene.run(order).await.outcome).class, ErrorClass::Transient);
}

#[tokio::test]
async fn a_refused_token_waits_for_another_one() {
    let mut scene = Scene::new(0.02).await;
    scene.sim.set_faults(vec![Rule::times(GRAPHQL, 1, Fault::Unauthorized)]);
    let order = scene.order("authorization_scope", None);
    let error = failure(scene.run(order).await.outcome);
    assert_eq!(error.class, ErrorClass::Credentials);
    assert!(error.message.contains("give the account a new one"), "{error}");
}

#[tokio::test]
async fn an_instance_without_a_token_waits_for_one() {
    let mut scene = Scene::new(0.02).await;
    let order = StartJob { instance_url: Some("https://other.example.com".to_owned()), ..scene.order("group", None) };
    let areas = scene.areas().await;
    let area = scene.order("group", areas.first()).area;
    let error = failure(scene.run(StartJob { area, accounts: vec![AccountId(1)], ..order }).await.outcome);
    assert_eq!(error.class, ErrorClass::Credentials);
    assert!(error.message.starts_with("no token is available for https://other.example.com; "), "{error}");
}

#[tokio::test]
async fn what_is_gone_fails_with_a_sentence() {
    let mut scene = Scene::new(0.02).await;
    let mut area = scene.areas().await.pop().unwrap();
    area.full_path.push_str("-of-yore");
    area.gitlab_id += 1_000_000;
    for kind in ["group", "project", "issues", "merge_requests"] {
        let error = failure(scene.run(scene.order(kind, Some(&area))).await.outcome);
        assert_eq!(error.class, ErrorClass::Permanent, "{kind}");
        assert!(
            error.message.starts_with("GitLab no longer shows ")
                && error.message.contains("-of-yore to this account: "),
            "{error}"
        );
    }
}

/// A rename or transfer changes the path and nothing else.
#[tokio::test]
async fn what_has_moved_is_found_by_its_number() {
    let mut scene = Scene::new(0.2).await;
    let (mut area, _) = scene.busiest(TruthKind::Issues).await;
    let path = std::mem::replace(&mut area.full_path, "somewhere/else".to_owned());
    for kind in ["project", "issues", "merge_requests"] {
        let told = scene.run(scene.order(kind, Some(&area))).await;
        assert!(!told.records.is_empty(), "{kind}");
        assert!(told.messages.contains(&format!("somewhere/else is {path} by now")), "{kind}: {:?}", told.messages);
    }
}

#[tokio::test]
async fn a_path_that_leads_elsewhere_mixes_nothing_up() {
    let mut scene = Scene::new(0.2).await;
    let (mut area, _) = scene.busiest(TruthKind::Issues).await;
    area.gitlab_id += 1_000_000;
    for kind in ["project", "issues"] {
        let told = scene.run(scene.order(kind, Some(&area))).await;
        assert_eq!(failure(told.outcome).class, ErrorClass::Permanent, "{kind}");
        assert_eq!(told.records, [], "{kind}");
    }
}

#[tokio::test]
async fn a_job_without_its_area_says_so() {
    let mut scene = Scene::new(0.02).await;
    let order = scene.order("issues", None);
    let error = failure(scene.run(order).await.outcome);
    assert!(error.message.contains("needs a group or project"), "{error}");
}
