//! Groups, projects and what is in them.

use super::Samples;
use crate::pages::*;
use trawl_jobs::{AreaKind, RecordKind};
use trawl_store::charts::{Figure, Week};

impl Samples {
    pub(in crate::pages) fn area(&self, id: i64, kind: AreaKind, path: &str) -> AreaRow {
        AreaRow {
            id,
            kind,
            // A hostile path would not be below its group.
            full_path: if kind == AreaKind::Group { path.to_owned() } else { self.say(path) },
            name: self.say(path.rsplit('/').next().unwrap_or(path)),
            archived: id % 5 == 0,
            issues: id * 317,
            merge_requests: id * 111,
            synced_at: (id % 4 != 0).then(|| Self::ago(id * 71)),
            completeness: match id % 4 {
                0 => Completeness::Pending,
                1 => Completeness::Incomplete(self.say("no access to issues")),
                _ => Completeness::Complete,
            },
        }
    }

    pub(in crate::pages) fn explore(&self) -> Explore {
        let groups = ["platform", "platform/infra", "platform/infra/edge", "mobile"];
        let projects = [
            "platform/infra/gateway",
            "platform/infra/router",
            "platform/infra/edge/dns",
            "platform/portal",
            "mobile/app",
            "maria/notes",
        ];
        let groups = groups.into_iter().zip(1..).map(|(path, id)| self.area(id, AreaKind::Group, path));
        let projects = projects.into_iter().zip(1..).map(|(path, id)| self.area(id, AreaKind::Project, path));
        Explore {
            frame: self.frame(),
            linked_accounts: 1,
            q: String::new(),
            areas: groups.chain(projects).collect(),
            more: false,
            objects: Vec::new(),
            kind: None,
        }
    }

    pub(in crate::pages) fn group(&self) -> GroupPage {
        GroupPage {
            frame: self.frame(),
            name: self.say("Infra"),
            full_path: self.say("platform/infra"),
            ancestors: vec![Crumb { id: 1, name: self.say("Platform") }],
            description: self.some("What everything else stands on."),
            visibility: self.some("internal"),
            web_url: self.web("groups/platform/infra"),
            synced_at: Some(Self::ago(130)),
            completeness: Completeness::Incomplete(self.say("two projects are closed to this account")),
            own: vec![(RecordKind::Epic, 12), (RecordKind::Label, 3)],
            subgroups: vec![
                self.area(3, AreaKind::Group, "platform/infra/edge"),
                self.area(5, AreaKind::Group, "platform/infra/data"),
            ],
            projects: (1..6).map(|id| self.area(id, AreaKind::Project, "platform/infra/gateway")).collect(),
        }
    }

    pub(in crate::pages) fn project(&self) -> ProjectPage {
        let row = |id: i64| ResourceRow {
            id,
            iid: Some(1204 - id),
            title: self.say("Requests hang when the upstream closes an idle connection during the handshake"),
            author: self.some("li.wei"),
            state: self.say(["opened", "closed"][usize::try_from(id % 2).unwrap()]),
            labels: vec![self.say("bug"), self.say("priority::high")],
            confidential: id % 3 == 0,
            at: Some(Self::ago(id * id * 900)),
            web_url: None,
        };
        ProjectPage {
            frame: self.frame(),
            id: 7,
            name: self.say("gateway"),
            full_path: self.say("platform/infra/gateway"),
            ancestors: vec![Crumb { id: 1, name: self.say("Platform") }, Crumb { id: 2, name: self.say("Infra") }],
            description: self.some("The door to everything."),
            visibility: self.some("internal"),
            archived: true,
            web_url: self.web("platform/infra/gateway"),
            synced_at: Some(Self::ago(130)),
            completeness: Completeness::Complete,
            counts: Tab::ALL
                .into_iter()
                .zip([1204, 421, 9310, 2207, 6600, 310, 3, 2, 14, 31, 12, 7, 22, 1, 9, 2, 4, 3, 5])
                .collect(),
            filter: ResourceFilter { tab: Tab::ISSUES, state: self.some("opened"), q: self.say("hang") },
            rows: (1..12).map(row).collect(),
            older: self.some("1700000000:9"),
            newer: self.some("1800000000:1"),
        }
    }

    pub(in crate::pages) fn charts(&self) -> ChartsPage {
        let project = self.project();
        let monday = |week: u64| chrono::NaiveDate::from_ymd_opt(2026, 6, 1).unwrap() + chrono::Days::new(7 * week);
        let chart = |figure| Chart {
            figure,
            weeks: (0..26).map(|week| Week { monday: monday(week), value: (week % 5 > 0).then_some(40.0) }).collect(),
            question: "SELECT week, value FROM issues".to_owned(),
        };
        ChartsPage {
            frame: self.frame(),
            id: project.id,
            name: project.name,
            full_path: project.full_path,
            ancestors: project.ancestors,
            description: project.description,
            visibility: project.visibility,
            archived: false,
            web_url: project.web_url,
            synced_at: project.synced_at,
            completeness: project.completeness,
            charts: Figure::ALL.into_iter().map(chart).collect(),
        }
    }

    pub(in crate::pages) fn search(&self) -> Explore {
        let found = |kind: RecordKind, id: i64| FoundRow {
            id,
            kind,
            title: self.say("Requests hang"),
            href: (kind == RecordKind::Issue).then(|| format!("/explore/issue/{id}")),
            web_url: self.web("platform/infra/gateway/-/commit/1"),
            path: self.say("platform/infra/gateway"),
            author: self.some("jonas"),
            at: Some(Self::ago(9000)),
            excerpt: self.some("…when the upstream closes…"),
        };
        let objects = vec![found(RecordKind::Issue, 1), found(RecordKind::Note, 2), found(RecordKind::Commit, 3)];
        Explore { q: self.say("hang"), objects, kind: Some(RecordKind::Issue), ..self.explore() }
    }

    pub(in crate::pages) fn resource(&self) -> ResourcePage {
        let note = |id: i64, system, internal, body: &str| Note {
            id,
            author: self.some("jonas"),
            created_at: Some(Self::ago(90_000 - id * 100)),
            body: self.say(body),
            system,
            internal,
        };
        ResourcePage {
            frame: self.frame(),
            kind: RecordKind::Issue,
            iid: 1204,
            title: self.say("Requests hang when the upstream closes an idle connection"),
            state: self.say("opened"),
            author: self.some("li.wei"),
            confidential: true,
            web_url: self.web("platform/infra/gateway/-/issues/1204"),
            ancestors: vec![Crumb { id: 1, name: self.say("Platform") }],
            project: Crumb { id: 7, name: self.say("gateway") },
            labels: vec![self.say("bug"), self.say("priority::high")],
            created_at: Some(Self::ago(100_000)),
            updated_at: Some(Self::ago(800)),
            closed_at: None,
            merged_at: None,
            synced_at: Some(Self::ago(130)),
            fields: vec![(self.say("Milestone"), self.say("26.4")), ("Assignees".to_owned(), self.say("maria, jonas"))],
            description: self.say("### What happens\n\n1. Open a connection\n2. Wait 61 s\n\nThe request never ends."),
            notes: vec![
                note(1, false, false, "I can reproduce it with `keepalive_timeout 60`."),
                note(2, true, false, "changed the milestone to %26.4"),
                note(3, false, true, "The customer in ticket 4711 sees it as well."),
            ],
            more_notes: true,
        }
    }
}
