//! Instances that tell of changes. What they tell is where to look, never what is there.

use crate::{
    Conn, StoreError,
    conn::{columns, on_backend},
    now,
    schema::{instances, webhooks},
    when::{Stamp, stored},
};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use trawl_jobs::InstanceId;

/// An instance that may tell.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = webhooks)]
pub struct Webhook {
    instance_id: i64,
    /// The hash of its secret.
    pub secret_hash: String,
    created_at: Stamp,
    last_event_at: Option<Stamp>,
    #[diesel(select_expression = instances::url)]
    /// Base URL of the instance.
    pub instance_url: String,
}

impl Webhook {
    /// Which.
    #[must_use]
    pub const fn instance(&self) -> InstanceId {
        InstanceId(self.instance_id)
    }

    /// Since when.
    #[must_use]
    pub const fn created_at(&self) -> DateTime<Utc> {
        self.created_at.and_utc()
    }

    /// When it last told something.
    #[must_use]
    pub fn last_event_at(&self) -> Option<DateTime<Utc>> {
        self.last_event_at.map(Stamp::and_utc)
    }
}

/// All of them, by address.
pub fn list(conn: &mut Conn<'_>) -> Result<Vec<Webhook>, StoreError> {
    let query = webhooks::table.inner_join(instances::table).select(columns::<Webhook>()).order(instances::url);
    Ok(on_backend!(conn, |c| query.load(c))?)
}

/// An instance's.
pub fn get(conn: &mut Conn<'_>, instance: InstanceId) -> Result<Option<Webhook>, StoreError> {
    let query = webhooks::table
        .inner_join(instances::table)
        .filter(webhooks::instance_id.eq(instance.0))
        .select(columns::<Webhook>());
    Ok(on_backend!(conn, |c| query.get_result(c).optional())?)
}

/// Lets an instance tell, with a secret of which this is the hash; an older one is void.
pub fn set(conn: &mut Conn<'_>, instance: InstanceId, secret_hash: &str) -> Result<(), StoreError> {
    let changes = (webhooks::secret_hash.eq(secret_hash), webhooks::created_at.eq(stored(now())));
    let values = (webhooks::instance_id.eq(instance.0), changes);
    on_backend!(conn, |c| diesel::insert_into(webhooks::table)
        .values(values)
        .on_conflict(webhooks::instance_id)
        .do_update()
        .set(changes)
        .execute(c))?;
    Ok(())
}

/// Notes that an instance has told something.
pub fn told(conn: &mut Conn<'_>, instance: InstanceId) -> Result<(), StoreError> {
    let changes = webhooks::last_event_at.eq(stored(now()));
    on_backend!(conn, |c| diesel::update(webhooks::table.find(instance.0)).set(changes).execute(c))?;
    Ok(())
}

/// Listens to an instance no more.
///
/// # Errors
/// [`StoreError::NotFound`] where nobody did.
pub fn remove(conn: &mut Conn<'_>, instance: InstanceId) -> Result<(), StoreError> {
    match on_backend!(conn, |c| diesel::delete(webhooks::table.find(instance.0)).execute(c))? {
        0 => Err(StoreError::NotFound),
        _ => Ok(()),
    }
}
