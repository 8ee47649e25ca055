//! Connections: keyset pages. A cursor holds the sort value and the id of its row, so that what is inserted, moved or
//! removed elsewhere neither repeats nor hides a row that stays where it is.

use std::fmt::Write as _;

use async_graphql::{Error, Object, Result, SimpleObject};

use super::{
    access::{GroupMember, ProjectMember},
    group::Group,
    issue::Issue,
    label::{Label, Milestone},
    merge_request::MergeRequest,
    note::Note,
    person::{MergeRequestAssignee, MergeRequestReviewer, UserCore},
    pipeline::{Pipeline, TestSuiteSummary},
    project::Project,
    timelog::Timelog,
    vulnerability::Vulnerability,
};

/// The most, and the default, that GitLab gives at once.
const PAGE: usize = 100;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Key {
    Number(i64),
    Text(String),
}

pub(crate) struct Row<N> {
    pub(crate) key: Key,
    pub(crate) id: u64,
    pub(crate) node: N,
}

impl<N> Row<N> {
    fn place(&self) -> (&Key, u64) {
        (&self.key, self.id)
    }

    fn cursor(&self) -> String {
        let plain = match &self.key {
            Key::Number(n) => format!("{}:n{n}", self.id),
            Key::Text(text) => format!("{}:t{text}", self.id),
        };
        plain.bytes().fold(String::new(), |mut out, byte| {
            let _ = write!(out, "{byte:02x}");
            out
        })
    }
}

fn parse_cursor(cursor: &str) -> Option<(Key, u64)> {
    let bytes: Option<Vec<u8>> =
        (0..cursor.len()).step_by(2).map(|at| u8::from_str_radix(cursor.get(at..at + 2)?, 16).ok()).collect();
    let plain = String::from_utf8(bytes?).ok()?;
    let (id, key) = plain.split_once(':')?;
    let key = match key.split_at_checked(1)? {
        ("n", number) => Key::Number(number.parse().ok()?),
        ("t", text) => Key::Text(text.to_owned()),
        _ => return None,
    };
    Some((key, id.parse().ok()?))
}

/// The four arguments of every connection.
#[derive(Debug, Default)]
pub(crate) struct PageArgs {
    pub(crate) after: Option<String>,
    pub(crate) before: Option<String>,
    pub(crate) first: Option<i32>,
    pub(crate) last: Option<i32>,
}

impl PageArgs {
    pub(crate) fn new(after: Option<String>, before: Option<String>, first: Option<i32>, last: Option<i32>) -> Self {
        Self { after, before, first, last }
    }
}

pub(crate) struct Page<N> {
    rows: Vec<Row<N>>,
    next: bool,
    previous: bool,
    total: usize,
}

impl<N> Page<N> {
    /// Sorts the rows and cuts out what was asked for.
    pub(crate) fn cut(mut rows: Vec<Row<N>>, descending: bool, args: &PageArgs) -> Result<Self> {
        rows.sort_unstable_by(|a, b| a.place().cmp(&b.place()));
        if descending {
            rows.reverse();
        }
        let total = rows.len();
        let beyond = |row: &Row<N>, place: &(Key, u64)| {
            let place = (&place.0, place.1);
            if descending { row.place() < place } else { row.place() > place }
        };
        let after = args.after.as_deref().map(cursor).transpose()?;
        let before = args.before.as_deref().map(cursor).transpose()?;
        let from = after.map_or(0, |place| rows.partition_point(|row| !beyond(row, &place)));
        let to = before.map_or(total, |(key, id)| {
            rows.partition_point(|row| {
                let place = (&key, id);
                if descending { row.place() > place } else { row.place() < place }
            })
        });
        let (from, to) = window(from, to.max(from), args)?;
        rows.truncate(to);
        Ok(Self { next: to < total, previous: from > 0, rows: rows.split_off(from), total })
    }

    /// A page of rows that come in their own order already, each named by its place.
    pub(crate) fn listed(nodes: impl IntoIterator<Item = N>, args: &PageArgs) -> Result<Self> {
        let rows = (0_u64..)
            .zip(nodes)
            .map(|(at, node)| Row { key: Key::Number(i64::try_from(at).unwrap_or(i64::MAX)), id: at, node })
            .collect();
        Self::cut(rows, false, args)
    }

