//! The database itself, for what no API shows.

use diesel::{
    Connection as _, QueryableByName, RunQueryDsl as _, SqliteConnection,
    connection::SimpleConnection as _,
    sql_query,
    sql_types::{BigInt, Text},
};
use std::{cell::RefCell, path::Path};

/// A connection beside the website's.
pub(crate) struct Database(RefCell<SqliteConnection>);

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    v: i64,
}

#[derive(QueryableByName)]
pub(crate) struct Line {
    #[diesel(sql_type = Text)]
    pub(crate) v: String,
}

/// An issue or merge request as it is stored.
#[derive(Debug, PartialEq, Eq, QueryableByName)]
pub(crate) struct Item {
    #[diesel(sql_type = BigInt)]
    pub(crate) id: i64,
    #[diesel(sql_type = BigInt)]
    pub(crate) iid: i64,
    #[diesel(sql_type = BigInt)]
    pub(crate) project_id: i64,
    #[diesel(sql_type = Text)]
    pub(crate) title: String,
    #[diesel(sql_type = Text)]
    pub(crate) state: String,
    #[diesel(sql_type = BigInt)]
    pub(crate) notes: i64,
}

const ITEMS: &str = "SELECT r.gitlab_id AS id, r.iid AS iid, a.gitlab_id AS project_id, r.title AS title, \
    coalesce(r.state, '') AS state, (SELECT count(*) FROM resources n WHERE n.kind = 'note' AND n.deleted_at IS NULL \
    AND n.instance_id = r.instance_id AND n.parent_kind = r.kind AND n.parent_id = r.gitlab_id) AS notes \
    FROM resources r JOIN areas a ON a.id = r.area_id \
    WHERE r.deleted_at IS NULL AND r.kind = ? ORDER BY r.gitlab_id";

impl Database {
    /// The file must be there.
    pub(crate) fn open(path: &Path) -> Self {
        assert!(path.is_file(), "{} is not there", path.display());
        let mut connection = SqliteConnection::establish(&path.display().to_string()).unwrap();
        connection.batch_execute("PRAGMA busy_timeout = 10000").unwrap();
        Self(RefCell::new(connection))
    }

    /// Keeps everybody from writing, until [`Self::unlock`].
    pub(crate) fn lock(&self) {
        self.0.borrow_mut().batch_execute("BEGIN IMMEDIATE").unwrap();
    }

    /// See [`Self::lock`].
    pub(crate) fn unlock(&self) {
        self.0.borrow_mut().batch_execute("ROLLBACK").unwrap();
    }

    /// The one number, named `v`, that a query yields.
    pub(crate) fn number(&self, sql: &str) -> i64 {
        let row = sql_query(sql).get_result::<Number>(&mut *self.0.borrow_mut());
        row.unwrap_or_else(|error| panic!("{error}: {sql}")).v
    }

    /// The texts, named `v`, that a query yields.
    pub(crate) fn texts(&self, sql: &str) -> Vec<String> {
        let rows = sql_query(sql).load::<Line>(&mut *self.0.borrow_mut());
        rows.unwrap_or_else(|error| panic!("{error}: {sql}")).into_iter().map(|row| row.v).collect()
    }

    /// All that is stored of a kind, by id.
    pub(crate) fn items(&self, kind: &str) -> Vec<Item> {
        sql_query(ITEMS).bind::<Text, _>(kind).load(&mut *self.0.borrow_mut()).unwrap()
    }

    /// Changes something behind the website's back.
    pub(crate) fn change(&self, sql: &str) {
        self.0.borrow_mut().batch_execute(sql).unwrap_or_else(|error| panic!("{error}: {sql}"));
    }

    /// How much a crawl has committed.
    pub(crate) fn committed(&self) -> i64 {
        self.number("SELECT (SELECT count(*) FROM areas) + (SELECT count(*) FROM resources) AS v")
    }

    /// Jobs that have not ended, as `state kind attempt error`.
    pub(crate) fn live_jobs(&self) -> Vec<String> {
        self.texts(
            "SELECT state || ' ' || coalesce(wait_reason || ' ', '') || dedupe_key || ' attempt ' || attempt || ' ' \
             || coalesce(error, '') AS v FROM jobs WHERE finished_at IS NULL ORDER BY id",
        )
    }
}
