//! The fixed part of the forge: its groups and projects, and who the two demo users are.

use super::model::Visibility::{self, Internal, Private, Public};

pub(crate) struct GroupPlan {
    pub(crate) full_path: &'static str,
    pub(crate) name: &'static str,
    pub(crate) visibility: Visibility,
    pub(crate) about: &'static str,
}

pub(crate) struct ProjectPlan {
    pub(crate) full_path: &'static str,
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    /// Issues and merge requests at scale 1.
    pub(crate) issues: usize,
    pub(crate) merge_requests: usize,
    pub(crate) topics: &'static [&'static str],
    pub(crate) special: Special,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Special {
    None,
    /// The feature is off although there are (hidden) issues.
    IssuesOff,
    MergeRequestsOff,
    /// As with issues: there are (hidden) pipelines.
    CiOff,
    /// Nobody has ever pushed anything.
    Empty,
    Archived,
}

/// What a project was made from: the layout repeats itself.
pub(crate) fn plan(project: usize) -> &'static ProjectPlan {
    &PROJECTS[project % PROJECTS.len()]
}

/// Where a path of the layout lies in its `copy`, of which the first is 0.
pub(crate) fn placed(full_path: &str, copy: usize) -> String {
    match (copy, full_path.split_once('/')) {
        (0, _) => full_path.to_owned(),
        (_, Some((top, below))) => format!("{top}-{}/{below}", copy + 1),
        (_, None) => format!("{full_path}-{}", copy + 1),
    }
}

/// The owner of everything.
pub(crate) const MARIA: (&str, &str) = ("maria", "María Fernández Ortega");
/// A member of half of the top-level groups.
pub(crate) const TOM: (&str, &str) = ("tom", "Tom Okafor");

/// Where tom is a member, and at which level.
pub(crate) const TOM_GROUPS: &[(&str, i32)] = &[("platform", 30), ("docs", 20), ("archive", 10)];
/// A project that tom was added to by itself, in a group that he is not in.
pub(crate) const TOM_PROJECTS: &[(&str, i32)] = &[("mobile/apps/ios", 30)];

const fn group(full_path: &'static str, name: &'static str, visibility: Visibility, about: &'static str) -> GroupPlan {
    GroupPlan { full_path, name, visibility, about }
}

/// Parents come before their children.
pub(crate) const GROUPS: &[GroupPlan] = &[
    group("platform", "Platform", Private, "Services that everything else runs on"),
    group("platform/infra", "Infrastructure", Private, "Clusters, networks, machines"),
    group("platform/infra/observability", "Observability", Private, "Metrics, logs and traces"),
    group("platform/infra/build", "Build and release", Private, "Runners and images"),
    group("platform/identity", "Identity", Private, "Sign-in, directories, permissions"),
    group("mobile", "Mobile", Private, "What our customers hold in their hands"),
    group("mobile/apps", "Apps", Private, "Applications by system"),
    group("mobile/apps/tablet", "Tablet", Private, "Larger screens, for field work"),
    group("docs", "Documentation", Public, "Everything that we write for others"),
    group("docs/handbook", "Handbook", Public, "How we work"),
    group("data", "Data", Internal, "Warehouse and models"),
    group("data/pipelines", "Pipelines", Internal, "From source to table"),
    group("care", "Customer care", Private, "Support, and what it needs"),
    group("archive", "Archive", Private, "Kept, not cared for"),
    group("archive/2019", "2019", Private, "Before the move"),
];

macro_rules! project {
    ($path:literal, $name:literal, $about:literal, $issues:literal, $mrs:literal, $topics:expr) => {
        project!($path, $name, $about, $issues, $mrs, $topics, None)
    };
    ($path:literal, $name:literal, $about:literal, $issues:literal, $mrs:literal, $topics:expr, $special:ident) => {
        ProjectPlan {
            full_path: $path,
            name: $name,
            about: $about,
            issues: $issues,
            merge_requests: $mrs,
            topics: &$topics,
            special: Special::$special,
        }
    };
}

/// About 2,500 issues and 1,200 merge requests in whole.
#[rustfmt::skip]
pub(crate) const PROJECTS: &[ProjectPlan] = &[
    project!("platform/gateway", "API Gateway", "Routes, limits and authentication in front of every service", 420, 230, ["go", "http"]),
    project!("platform/billing", "Billing Service", "Invoices, taxes, dunning", 260, 120, ["java", "payments"]),
    project!("platform/event-bus", "Event Bus", "Ordered delivery between services", 110, 70, ["rust", "messaging"]),
    project!("platform/infra/clusters", "Clusters", "Definitions of all Kubernetes clusters", 140, 95, ["kubernetes"]),
    project!("platform/infra/terraform-modules", "Terraform Modules", "Building blocks for networks and machines", 60, 55, ["terraform"]),
    project!("platform/infra/observability/metrics-agent", "Metrics Agent", "Collects and forwards metrics", 75, 45, ["rust", "metrics"]),
    project!("platform/infra/observability/log-shipper", "Log Shipper", "Moves logs, loses none", 65, 35, ["rust", "logs"]),
    project!("platform/infra/build/ci-images", "CI Images", "Container images for pipelines", 25, 60, ["docker", "ci"], IssuesOff),
    project!("platform/infra/build/runner-fleet", "Runner Fleet", "Scales runners up and down", 55, 30, ["ci"]),
    project!("platform/identity/sign-in", "Sign-in", "Sessions, second factors, passkeys", 150, 70, ["security"]),
    project!("platform/identity/directory-sync", "Directory Sync", "People and groups from LDAP", 45, 20, ["ldap"]),
    project!("mobile/apps/android", "Android App", "The application for Android", 190, 85, ["kotlin", "android"]),
    project!("mobile/apps/ios", "iOS App", "The application for iPhone and iPad", 170, 80, ["swift", "ios"]),
    project!("mobile/apps/tablet/field-tablet", "Field Tablet", "Works where there is no network", 60, 25, ["kotlin"]),
    project!("mobile/design-kit", "Design Kit", "Colours, icons, components", 85, 30, ["design"]),
    project!("docs/website", "Website", "The public documentation", 130, 60, ["docs"]),
    project!("docs/handbook/handbook", "Handbook", "How we work, in the open", 90, 40, ["docs"]),
    project!("docs/handbook/style-guide", "Style Guide", "Words that we use and words that we do not", 20, 8, ["docs"], CiOff),
    project!("data/warehouse", "Warehouse", "Tables, their owners and their tests", 105, 45, ["sql"]),
    project!("data/pipelines/ingest", "Ingest", "Brings data in, once", 70, 30, ["python"]),
    project!("data/pipelines/forecast-models", "Forecast Models", "Demand for the next twelve weeks", 35, 12, ["python", "statistics"]),
    project!("care/support-desk", "Support Desk", "What customers told us", 170, 10, ["support"], MergeRequestsOff),
    project!("care/playbooks", "Playbooks", "", 0, 0, [], Empty),
    project!("archive/2019/legacy-portal", "Legacy Portal", "Replaced by the API gateway", 30, 15, ["php"], Archived),
];
