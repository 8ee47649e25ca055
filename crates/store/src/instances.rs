//! GitLab instances.

use crate::{Conn, StoreError, conn::on_backend, now, schema::instances, when::stored};
use diesel::prelude::*;
use trawl_jobs::InstanceId;

/// The instance with this base URL (without a slash at its end), made if it is new.
pub fn ensure(conn: &mut Conn<'_>, url: &str) -> Result<InstanceId, StoreError> {
    let values = (instances::url.eq(url), instances::created_at.eq(stored(now())));
    on_backend!(conn, |c| diesel::insert_into(instances::table).values(values).on_conflict_do_nothing().execute(c))?;
    by_url(conn, url)?.ok_or(StoreError::NotFound)
}

/// The instance with this base URL.
pub fn by_url(conn: &mut Conn<'_>, url: &str) -> Result<Option<InstanceId>, StoreError> {
    let query = instances::table.filter(instances::url.eq(url)).select(instances::id);
    Ok(on_backend!(conn, |c| query.get_result(c).optional())?.map(InstanceId))
}

/// All instances, by base URL.
pub fn list(conn: &mut Conn<'_>) -> Result<Vec<(InstanceId, String)>, StoreError> {
    let query = instances::table.select((instances::id, instances::url)).order(instances::url);
    let rows: Vec<(i64, String)> = on_backend!(conn, |c| query.load(c))?;
    Ok(rows.into_iter().map(|(id, url)| (InstanceId(id), url)).collect())
}

/// The base URL of an instance.
pub fn url(conn: &mut Conn<'_>, instance: InstanceId) -> Result<String, StoreError> {
    let query = instances::table.find(instance.0).select(instances::url);
    Ok(on_backend!(conn, |c| query.get_result(c))?)
}
