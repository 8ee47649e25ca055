//! Which key the secrets in the database were sealed with: not the key itself, but something that opens with it alone.

use crate::{Conn, StoreError, conn::on_backend, schema::master_key};
use diesel::prelude::*;

/// The one row.
const ROW: i32 = 1;

/// What opens with the right key; `proof` where there was nothing yet, which is kept from now on.
pub fn agree(conn: &mut Conn<'_>, proof: &[u8]) -> Result<Vec<u8>, StoreError> {
    let values = (master_key::id.eq(ROW), master_key::proof.eq(proof));
    on_backend!(conn, |c| diesel::insert_into(master_key::table).values(values).on_conflict_do_nothing().execute(c))?;
    Ok(on_backend!(conn, |c| master_key::table.find(ROW).select(master_key::proof).get_result(c))?)
}

/// There is another key from now on.
pub fn replace(conn: &mut Conn<'_>, proof: &[u8]) -> Result<(), StoreError> {
    let changes = master_key::proof.eq(proof);
    on_backend!(conn, |c| diesel::update(master_key::table.find(ROW)).set(changes).execute(c))?;
    Ok(())
}
