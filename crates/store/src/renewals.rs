//! Renewing tokens that were given for a sign-in. One refresh ends both old tokens, and two at once would lock the
//! account out: whoever renews takes the account for a while, and what came of it is stored only over what it came from.

use crate::{
    Conn, StoreError,
    accounts::{Account, AccountState},
    conn::{columns, on_backend},
    now,
    schema::{accounts, instances},
    when::{Stamp, stored},
};
use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use trawl_jobs::AccountId;

/// How long whoever renews a token has for it, before somebody else tries.
pub const TURN: TimeDelta = TimeDelta::seconds(60);
/// A refusal so soon after a renewal was of the token before it: that is how long the new one may take to a crawler, and a
/// report from there.
const LATE_REFUSAL: TimeDelta = TimeDelta::seconds(8);

/// What a renewal has given.
#[derive(Debug)]
pub struct Renewed<'a> {
    /// The encrypted token.
    pub token_cipher: &'a [u8],
    /// What renews that one (encrypted).
    pub refresh_cipher: Option<&'a [u8]>,
    /// When the token ends.
    pub expires_at: Option<DateTime<Utc>>,
    /// When it is to be renewed.
    pub renew_at: Option<DateTime<Utc>>,
}

/// Takes the accounts whose token is to be renewed now, and of which nobody else has taken care.
pub fn take_due(conn: &mut Conn<'_>) -> Result<Vec<Account>, StoreError> {
    let at = now();
    let mut taken = Vec::new();
    let due = accounts::table
        .filter(accounts::refresh_cipher.is_not_null())
        .filter(accounts::renew_at.le(stored(at)))
        .filter(accounts::renewing_until.is_null().or(accounts::renewing_until.le(stored(at))))
        .select(accounts::id);
    let ids: Vec<i64> = on_backend!(conn, |c| due.load(c))?;
    for id in ids {
        // Asked again, since another node may have come first.
        let still = accounts::table
            .filter(accounts::id.eq(id))
            .filter(accounts::renewing_until.is_null().or(accounts::renewing_until.le(stored(at))));
        let until = accounts::renewing_until.eq(stored(at + TURN));
        if on_backend!(conn, |c| diesel::update(still).set(until).execute(c))? > 0 {
            taken.extend(crate::accounts::get(conn, AccountId(id))?);
        }
    }
    Ok(taken)
}

/// When the next renewal is due, if ever.
pub fn next_due(conn: &mut Conn<'_>) -> Result<Option<DateTime<Utc>>, StoreError> {
    let query = accounts::table
        .filter(accounts::refresh_cipher.is_not_null())
        .select((accounts::renew_at, accounts::renewing_until));
    let rows: Vec<(Option<Stamp>, Option<Stamp>)> = on_backend!(conn, |c| query.load(c))?;
    let due = |(renew, renewing): (Option<Stamp>, Option<Stamp>)| {
        renew.map(|renew| renewing.map_or(renew, |until| until.max(renew)))
    };
    Ok(rows.into_iter().filter_map(due).min().map(Stamp::and_utc))
}

/// Stores what a renewal has given, in the place of what it was made with. `false`: that is not there any more, because
/// the account was linked anew or is gone.
pub fn store(conn: &mut Conn<'_>, account: &Account, renewed: &Renewed<'_>) -> Result<bool, StoreError> {
    let at = stored(now());
    let same = accounts::table
        .filter(accounts::id.eq(account.id().0))
        .filter(accounts::refresh_cipher.eq(account.refresh_cipher.as_deref()));
    let changes = (
        accounts::token_cipher.eq(renewed.token_cipher),
        accounts::refresh_cipher.eq(renewed.refresh_cipher),
        accounts::expires_at.eq(renewed.expires_at.map(stored)),
        accounts::renewed_at.eq(Some(at)),
        accounts::renew_at.eq(renewed.renew_at.map(stored)),
        accounts::renewing_until.eq(None::<Stamp>),
        accounts::state.eq(AccountState::Working.as_str()),
    );
    Ok(on_backend!(conn, |c| diesel::update(same).set(changes).execute(c))? > 0)
}

/// GitLab renews this no more: somebody has to sign in again. `false`: somebody has.
pub fn give_up(conn: &mut Conn<'_>, account: &Account) -> Result<bool, StoreError> {
    let same = accounts::table
        .filter(accounts::id.eq(account.id().0))
        .filter(accounts::refresh_cipher.eq(account.refresh_cipher.as_deref()));
    let changes = (
        accounts::refresh_cipher.eq(None::<Vec<u8>>),
        accounts::renew_at.eq(None::<Stamp>),
        accounts::renewing_until.eq(None::<Stamp>),
        accounts::state.eq(AccountState::Refused.as_str()),
        accounts::state_since.eq(stored(now())),
    );
    Ok(on_backend!(conn, |c| diesel::update(same).set(changes).execute(c))? > 0)
}

/// What becomes of an account whose token GitLab has not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Its jobs wait.
    Waits,
    /// It was known already.
    Known,
    /// The token has been renewed since: whoever used the old one may try again.
    Late,
}

/// Notes that GitLab did not accept an account's token. One that can be renewed is to be renewed now.
pub fn refused(conn: &mut Conn<'_>, account: AccountId) -> Result<Refusal, StoreError> {
    let query = accounts::table.inner_join(instances::table).filter(accounts::id.eq(account.0));
    let query = query.select((columns::<Account>(), accounts::renewed_at));
    let found: Option<(Account, Option<Stamp>)> = on_backend!(conn, |c| query.get_result(c).optional())?;
    let Some((known, renewed_at)) = found else { return Ok(Refusal::Known) };
    if known.refresh_cipher.is_some() {
        if renewed_at.is_some_and(|renewed| renewed.and_utc() + LATE_REFUSAL > now()) {
            return Ok(Refusal::Late);
        }
        let soon = accounts::renew_at.eq(Some(stored(now())));
        on_backend!(conn, |c| diesel::update(accounts::table.find(account.0)).set(soon).execute(c))?;
    }
    let news = crate::accounts::set_state(conn, account, AccountState::Refused)?;
    Ok(if news { Refusal::Waits } else { Refusal::Known })
}
