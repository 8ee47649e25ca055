//! Writing what is said only once.

use std::{sync::Arc, time::Duration};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use trawl_store::{Conn, Db, StoreError, facts};

/// Between attempts to write while the database takes nothing.
const PAUSE: Duration = Duration::from_secs(1);
/// After so many refusals of a database that takes other things, it is what is written that it does not take.
const REFUSALS: u32 = 3;

/// A database that has bad moments, and the end of our patience with it.
#[derive(Clone)]
pub(super) struct Surely {
    pub(super) db: Db,
    pub(super) stop: CancellationToken,
}

impl Surely {
    /// Writes, and where the database has a bad moment tries again until that is over: while we wait, full windows make
    /// the workers wait. Gives up when the website ends, or when the database takes anything but this.
    pub(super) async fn write<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: Fn(&mut Conn<'_>) -> Result<T, StoreError> + Send + Sync + 'static,
    {
        let work = Arc::new(work);
        let mut refused = 0;
        loop {
            let once = Arc::clone(&work);
            match self.db.write(move |conn| once(conn)).await {
                Err(error) if !error.is_about_data() && !self.stop.is_cancelled() && refused < REFUSALS => {
                    tracing::error!(%error, "the database takes nothing; trying again in a second");
                    tokio::select! { () = sleep(PAUSE) => {}, () = self.stop.cancelled() => {} }
                    // Not every database says whether it is the data that it does not like.
                    refused += u32::from(self.db.write(facts::probe).await.is_ok());
                }
                other => return other,
            }
        }
    }
}
