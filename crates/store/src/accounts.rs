//! GitLab accounts that users have linked.

use crate::{
    Conn, StoreError,
    conn::{columns, on_backend},
    jobs, now,
    schema::{accounts, area_authorizations, areas, instances},
    when::{Stamp, stored},
};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use std::cmp::Reverse;
use trawl_jobs::{AccountId, AreaKind, InstanceId, UserId};

/// Whether GitLab accepts an account's token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccountState {
    /// It did when it was used last.
    Working,
    /// It did not; the account's jobs wait for a new one.
    Refused,
}

impl AccountState {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Working => "working",
            Self::Refused => "refused",
        }
    }
}

/// A linked account.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = accounts)]
pub struct Account {
    id: i64,
    user_id: i64,
    instance_id: i64,
    /// GitLab's id of the user behind it.
    pub gitlab_user_id: i64,
    /// GitLab's name of the user behind it.
    pub username: String,
    /// The encrypted token.
    pub token_cipher: Vec<u8>,
    state: String,
    state_since: Stamp,
    linked_at: Stamp,
    scope_tried_at: Option<Stamp>,
    scope_checked_at: Option<Stamp>,
    /// What renews the token (encrypted), where it came by signing in.
    pub refresh_cipher: Option<Vec<u8>>,
    expires_at: Option<Stamp>,
    /// What the token may do, as far as GitLab tells: scopes with spaces between them.
    pub scopes: Option<String>,
    #[diesel(select_expression = instances::url)]
    /// Base URL of its instance.
    pub instance_url: String,
}

impl Account {
    /// Identity.
    #[must_use]
    pub const fn id(&self) -> AccountId {
        AccountId(self.id)
    }

    /// Whose.
    #[must_use]
    pub const fn user(&self) -> UserId {
        UserId(self.user_id)
    }

    /// Where.
    #[must_use]
    pub const fn instance(&self) -> InstanceId {
        InstanceId(self.instance_id)
    }

    /// Whether its token is accepted.
    #[must_use]
    pub fn state(&self) -> AccountState {
        if self.state == "working" { AccountState::Working } else { AccountState::Refused }
    }

    /// Since when.
    #[must_use]
    pub const fn state_since(&self) -> DateTime<Utc> {
        self.state_since.and_utc()
    }

    /// When it was linked.
    #[must_use]
    pub const fn linked_at(&self) -> DateTime<Utc> {
        self.linked_at.and_utc()
    }

    /// When finding out what it can reach was last tried.
    #[must_use]
    pub fn scope_tried_at(&self) -> Option<DateTime<Utc>> {
        self.scope_tried_at.map(Stamp::and_utc)
    }

    /// When what it can reach was last found out.
    #[must_use]
    pub fn scope_checked_at(&self) -> Option<DateTime<Utc>> {
        self.scope_checked_at.map(Stamp::and_utc)
    }

    /// When its token ends, where that is known.
    #[must_use]
    pub fn expires_at(&self) -> Option<DateTime<Utc>> {
        self.expires_at.map(Stamp::and_utc)
    }
}

/// A link to be made.
#[derive(Debug)]
pub struct NewAccount<'a> {
    /// Whose.
    pub user: UserId,
    /// Where.
    pub instance: InstanceId,
    /// GitLab's id of the user behind it.
    pub gitlab_user_id: i64,
    /// GitLab's name of the user behind it.
    pub username: &'a str,
    /// The encrypted token.
    pub token_cipher: &'a [u8],
    /// What renews it (encrypted); none for one that is made by hand.
    pub refresh_cipher: Option<&'a [u8]>,
    /// When it ends, where that is known.
    pub expires_at: Option<DateTime<Utc>>,
    /// When it is to be renewed.
    pub renew_at: Option<DateTime<Utc>>,
    /// What it may do, where that is known.
    pub scopes: Option<&'a str>,
}

/// Links an account, or gives a linked one a new token.
pub fn link(conn: &mut Conn<'_>, new: &NewAccount<'_>) -> Result<AccountId, StoreError> {
    let at = stored(now());
    let changes = (
        accounts::username.eq(new.username),
        accounts::token_cipher.eq(new.token_cipher),
        accounts::refresh_cipher.eq(new.refresh_cipher),
        accounts::expires_at.eq(new.expires_at.map(stored)),
        accounts::renew_at.eq(new.renew_at.map(stored)),
        accounts::scopes.eq(new.scopes),
        accounts::renewed_at.eq(new.renew_at.map(|_| at)),
        accounts::renewing_until.eq(None::<Stamp>),
        accounts::state.eq(AccountState::Working.as_str()),
        accounts::state_since.eq(at),
    );
    let values = (
        accounts::user_id.eq(new.user.0),
        accounts::instance_id.eq(new.instance.0),
        accounts::gitlab_user_id.eq(new.gitlab_user_id),
        accounts::linked_at.eq(at),
        changes,
    );
    let key = (accounts::user_id, accounts::instance_id, accounts::gitlab_user_id);
    let id = on_backend!(conn, |c| diesel::insert_into(accounts::table)
        .values(values)
        .on_conflict(key)
        .do_update()
        .set(changes)
        .returning(accounts::id)
        .get_result(c))?;
    Ok(AccountId(id))
}

/// A user's accounts, or everybody's.
pub fn list(conn: &mut Conn<'_>, user: Option<UserId>) -> Result<Vec<Account>, StoreError> {
    let query = accounts::table.inner_join(instances::table).select(columns::<Account>()).order(accounts::id);
    Ok(match user {
        Some(user) => on_backend!(conn, |c| query.filter(accounts::user_id.eq(user.0)).load(c))?,
        None => on_backend!(conn, |c| query.load(c))?,
    })
}

