//! One issue or merge request, with its notes.

use crate::{
    answer::{PageError, page},
    app::App,
    freshness::Freshness,
    handlers::{explore::ancestors, project::titles},
    pages::{Crumb, Frame, Note, ResourcePage},
    session::{PageUser, SignedIn},
};
use actix_web::{
    HttpResponse,
    web::{Data, Path},
};
use serde_json::Value;
use trawl_jobs::{AreaId, RecordKind};
use trawl_store::{
    Conn, StoreError, areas,
    resources::{self, Resource},
};

const NOTES_SHOWN: i64 = 200;

/// `GET /explore/issue/{id}`.
///
/// # Errors
/// No such issue for this user.
pub async fn issue(app: Data<App>, user: PageUser, id: Path<i64>) -> Result<HttpResponse, PageError> {
    show(app, user, id.into_inner(), RecordKind::Issue).await
}

/// `GET /explore/merge_request/{id}`.
///
/// # Errors
/// No such merge request for this user.
pub async fn merge_request(app: Data<App>, user: PageUser, id: Path<i64>) -> Result<HttpResponse, PageError> {
    show(app, user, id.into_inner(), RecordKind::MergeRequest).await
}

async fn show(app: Data<App>, user: PageUser, id: i64, kind: RecordKind) -> Result<HttpResponse, PageError> {
    let frame = user.0.frame(&app);
    let loaded = app.db.read(move |conn| load(conn, &user.0, frame, id, kind)).await?;
    page(&loaded)
}

fn load(
    conn: &mut Conn<'_>,
    user: &SignedIn,
    frame: Frame,
    id: i64,
    kind: RecordKind,
) -> Result<ResourcePage, StoreError> {
    let found = resources::get(conn, id)?.filter(|found| found.kind == kind.as_str()).ok_or(StoreError::NotFound)?;
    let area = AreaId(found.area_id);
    let visible = areas::visible_one(conn, user.user.id(), area)?.ok_or(StoreError::NotFound)?;
    let confidential = visible.may_read_confidential();
    if found.confidential && !confidential {
        return Err(StoreError::NotFound);
    }
    let freshness = Freshness::load(conn, user.user.id())?;
    let payload: Value = serde_json::from_str(&found.payload).unwrap_or_default();
    let mut notes = resources::children(conn, &found, confidential, NOTES_SHOWN + 1)?;
    let shown = usize::try_from(NOTES_SHOWN).unwrap_or(usize::MAX);
    let more_notes = notes.len() > shown;
    notes.truncate(shown);
    Ok(ResourcePage {
        frame,
        kind,
        iid: found.iid.unwrap_or_default(),
        title: found.title.clone(),
        state: found.state.clone().unwrap_or_default(),
        author: found.author.clone(),
        confidential: found.confidential,
        web_url: found.web_url.clone(),
        ancestors: ancestors(&freshness, &visible.area.full_path),
        project: Crumb { id: area.0, name: visible.area.name.clone() },
        labels: titles(&payload["labels"]),
        created_at: found.created_at(),
        updated_at: found.updated_at(),
        closed_at: found.closed_at(),
        merged_at: found.merged_at(),
        synced_at: freshness.area(area).and_then(|row| row.synced_at),
        fields: fields(&payload),
        description: payload["description"].as_str().unwrap_or_default().to_owned(),
        notes: notes.iter().map(note).collect(),
        more_notes,
    })
}

fn note(note: &Resource) -> Note {
    let payload: Value = serde_json::from_str(&note.payload).unwrap_or_default();
    Note {
        id: note.gitlab_id,
        author: note.author.clone(),
        created_at: note.created_at(),
        body: payload["body"].as_str().unwrap_or_default().to_owned(),
        system: payload["system"].as_bool().unwrap_or(false),
        internal: payload["internal"].as_bool().unwrap_or(false),
    }
}

/// Further fields that have a value, in words.
fn fields(payload: &Value) -> Vec<(String, String)> {
    let people = |key: &str| {
        let each = payload[key].as_array().map_or(&[][..], Vec::as_slice).iter();
        each.filter_map(|person| person["username"].as_str()).collect::<Vec<_>>().join(", ")
    };
    let text = |key: &str| payload[key].as_str().unwrap_or_default().to_owned();
    let number = |key: &str| payload[key].as_i64().filter(|n| *n != 0).map_or_else(String::new, |n| n.to_string());
    let changes = match (payload["diff_stats"]["additions"].as_i64(), payload["diff_stats"]["deletions"].as_i64()) {
        (Some(additions), Some(deletions)) => format!("+{additions} −{deletions}"),
        _ => String::new(),
    };
    [
        ("Milestone", payload["milestone"]["title"].as_str().unwrap_or_default().to_owned()),
        ("Assignees", people("assignees")),
        ("Reviewers", people("reviewers")),
        ("Approved by", people("approved_by")),
        ("Merged by", payload["merge_user"]["username"].as_str().unwrap_or_default().to_owned()),
        ("Source branch", text("source_branch")),
        ("Target branch", text("target_branch")),
        ("Changes", changes),
        ("Due", text("due_date")),
        ("Weight", number("weight")),
        ("Upvotes", number("upvotes")),
        ("Downvotes", number("downvotes")),
    ]
    .into_iter()
    .filter(|(_, value)| !value.is_empty())
    .map(|(name, value)| (name.to_owned(), value))
    .collect()
}
