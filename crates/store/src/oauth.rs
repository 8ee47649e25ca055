//! Trawl as an application that instances know, and people who are there to sign in.

use crate::{
    Conn, StoreError,
    conn::{columns, on_backend},
    now,
    schema::{instances, oauth_applications, oauth_sign_ins},
    when::{Stamp, stored},
};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use trawl_jobs::{InstanceId, UserId};

/// What an instance knows of us.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = oauth_applications)]
pub struct Application {
    instance_id: i64,
    /// GitLab's name for it.
    pub client_id: String,
    /// The encrypted secret; none for an application that is not confidential.
    pub secret_cipher: Option<Vec<u8>>,
    created_at: Stamp,
    #[diesel(select_expression = instances::url)]
    /// Base URL of the instance.
    pub instance_url: String,
}

impl Application {
    /// Where.
    #[must_use]
    pub const fn instance(&self) -> InstanceId {
        InstanceId(self.instance_id)
    }

    /// Since when.
    #[must_use]
    pub const fn created_at(&self) -> DateTime<Utc> {
        self.created_at.and_utc()
    }
}

/// All of them, by address.
pub fn applications(conn: &mut Conn<'_>) -> Result<Vec<Application>, StoreError> {
    let query =
        oauth_applications::table.inner_join(instances::table).select(columns::<Application>()).order(instances::url);
    Ok(on_backend!(conn, |c| query.load(c))?)
}

/// An instance's.
pub fn application(conn: &mut Conn<'_>, instance: InstanceId) -> Result<Option<Application>, StoreError> {
    let query = oauth_applications::table
        .inner_join(instances::table)
        .filter(oauth_applications::instance_id.eq(instance.0))
        .select(columns::<Application>());
    Ok(on_backend!(conn, |c| query.get_result(c).optional())?)
}

/// Makes an instance's application known, or replaces it.
pub fn set_application(
    conn: &mut Conn<'_>,
    instance: InstanceId,
    client_id: &str,
    secret_cipher: Option<&[u8]>,
) -> Result<(), StoreError> {
    let changes = (oauth_applications::client_id.eq(client_id), oauth_applications::secret_cipher.eq(secret_cipher));
    let values =
        (oauth_applications::instance_id.eq(instance.0), oauth_applications::created_at.eq(stored(now())), changes);
    on_backend!(conn, |c| diesel::insert_into(oauth_applications::table)
        .values(values)
        .on_conflict(oauth_applications::instance_id)
        .do_update()
        .set(changes)
        .execute(c))?;
    Ok(())
}

/// Forgets an instance's application. Accounts that were linked by it stay until their token ends.
///
/// # Errors
/// [`StoreError::NotFound`] where there is none.
pub fn remove_application(conn: &mut Conn<'_>, instance: InstanceId) -> Result<(), StoreError> {
    match on_backend!(conn, |c| diesel::delete(oauth_applications::table.find(instance.0)).execute(c))? {
        0 => Err(StoreError::NotFound),
        _ => Ok(()),
    }
}

/// Somebody who went to an instance to sign in.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = oauth_sign_ins)]
pub struct SignIn {
    user_id: i64,
    instance_id: i64,
    /// The encrypted secret that proves that whoever comes back is who went.
    pub verifier_cipher: Vec<u8>,
}

impl SignIn {
    /// Who.
    #[must_use]
    pub const fn user(&self) -> UserId {
        UserId(self.user_id)
    }

    /// Where.
    #[must_use]
    pub const fn instance(&self) -> InstanceId {
        InstanceId(self.instance_id)
    }
}

/// Notes that a user has gone to sign in; forgets those who did not come back.
pub fn begin(
    conn: &mut Conn<'_>,
    state_hash: &str,
    user: UserId,
    instance: InstanceId,
    verifier_cipher: &[u8],
    expires_at: DateTime<Utc>,
) -> Result<(), StoreError> {
    let expired = oauth_sign_ins::table.filter(oauth_sign_ins::expires_at.le(stored(now())));
    on_backend!(conn, |c| diesel::delete(expired).execute(c))?;
    let values = (
        oauth_sign_ins::state_hash.eq(state_hash),
        oauth_sign_ins::user_id.eq(user.0),
        oauth_sign_ins::instance_id.eq(instance.0),
        oauth_sign_ins::verifier_cipher.eq(verifier_cipher),
        oauth_sign_ins::expires_at.eq(stored(expires_at)),
    );
    on_backend!(conn, |c| diesel::insert_into(oauth_sign_ins::table).values(values).execute(c))?;
    Ok(())
}

/// Takes back a user who went with this state. Once: a second time nobody is found.
pub fn come_back(conn: &mut Conn<'_>, state_hash: &str, user: UserId) -> Result<Option<SignIn>, StoreError> {
    let gone = oauth_sign_ins::table
        .filter(oauth_sign_ins::state_hash.eq(state_hash))
        .filter(oauth_sign_ins::user_id.eq(user.0))
        .filter(oauth_sign_ins::expires_at.gt(stored(now())));
    Ok(on_backend!(conn, |c| diesel::delete(gone).returning(columns::<SignIn>()).get_result(c).optional())?)
}
