//! The kind that does the same to many jobs.

use crate::{AccountId, AreaId, JobSpec, Lane, State};
use serde::{Deserialize, Serialize};

/// Name of the kind [`BulkAction`].
pub const BULK_ACTION: &str = "bulk_action";

/// What is done to many jobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum BulkVerb {
    /// Stop those that have not ended.
    Abort,
    /// Run those again that have failed or were aborted.
    Retry,
}

/// Does the same to all jobs that were submitted earlier and fit the filter. The website runs it itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct BulkAction {
    /// What to do.
    pub action: BulkVerb,
    /// Only jobs in one of these states; empty: all that the action fits.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>, max_items = 7))]
    pub states: Vec<State>,
    /// Only jobs of this kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Only jobs of this lane.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub lane: Option<Lane>,
    /// Only jobs about this group or project, by our id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<i64>))]
    pub area: Option<AreaId>,
    /// Only jobs of this linked account, by our id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<i64>))]
    pub account: Option<AccountId>,
    /// Only jobs with this text in the path, the kind, the options or the error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(max_length = 200))]
    pub q: Option<String>,
}

impl BulkAction {
    /// In words, whole: two that do the same say the same.
    pub(crate) fn words(&self) -> String {
        let verb = match self.action {
            BulkVerb::Abort => "abort",
            BulkVerb::Retry => "retry",
        };
        let mut states: Vec<_> = self.states.iter().map(|state| state.as_str()).collect();
        states.sort_unstable();
        states.dedup();
        let which = if states.is_empty() { "all".to_owned() } else { states.join(" and ") };
        let filters = [
            self.kind.as_ref().map(|kind| format!("of the kind {kind}")),
            self.lane.map(|lane| format!("of the lane {}", lane.as_str())),
            self.area.map(|area| format!("about area {area}")),
            self.account.map(|account| format!("with account {account}")),
            self.q.as_ref().filter(|text| !text.is_empty()).map(|text| format!("with “{text}”")),
        ];
        let words = [verb.to_owned(), which, "jobs".to_owned()].into_iter().chain(filters.into_iter().flatten());
        words.collect::<Vec<_>>().join(" ")
    }

    pub(crate) fn problem(&self) -> Option<String> {
        if let Some(kind) = self.kind.as_deref().filter(|kind| !JobSpec::KINDS.contains(kind)) {
            return Some(format!("there is no kind {kind:?}; use one of: {}", JobSpec::KINDS.join(", ")));
        }
        if self.states.len() > State::ALL.len() {
            return Some("name each state once".to_owned());
        }
        if self.q.as_ref().is_some_and(|text| text.len() > 200) {
            return Some("q must not be longer than 200 bytes".to_owned());
        }
        None
    }
}