/// Working accounts of an instance.
pub fn of_instance(conn: &mut Conn<'_>, instance: InstanceId) -> Result<Vec<Account>, StoreError> {
    let query = accounts::table
        .inner_join(instances::table)
        .filter(accounts::instance_id.eq(instance.0))
        .filter(accounts::state.eq(AccountState::Working.as_str()))
        .select(columns::<Account>())
        .order(accounts::id);
    Ok(on_backend!(conn, |c| query.load(c))?)
}

/// One account.
pub fn get(conn: &mut Conn<'_>, account: AccountId) -> Result<Option<Account>, StoreError> {
    let query =
        accounts::table.inner_join(instances::table).filter(accounts::id.eq(account.0)).select(columns::<Account>());
    Ok(on_backend!(conn, |c| query.get_result(c).optional())?)
}

/// Removes a user's account, its token and what it was allowed to see. What it mirrored stays.
///
/// # Errors
/// [`StoreError::NotFound`] where it is not this user's.
pub fn unlink(conn: &mut Conn<'_>, user: UserId, account: AccountId) -> Result<(), StoreError> {
    let mine = accounts::table.filter(accounts::id.eq(account.0)).filter(accounts::user_id.eq(user.0));
    if get(conn, account)?.is_some_and(|account| account.user() == user) {
        jobs::end_those_about(conn, account)?;
    }
    match on_backend!(conn, |c| diesel::delete(mine).execute(c))? {
        0 => Err(StoreError::NotFound),
        _ => Ok(()),
    }
}

/// Notes whether GitLab accepts an account's token. Returns whether that is news.
pub fn set_state(conn: &mut Conn<'_>, account: AccountId, state: AccountState) -> Result<bool, StoreError> {
    let other = accounts::table.filter(accounts::id.eq(account.0)).filter(accounts::state.ne(state.as_str()));
    let changes = (accounts::state.eq(state.as_str()), accounts::state_since.eq(stored(now())));
    Ok(on_backend!(conn, |c| diesel::update(other).set(changes).execute(c))? > 0)
}

/// Notes that finding out what an account can reach has been tried, with or without success.
pub fn scope_tried(conn: &mut Conn<'_>, account: AccountId) -> Result<(), StoreError> {
    let changes = accounts::scope_tried_at.eq(stored(now()));
    on_backend!(conn, |c| diesel::update(accounts::table.find(account.0)).set(changes).execute(c))?;
    Ok(())
}

/// Notes that what an account can reach has been found out, by a pass that began at `began`. What the pass did not
/// see, the account can no longer reach.
pub fn scope_checked(conn: &mut Conn<'_>, account: AccountId, began: DateTime<Utc>) -> Result<(), StoreError> {
    let changes = accounts::scope_checked_at.eq(stored(now()));
    on_backend!(conn, |c| diesel::update(accounts::table.find(account.0)).set(changes).execute(c))?;
    let lost = area_authorizations::table
        .filter(area_authorizations::account_id.eq(account.0))
        .filter(area_authorizations::seen_at.lt(stored(began)));
    on_backend!(conn, |c| diesel::delete(lost).execute(c))?;
    Ok(())
}

/// Working accounts for which finding out their reach was last tried before `before`, or never.
pub fn scope_due(conn: &mut Conn<'_>, before: DateTime<Utc>) -> Result<Vec<Account>, StoreError> {
    let query = accounts::table
        .inner_join(instances::table)
        .filter(accounts::state.eq(AccountState::Working.as_str()))
        .filter(accounts::scope_tried_at.is_null().or(accounts::scope_tried_at.lt(stored(before))))
        .select(columns::<Account>());
    Ok(on_backend!(conn, |c| query.load(c))?)
}

/// How many groups and projects an account reaches.
pub fn reach(conn: &mut Conn<'_>, account: AccountId) -> Result<(i64, i64), StoreError> {
    let query = area_authorizations::table
        .inner_join(areas::table)
        .filter(area_authorizations::account_id.eq(account.0))
        .group_by(areas::kind)
        .select((areas::kind, diesel::dsl::count_star()));
    let rows: Vec<(String, i64)> = on_backend!(conn, |c| query.load(c))?;
    let of = |kind: AreaKind| rows.iter().find(|row| row.0 == kind.as_str()).map_or(0, |row| row.1);
    Ok((of(AreaKind::Group), of(AreaKind::Project)))
}

/// GitLab's access level of an account in an area.
pub fn access_level(conn: &mut Conn<'_>, account: AccountId, area: i64) -> Result<Option<i32>, StoreError> {
    let query = area_authorizations::table.find((account.0, area)).select(area_authorizations::access_level);
    Ok(on_backend!(conn, |c| query.first::<Option<i32>>(c).optional())?.flatten())
}

/// Accounts whose token may read an area: those with more rights see more and come first, then the one that asked.
pub fn serving(conn: &mut Conn<'_>, area: i64, asked: Option<i64>) -> Result<Vec<AccountId>, StoreError> {
    let query = area_authorizations::table
        .inner_join(accounts::table)
        .filter(area_authorizations::area_id.eq(area))
        .filter(accounts::state.eq(AccountState::Working.as_str()))
        .select((accounts::id, area_authorizations::access_level));
    let mut rows: Vec<(i64, Option<i32>)> = on_backend!(conn, |c| query.load(c))?;
    // Here, because the databases disagree on where to put what is not known. None is less than any level.
    rows.sort_by_key(|(id, level)| (Reverse(*level), Some(*id) != asked, *id));
    Ok(rows.into_iter().map(|(id, _)| AccountId(id)).collect())
}
