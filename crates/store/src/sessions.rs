//! Signed-in browsers. A session's token is in the cookie alone; here is its hash.

use crate::{
    Conn, StoreError,
    conn::{columns, on_backend},
    now,
    schema::sessions,
    users::User,
    when::stored,
};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use trawl_jobs::UserId;

/// Begins a session.
pub fn create(
    conn: &mut Conn<'_>,
    token_hash: &str,
    user: UserId,
    csrf: &str,
    expires_at: DateTime<Utc>,
) -> Result<(), StoreError> {
    let values = (
        sessions::token_hash.eq(token_hash),
        sessions::user_id.eq(user.0),
        sessions::csrf.eq(csrf),
        sessions::created_at.eq(stored(now())),
        sessions::expires_at.eq(stored(expires_at)),
    );
    on_backend!(conn, |c| diesel::insert_into(sessions::table).values(values).execute(c))?;
    Ok(())
}

/// The user of a session that has not expired, and its CSRF token.
pub fn find(conn: &mut Conn<'_>, token_hash: &str) -> Result<Option<(User, String)>, StoreError> {
    use crate::schema::users;
    let query = sessions::table
        .inner_join(users::table)
        .filter(sessions::token_hash.eq(token_hash))
        .filter(sessions::expires_at.gt(stored(now())))
        .select((columns::<User>(), sessions::csrf));
    Ok(on_backend!(conn, |c| query.get_result(c).optional())?)
}

/// Ends a session.
pub fn delete(conn: &mut Conn<'_>, token_hash: &str) -> Result<(), StoreError> {
    on_backend!(conn, |c| diesel::delete(sessions::table.find(token_hash)).execute(c))?;
    Ok(())
}

/// Forgets sessions that have expired.
pub fn delete_expired(conn: &mut Conn<'_>) -> Result<usize, StoreError> {
    let expired = sessions::table.filter(sessions::expires_at.le(stored(now())));
    Ok(on_backend!(conn, |c| diesel::delete(expired).execute(c))?)
}
