//! People, labels and milestones.

use super::documents::{account, issue_notes, issues, merge_request_notes, merge_requests};
use crate::global_id::{id, iid, optional_day, optional_time};
use crate::model::{Account, Label, Milestone, Person, Timelog};

macro_rules! person_from {
    ($($wire:ty),+ $(,)?) => {$(
        impl TryFrom<$wire> for Person {
            type Error = String;

            fn try_from(wire: $wire) -> Result<Self, String> {
                Ok(Self {
                    id: id(&wire.id)?,
                    username: wire.username,
                    name: wire.name,
                    avatar_url: wire.avatar_url,
                    bot: wire.bot,
                })
            }
        }
    )+};
}

person_from!(
    account::AccountCurrentUser,
    issues::PersonFields,
    issue_notes::PersonFields,
    merge_requests::PersonFields,
    merge_requests::AuthorFields,
    merge_requests::AssigneeFields,
    merge_requests::ReviewerFields,
    merge_request_notes::PersonFields,
);

macro_rules! label_and_milestone_from {
    ($($document:ident),+) => {$(
        impl TryFrom<$document::LabelFields> for Label {
            type Error = String;

            fn try_from(wire: $document::LabelFields) -> Result<Self, String> {
                Ok(Self {
                    id: id(&wire.id)?,
                    title: wire.title,
                    color: wire.color,
                    description: wire.description,
                })
            }
        }

        impl TryFrom<$document::MilestoneFields> for Milestone {
            type Error = String;

            fn try_from(wire: $document::MilestoneFields) -> Result<Self, String> {
                Ok(Self {
                    id: id(&wire.id)?,
                    iid: iid(&wire.iid)?,
                    title: wire.title,
                    state: wire.state,
                    start_date: optional_day(wire.start_date.as_deref())?,
                    due_date: optional_day(wire.due_date.as_deref())?,
                    web_path: wire.web_path,
                })
            }
        }
    )+};
}

label_and_milestone_from!(issues, merge_requests);

macro_rules! timelog_from {
    ($($document:ident),+) => {$(
        impl TryFrom<$document::TimelogFields> for Timelog {
            type Error = String;

            fn try_from(wire: $document::TimelogFields) -> Result<Self, String> {
                Ok(Self {
                    id: id(&wire.id)?,
                    time_spent: wire.time_spent,
                    spent_at: optional_time(wire.spent_at.as_deref())?,
                    summary: wire.summary,
                    user: Person::try_from(wire.user)?,
                })
            }
        }
    )+};
}

timelog_from!(issues, merge_requests);

/// `None` when GitLab knows no user for the token.
pub(crate) fn account(data: account::ResponseData) -> Result<Option<Account>, String> {
    let Some(user) = data.current_user else {
        return Ok(None);
    };
    let (version, enterprise) = data.metadata.map(|metadata| (metadata.version, metadata.enterprise)).unzip();
    Ok(Some(Account { person: Person::try_from(user)?, version, enterprise }))
}
