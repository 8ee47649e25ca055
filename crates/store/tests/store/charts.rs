//! Figures over time.

use crate::{
    resources::{issue, put},
    world::{World, number},
};
use chrono::{DateTime, Utc};
use trawl_jobs::{AreaId, Record, RecordKind};
use trawl_store::charts::{self, Figure};

fn at(text: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(text).unwrap().to_utc()
}

/// The figure of three weeks, of which the last begins on the 23rd of November.
async fn weeks(world: &World, area: AreaId, figure: Figure) -> Vec<Option<f64>> {
    let until = at("2026-11-25T12:00:00Z");
    let weeks = world.read(move |conn| charts::weekly(conn, area, figure, 3, until)).await;
    assert_eq!(weeks[0].monday.to_string(), "2026-11-09");
    weeks.into_iter().map(|week| week.value.map(f64::round)).collect()
}

async fn what_happened_is_counted_in_its_week(world: &World) {
    let (area, other) = (world.area(1).await, world.area(2).await);
    let opened = |id: i64, created: &str, closed: Option<&str>| Record {
        created_at: Some(at(created)),
        closed_at: closed.map(at),
        ..issue(id, id)
    };
    for record in [
        opened(1, "2026-11-08T23:59:59Z", None),
        opened(2, "2026-11-09T00:00:00Z", Some("2026-11-16T00:00:00Z")),
        opened(3, "2026-11-15T23:59:59Z", Some("2026-11-17T23:59:59Z")),
        opened(4, "2026-11-24T00:00:00Z", Some("2026-11-24T01:00:00Z")),
    ] {
        put(world, area, record).await;
    }
    put(world, other, opened(5, "2026-11-24T00:00:00Z", None)).await;
    assert_eq!(weeks(world, area, Figure::IssuesOpened).await, [Some(2.0), Some(0.0), Some(1.0)]);
    assert_eq!(weeks(world, area, Figure::IssuesClosed).await, [Some(0.0), Some(2.0), Some(1.0)]);
    let days = 86_400.0;
    assert_eq!(
        weeks(world, area, Figure::IssueLeadTime).await,
        [None, Some(2.0 * days), Some(3600.0)],
        "the lower of the two in the middle"
    );
}

async fn pipelines_succeed_or_not(world: &World) {
    let area = world.area(1).await;
    for (id, status) in (1..).zip(["success", "success", "failed", "running"]) {
        let created_at = Some(at("2026-11-18T12:00:00Z"));
        let state = Some(status.to_owned());
        put(world, area, Record { kind: RecordKind::Pipeline, created_at, state, ..issue(id, id) }).await;
    }
    assert_eq!(weeks(world, area, Figure::Pipelines).await, [Some(0.0), Some(3.0), Some(0.0)]);
    assert_eq!(weeks(world, area, Figure::PipelineSuccess).await, [None, Some(67.0), None]);
}

async fn deployments_lead_from_a_change_to_people(world: &World) {
    let area = world.area(1).await;
    let environment = r#"{"name":"production","tier":"production"}"#.to_owned();
    let named = |record: Record, title: &str| Record { title: title.to_owned(), ..record };
    let place = Record { kind: RecordKind::Environment, payload: environment, ..issue(90, 90) };
    put(world, area, named(place, "production")).await;
    let deployment = |id: i64, to: &str, status: &str, when: &str| {
        let (state, updated_at) = (Some(status.to_owned()), Some(at(when)));
        named(Record { kind: RecordKind::Deployment, state, updated_at, ..issue(id, id) }, to)
    };
    for record in [
        deployment(1, "production", "success", "2026-11-10T12:00:00Z"),
        deployment(2, "staging", "success", "2026-11-17T10:00:00Z"),
        deployment(3, "production", "failed", "2026-11-17T11:00:00Z"),
        deployment(4, "production", "success", "2026-11-17T12:00:00Z"),
        deployment(5, "production", "running", "2026-11-24T12:00:00Z"),
    ] {
        put(world, area, record).await;
    }
    for (id, merged) in [(11, "2026-11-17T09:00:00Z"), (12, "2026-11-24T09:00:00Z")] {
        let merged_at = Some(at(merged));
        put(world, area, Record { kind: RecordKind::MergeRequest, merged_at, ..issue(id, id) }).await;
    }
    assert_eq!(weeks(world, area, Figure::Deployments).await, [Some(1.0), Some(1.0), Some(0.0)]);
    assert_eq!(weeks(world, area, Figure::DeploymentFailure).await, [Some(0.0), Some(50.0), None]);
    assert_eq!(weeks(world, area, Figure::ChangeLeadTime).await, [None, Some(3.0 * 3600.0), None], "not to staging");
    assert_eq!(weeks(world, area, Figure::RestoreTime).await, [None, Some(3600.0), None]);
}

async fn a_pipeline_takes_until_its_last_job_has_ended(world: &World) {
    let area = world.area(1).await;
    for (id, ended) in [(1, "2026-11-18T12:02:00Z"), (2, "2026-11-18T12:10:00Z")] {
        let (created_at, closed_at) = (Some(at("2026-11-18T12:00:00Z")), Some(at(ended)));
        let parent = Some((RecordKind::Pipeline, 7));
        put(world, area, Record { kind: RecordKind::PipelineJob, parent, created_at, closed_at, ..issue(id, id) })
            .await;
    }
    assert_eq!(weeks(world, area, Figure::PipelineDuration).await, [None, Some(600.0), None]);
}

async fn each_question_can_be_asked_by_hand(world: &World) {
    let area = world.area(1).await;
    put(world, area, issue(1, 1)).await;
    for figure in Figure::ALL {
        world
            .read(move |conn| {
                let question = charts::question(conn, area, figure, 3, at("2027-01-16T12:00:00Z"));
                number(conn, &format!("SELECT count(*) AS v FROM ({}) AS answer", question.trim_end_matches(';')))
            })
            .await;
    }
}

crate::on_both!(
    what_happened_is_counted_in_its_week,
    pipelines_succeed_or_not,
    deployments_lead_from_a_change_to_people,
    a_pipeline_takes_until_its_last_job_has_ended,
    each_question_can_be_asked_by_hand,
);
