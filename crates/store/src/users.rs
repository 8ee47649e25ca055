//! People who sign in.

use crate::{
    Conn, StoreError,
    conn::{columns, on_backend},
    now,
    schema::users,
    when::stored,
};
use diesel::prelude::*;
use trawl_jobs::UserId;

/// A person who signs in.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = users)]
pub struct User {
    id: i64,
    /// Unique.
    pub username: String,
    /// PHC string.
    pub password_hash: String,
    /// May see every job and the processes.
    pub is_admin: bool,
}

impl User {
    /// Identity.
    #[must_use]
    pub const fn id(&self) -> UserId {
        UserId(self.id)
    }
}

/// Creates a user.
///
/// # Errors
/// The name is taken ([`StoreError::is_duplicate`]).
pub fn create(conn: &mut Conn<'_>, username: &str, password_hash: &str, is_admin: bool) -> Result<UserId, StoreError> {
    let values = (
        users::username.eq(username),
        users::password_hash.eq(password_hash),
        users::is_admin.eq(is_admin),
        users::created_at.eq(stored(now())),
    );
    Ok(UserId(on_backend!(conn, |c| diesel::insert_into(users::table)
        .values(values)
        .returning(users::id)
        .get_result(c))?))
}

/// The user of this name.
pub fn by_name(conn: &mut Conn<'_>, username: &str) -> Result<Option<User>, StoreError> {
    let query = users::table.filter(users::username.eq(username)).select(columns::<User>());
    Ok(on_backend!(conn, |c| query.get_result(c).optional())?)
}

/// The user of this id.
pub fn get(conn: &mut Conn<'_>, user: UserId) -> Result<Option<User>, StoreError> {
    let query = users::table.find(user.0).select(columns::<User>());
    Ok(on_backend!(conn, |c| query.get_result(c).optional())?)
}

/// Whether nobody has set Trawl up yet.
pub fn is_empty(conn: &mut Conn<'_>) -> Result<bool, StoreError> {
    let query = users::table.select(users::id).limit(1);
    Ok(on_backend!(conn, |c| query.load::<i64>(c))?.is_empty())
}
