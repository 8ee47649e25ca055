use super::all;
use super::documents::merge_requests::MergeRequestFields;
use super::issue::note_cut;
use crate::Page;
use crate::global_id::{id, iid, optional_time, time};
use crate::model::{DiffStats, Label, MergeRequest, Milestone, Person};

impl TryFrom<MergeRequestFields> for MergeRequest {
    type Error = String;

    fn try_from(wire: MergeRequestFields) -> Result<Self, String> {
        let name = format!("merge request !{}", wire.iid);
        convert(wire).map_err(|why| format!("{name}: {why}"))
    }
}

/// The lists that hang on a merge request, taken off the wire one after the other.
struct Lists {
    assignees: Vec<Person>,
    reviewers: Vec<Person>,
    approved_by: Vec<Person>,
    labels: Vec<Label>,
    truncated: Vec<String>,
}

fn take_lists(wire: &mut MergeRequestFields) -> Result<Lists, String> {
    let mut truncated = Vec::new();
    macro_rules! take {
        ($field:ident) => {
            match wire.$field.take() {
                Some(list) => {
                    note_cut(&mut truncated, stringify!($field), list.page_info.has_next_page);
                    all(list.nodes)?
                }
                None => Vec::new(),
            }
        };
    }
    Ok(Lists {
        assignees: take!(assignees),
        reviewers: take!(reviewers),
        approved_by: take!(approved_by),
        labels: take!(labels),
        truncated,
    })
}

fn convert(mut wire: MergeRequestFields) -> Result<MergeRequest, String> {
    let mut lists = take_lists(&mut wire)?;
    note_cut(&mut lists.truncated, "timelogs", wire.timelogs.page_info.has_next_page);
    let timelogs = all(wire.timelogs.nodes)?;
    Ok(MergeRequest {
        id: id(&wire.id)?,
        iid: iid(&wire.iid)?,
        project_id: wire.project_id,
        source_project_id: wire.source_project_id,
        target_project_id: wire.target_project_id,
        title: wire.title,
        description: wire.description,
        state: wire.state,
        draft: wire.draft,
        discussion_locked: wire.discussion_locked,
        squash: wire.squash,
        source_branch: wire.source_branch,
        target_branch: wire.target_branch,
        diff_head_sha: wire.diff_head_sha,
        merge_commit_sha: wire.merge_commit_sha,
        commit_count: wire.commit_count,
        diff_stats: wire.diff_stats_summary.map(|stats| DiffStats {
            additions: stats.additions,
            deletions: stats.deletions,
            file_count: stats.file_count,
        }),
        upvotes: wire.upvotes,
        downvotes: wire.downvotes,
        user_notes_count: wire.user_notes_count,
        time_estimate: wire.time_estimate,
        total_time_spent: wire.total_time_spent,
        author: wire.author.map(Person::try_from).transpose()?,
        assignees: lists.assignees,
        reviewers: lists.reviewers,
        approved_by: lists.approved_by,
        merge_user: wire.merge_user.map(Person::try_from).transpose()?,
        labels: lists.labels,
        milestone: wire.milestone.map(Milestone::try_from).transpose()?,
        web_url: wire.web_url,
        created_at: time(&wire.created_at)?,
        updated_at: time(&wire.updated_at)?,
        merged_at: optional_time(wire.merged_at.as_deref())?,
        closed_at: optional_time(wire.closed_at.as_deref())?,
        prepared_at: optional_time(wire.prepared_at.as_deref())?,
        truncated: lists.truncated,
        timelogs,
        notes: Page::try_from(wire.notes).map_err(|error| error.to_string())?,
    })
}
