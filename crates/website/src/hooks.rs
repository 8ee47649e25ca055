//! What a GitLab webhook tells: that something has changed, and where. What exactly is for GitLab's API to say; of an event
//! only the number of a project or group and its sort are looked at, and the worst that a wrong one does is a look too many.

use serde::Deserialize;
use trawl_jobs::AreaKind;

/// An event, as far as it matters.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Event {
    object_kind: Option<String>,
    #[serde(rename = "event_name")]
    name: Option<String>,
    project_id: Option<i64>,
    project: Option<Numbered>,
    group_id: Option<i64>,
    group: Option<Numbered>,
    object_attributes: Option<Attributes>,
}

#[derive(Debug, Deserialize)]
struct Numbered {
    id: Option<i64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Attributes {
    noteable_type: Option<String>,
    group_id: Option<i64>,
}

/// Where to look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hint {
    /// Sort of the event, for counting: one that is in the table below.
    pub event: &'static str,
    /// Group or project, and GitLab's id of it.
    pub area: Option<(AreaKind, i64)>,
    /// Kinds of jobs that are due there.
    pub kinds: &'static [&'static str],
    /// What accounts can reach may have changed.
    pub reach: bool,
}

/// Sorts of events, the jobs that they make due, and whether they change who reaches what. Names as in `object_kind` of
/// project and group hooks, and in `event_name` of system hooks.
const EVENTS: &[(&str, &[&str], bool)] = &[
    ("push", &["commits", "branches"], false),
    ("tag_push", &["tags", "commits", "releases"], false),
    ("repository_update", &["commits", "branches", "tags"], false),
    ("issue", &["issues"], false),
    ("work_item", &["issues"], false),
    ("merge_request", &["merge_requests"], false),
    ("note", &["issues", "merge_requests"], false),
    ("emoji", &["issues", "merge_requests"], false),
    ("pipeline", &["pipelines", "pipeline_jobs", "test_reports"], false),
    ("build", &["pipeline_jobs"], false),
    ("deployment", &["deployments", "environments"], false),
    ("vulnerability", &["vulnerabilities"], false),
    ("wiki_page", &["wiki_pages"], false),
    ("release", &["releases", "tags"], false),
    ("milestone", &["milestones"], false),
    ("user_add_to_team", &["members"], true),
    ("user_update_for_team", &["members"], true),
    ("user_remove_from_team", &["members"], true),
    ("user_add_to_group", &["group_members"], true),
    ("user_update_for_group", &["group_members"], true),
    ("user_remove_from_group", &["group_members"], true),
    ("project_create", &[], true),
    ("project_destroy", &[], true),
    ("project_rename", &["project"], true),
    ("project_transfer", &["project"], true),
    ("project_update", &["project"], true),
    ("group_create", &[], true),
    ("group_destroy", &[], true),
    ("group_rename", &["group"], true),
    ("subgroup_create", &[], true),
    ("subgroup_destroy", &[], true),
];

/// Reads an event. `Ok(None)`: it is of a sort that changes nothing here.
///
/// # Errors
/// It is no JSON object.
pub fn read(body: &[u8]) -> Result<Option<Hint>, serde_json::Error> {
    let event: Event = serde_json::from_slice(body)?;
    let sort = [&event.object_kind, &event.name].into_iter().flatten();
    let known = sort.into_iter().find_map(|sort| EVENTS.iter().find(|(name, ..)| name == sort));
    let Some((name, kinds, reach)) = known else { return Ok(None) };
    let attributes = event.object_attributes.unwrap_or_default();
    let kinds: &[&str] = match (*name, attributes.noteable_type.as_deref()) {
        ("note", Some("Issue")) => &["issues"],
        ("note", Some("MergeRequest")) => &["merge_requests"],
        // Notes on commits and snippets are not mirrored.
        ("note", Some(_)) => &[],
        _ => kinds,
    };
    let number = |found: Option<Numbered>| found.and_then(|found| found.id);
    let project = event.project_id.or_else(|| number(event.project)).map(|id| (AreaKind::Project, id));
    let group = event.group_id.or_else(|| number(event.group)).or(attributes.group_id);
    let area = project.or(group.map(|id| (AreaKind::Group, id)));
    Ok(Some(Hint { event: name, area, kinds, reach: *reach }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use trawl_jobs::JobSpec;

    #[test]
    fn the_table_names_kinds_that_exist() {
        for (event, kinds, _) in EVENTS {
            assert!(kinds.iter().all(|kind| JobSpec::KINDS.contains(kind)), "{event}");
        }
    }

    #[test]
    fn an_event_says_where_to_look() {
        let hint = |body: &str| read(body.as_bytes()).unwrap();
        let pushed =
            hint(r#"{"object_kind":"push","event_name":"push","project_id":7,"commits":[{"id":"x"}]}"#).unwrap();
        assert_eq!(
            (pushed.area, pushed.kinds, pushed.reach),
            (Some((AreaKind::Project, 7)), &["commits", "branches"][..], false)
        );
        let note =
            hint(r#"{"object_kind":"note","project":{"id":8},"object_attributes":{"noteable_type":"MergeRequest"}}"#);
        assert_eq!(note.unwrap().kinds, ["merge_requests"]);
        let member = hint(r#"{"event_name":"user_remove_from_group","group_id":3}"#).unwrap();
        assert_eq!((member.area, member.reach), (Some((AreaKind::Group, 3)), true));
        assert_eq!(hint(r#"{"object_kind":"snowfall","project_id":7}"#), None);
        assert_eq!(hint("{}"), None);
        assert!(read(b"[1]").is_err() && read(b"hello").is_err());
    }
}
