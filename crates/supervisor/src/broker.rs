//! Credentials on their way from the website to the crawlers. They are kept in memory only, by the one process that
//! speaks with nobody but its own children.

use futures_util::StreamExt as _;
use tokio::sync::watch;
use trawl_protocol::{
    FrameError, Kind, ProcessId,
    auth::{CredentialList, Credentials, send_list},
    codec::AUTH_FRAME_LIMIT,
    handshake::{self, Connection},
};

/// The list as it is now, for all who need it; none before the website has told one, be it an empty one.
pub type List = watch::Sender<Option<Credentials>>;

/// Serves a child that was let in: takes the website's lists, or gives the list to a crawler.
pub async fn serve(mut connection: Connection, id: ProcessId, list: List) {
    let served = async {
        handshake::welcome(&mut connection, id, AUTH_FRAME_LIMIT).await?;
        if id == ProcessId::WEBSITE {
            take(&mut connection, &list).await
        } else {
            give(&mut connection, id, &list).await
        }
    };
    if let Err(error) = served.await {
        tracing::debug!(%error, "the credentials connection of {id} ended");
    }
}

async fn take(connection: &mut Connection, list: &List) -> Result<(), FrameError> {
    let mut pending = CredentialList::default();
    while let Some(frame) = connection.next().await {
        let frame = frame?;
        if frame.header.kind != Kind::Auth {
            return Err(FrameError::Unexpected(frame.header.kind));
        }
        if let Some(complete) = pending.take(frame.value()?) {
            tracing::debug!(credentials = complete.len(), "the website has handed over credentials");
            list.send_replace(Some(complete));
        }
    }
    Ok(())
}

async fn give(connection: &mut Connection, id: ProcessId, list: &List) -> Result<(), FrameError> {
    let mut list = list.subscribe();
    loop {
        let now = list.borrow_and_update().clone();
        if let Some(now) = now {
            send_list(connection, id, &now).await?;
        }
        tokio::select! {
            changed = list.changed() => if changed.is_err() { return Ok(()) },
            // A crawler has nothing to say here; this is how its end shows.
            said = connection.next() => return match said {
                None => Ok(()),
                Some(Err(error)) => Err(error),
                Some(Ok(frame)) => Err(FrameError::Unexpected(frame.header.kind)),
            },
        }
    }
}
