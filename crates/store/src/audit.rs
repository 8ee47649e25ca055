//! Who did what.

use crate::{Conn, StoreError, conn::on_backend, now, schema::audit_log, text::storable, when::stored};
use diesel::prelude::*;
use trawl_jobs::UserId;

/// Writes down that a user did something. `detail` never holds a secret.
pub fn record(conn: &mut Conn<'_>, user: Option<UserId>, action: &str, detail: &str) -> Result<(), StoreError> {
    let values = (
        audit_log::at.eq(stored(now())),
        audit_log::user_id.eq(user.map(|user| user.0)),
        audit_log::action.eq(action),
        audit_log::detail.eq(storable(detail)),
    );
    on_backend!(conn, |c| diesel::insert_into(audit_log::table).values(values).execute(c))?;
    Ok(())
}