    fn info(&self) -> PageInfo {
        PageInfo {
            has_next_page: self.next,
            has_previous_page: self.previous,
            start_cursor: self.rows.first().map(Row::cursor),
            end_cursor: self.rows.last().map(Row::cursor),
        }
    }
}

fn cursor(text: &str) -> Result<(Key, u64)> {
    parse_cursor(text).ok_or_else(|| Error::new(format!("Please provide a valid cursor: {text}")))
}

/// `first` and `last` within what the cursors left.
fn window(from: usize, to: usize, args: &PageArgs) -> Result<(usize, usize)> {
    let size = |n: Option<i32>| -> Result<usize> {
        match n.map(usize::try_from) {
            None => Ok(PAGE),
            Some(Ok(n)) => Ok(n.min(PAGE)),
            Some(Err(_)) => Err(Error::new("first and last have to be positive")),
        }
    };
    match (args.first, args.last) {
        (Some(_), Some(_)) => Err(Error::new("Can only provide either `first` or `last`, not both")),
        (None, Some(_)) => Ok((to.saturating_sub(size(args.last)?).max(from), to)),
        (first, None) => Ok((from, to.min(from + size(first)?))),
    }
}

#[derive(SimpleObject)]
pub(crate) struct PageInfo {
    has_next_page: bool,
    has_previous_page: bool,
    start_cursor: Option<String>,
    end_cursor: Option<String>,
}

macro_rules! connection {
    (counted $name:ident, $edge:ident, $node:ident $($more:tt)*) => {
        connection!(
            $name, $edge, $node
            async fn count(&self, limit: Option<i32>) -> i32 {
                let total = super::int(self.0.total);
                limit.map_or(total, |limit| total.min(limit.saturating_add(1)))
            }
            $($more)*
        );
    };
    ($name:ident, $edge:ident, $node:ident $($more:tt)*) => {
        pub(crate) struct $name(pub(crate) Page<$node>);

        pub(crate) struct $edge<'a>(&'a Row<$node>);

        #[Object]
        impl $edge<'_> {
            async fn cursor(&self) -> String {
                self.0.cursor()
            }

            async fn node(&self) -> Option<&$node> {
                Some(&self.0.node)
            }
        }

        #[Object]
        impl $name {
            async fn nodes(&self) -> Option<Vec<Option<&$node>>> {
                Some(self.0.rows.iter().map(|row| Some(&row.node)).collect())
            }

            async fn edges(&self) -> Option<Vec<Option<$edge<'_>>>> {
                Some(self.0.rows.iter().map(|row| Some($edge(row))).collect())
            }

            async fn page_info(&self) -> PageInfo {
                self.0.info()
            }

            $($more)*
        }
    };
}

connection!(counted GroupConnection, GroupEdge, Group);
connection!(counted ProjectConnection, ProjectEdge, Project);
connection!(counted IssueConnection, IssueEdge, Issue);
connection!(counted MergeRequestConnection, MergeRequestEdge, MergeRequest);
connection!(counted NoteConnection, NoteEdge, Note);
connection!(counted TimelogConnection, TimelogEdge, Timelog);
connection!(counted LabelConnection, LabelEdge, Label);
connection!(counted UserCoreConnection, UserCoreEdge, UserCore);
connection!(counted MergeRequestAssigneeConnection, MergeRequestAssigneeEdge, MergeRequestAssignee);
connection!(counted MergeRequestReviewerConnection, MergeRequestReviewerEdge, MergeRequestReviewer);
connection!(PipelineConnection, PipelineEdge, Pipeline);
connection!(TestSuiteSummaryConnection, TestSuiteSummaryEdge, TestSuiteSummary);
connection!(VulnerabilityConnection, VulnerabilityEdge, Vulnerability);
connection!(MilestoneConnection, MilestoneEdge, Milestone);
connection!(GroupMemberConnection, GroupMemberEdge, GroupMember);
connection!(ProjectMemberConnection, ProjectMemberEdge, ProjectMember);
