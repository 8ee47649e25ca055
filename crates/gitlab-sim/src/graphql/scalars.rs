//! GitLab's own scalars.

use async_graphql::{InputValueError, InputValueResult, Scalar, ScalarType, Value};
use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};

use crate::forge::model::When;

/// As GitLab's GraphQL writes a time: UTC, whole seconds. What it compares with is finer than that.
pub(crate) fn time_text(when: When) -> String {
    when.to_rfc3339_opts(SecondsFormat::Secs, true)
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Time(pub(crate) When);

#[Scalar(name = "Time")]
impl ScalarType for Time {
    fn parse(value: Value) -> InputValueResult<Self> {
        let Value::String(text) = &value else {
            return Err(InputValueError::expected_type(value));
        };
        if let Ok(when) = DateTime::parse_from_rfc3339(text) {
            return Ok(Self(when.to_utc()));
        }
        let day: NaiveDate = text.parse().map_err(|_| InputValueError::custom(format!("{text:?} is not a time")))?;
        let midnight = day.and_hms_opt(0, 0, 0).unwrap_or_default();
        Ok(Self(DateTime::<Utc>::from_naive_utc_and_offset(midnight, Utc)))
    }

    fn to_value(&self) -> Value {
        Value::String(time_text(self.0))
    }
}

macro_rules! global_id {
    ($rust:ident, $name:literal) => {
        #[derive(Debug, Clone)]
        pub(crate) struct $rust(pub(crate) String);

        #[Scalar(name = $name)]
        impl ScalarType for $rust {
            fn parse(value: Value) -> InputValueResult<Self> {
                match value {
                    Value::String(text) if text.starts_with("gid://gitlab/") => Ok(Self(text)),
                    Value::String(text) => Err(InputValueError::custom(format!("{text:?} is not a valid GitLab ID."))),
                    other => Err(InputValueError::expected_type(other)),
                }
            }

            fn to_value(&self) -> Value {
                Value::String(self.0.clone())
            }
        }
    };
}

global_id!(UserId, "UserID");
global_id!(NoteId, "NoteID");
global_id!(LabelId, "LabelID");
global_id!(DiscussionId, "DiscussionID");
global_id!(IssueId, "IssueID");
global_id!(MergeRequestId, "MergeRequestID");

/// The text of a global id.
pub(crate) fn gid(kind: &str, id: u64) -> String {
    format!("gid://gitlab/{kind}/{id}")
}

/// The number in a global id of this kind; a bare number is one as well.
pub(crate) fn number(kind: &str, text: &str) -> Option<u64> {
    let bare = text.strip_prefix("gid://gitlab/").map_or(Some(text), |rest| rest.strip_prefix(kind)?.strip_prefix('/'));
    bare?.parse().ok()
}
