use super::all;
use super::documents::issues::IssueFields;
use crate::Page;
use crate::global_id::{id, iid, optional_day, optional_time, time};
use crate::model::{Issue, Milestone, Person};

impl TryFrom<IssueFields> for Issue {
    type Error = String;

    fn try_from(wire: IssueFields) -> Result<Self, String> {
        let name = format!("issue #{}", wire.iid);
        convert(wire).map_err(|why| format!("{name}: {why}"))
    }
}

fn convert(wire: IssueFields) -> Result<Issue, String> {
    let mut truncated = Vec::new();
    let assignees = match wire.assignees {
        Some(list) => {
            note_cut(&mut truncated, "assignees", list.page_info.has_next_page);
            all(list.nodes)?
        }
        None => Vec::new(),
    };
    let labels = match wire.labels {
        Some(list) => {
            note_cut(&mut truncated, "labels", list.page_info.has_next_page);
            all(list.nodes)?
        }
        None => Vec::new(),
    };
    note_cut(&mut truncated, "timelogs", wire.timelogs.page_info.has_next_page);
    let timelogs = all(wire.timelogs.nodes)?;
    Ok(Issue {
        id: id(&wire.id)?,
        iid: iid(&wire.iid)?,
        project_id: wire.project_id,
        title: wire.title,
        description: wire.description,
        state: wire.state,
        kind: wire.type_,
        confidential: wire.confidential,
        discussion_locked: wire.discussion_locked,
        weight: wire.weight,
        due_date: optional_day(wire.due_date.as_deref())?,
        upvotes: wire.upvotes,
        downvotes: wire.downvotes,
        user_notes_count: wire.user_notes_count,
        time_estimate: wire.time_estimate,
        total_time_spent: wire.total_time_spent,
        author: Person::try_from(wire.author)?,
        assignees,
        labels,
        milestone: wire.milestone.map(Milestone::try_from).transpose()?,
        web_url: wire.web_url,
        created_at: time(&wire.created_at)?,
        updated_at: time(&wire.updated_at)?,
        closed_at: optional_time(wire.closed_at.as_deref())?,
        truncated,
        timelogs,
        notes: Page::try_from(wire.notes).map_err(|error| error.to_string())?,
    })
}

/// Remembers the name of a nested list that goes on beyond what we asked for.
pub(super) fn note_cut(truncated: &mut Vec<String>, list: &str, cut: bool) {
    if cut {
        truncated.push(list.to_owned());
    }
}
