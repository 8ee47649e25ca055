//! `members` and `group_members`: who is a member of a project or group itself; whoever is one of a group above is found
//! there.

use super::{RowList, row::Fields};
use trawl_jobs::{Record, RecordKind};

pub(crate) struct Members;

impl RowList for Members {
    const NAME: &str = "members";
    const KIND: RecordKind = RecordKind::Member;
    const PATH: &str = "members";

    /// Owners are told more of a member, such as an address, than others may know.
    const KEPT: Option<&[&str]> = Some(&[
        "id",
        "username",
        "name",
        "state",
        "membership_state",
        "access_level",
        "created_at",
        "expires_at",
        "avatar_url",
        "web_url",
    ]);

    fn record(fields: &Fields<'_>) -> Result<Record, String> {
        let username = fields.need("username")?;
        Ok(Record {
            state: fields.text("membership_state").or_else(|| fields.text("state")),
            created_at: fields.time("created_at"),
            web_url: fields.text("web_url"),
            author: Some(username.clone()),
            // The id is the person's, who may be a member elsewhere as well.
            ..fields.named(Self::KIND, &fields.number("id")?.to_string())
        }
        .titled(fields.text("name").filter(|name| !name.is_empty()).unwrap_or(username)))
    }
}
