//! What nodes that share a PostgreSQL database tell each other. Nothing depends on its arrival: what is missed is found
//! in the database a little later.

use crate::{Conn, StoreError, text::storable};
use diesel::{Connection as _, PgConnection, RunQueryDsl as _, sql_query, sql_types::Text};
use std::{thread, time::Duration};
use tokio::sync::mpsc;

/// Longest news, in bytes; PostgreSQL takes no more than 8000.
pub const LIMIT: usize = 7900;
/// How often it is looked whether something has come.
const LOOK: Duration = Duration::from_millis(50);
/// Before another connection is tried.
const PAUSE: Duration = Duration::from_secs(1);
/// News that wait to be read; those that come while there is no room are lost.
const ROOM: usize = 256;

/// Something has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// What a node has told; perhaps this one.
    Told(String),
    /// The connection was lost for a while, and with it whatever was told.
    Missed,
}

/// Tells all nodes, this one included, once the transaction is committed. On SQLite there is nobody to tell.
pub fn tell(conn: &mut Conn<'_>, text: &str) -> Result<(), StoreError> {
    if let Conn::Postgres(conn) = conn {
        sql_query("SELECT pg_notify('trawl', $1)").bind::<Text, _>(storable(text)).execute(*conn)?;
    }
    Ok(())
}

/// Listens on a connection of its own, until the receiver is dropped.
pub(crate) fn listen(url: String) -> std::io::Result<mpsc::Receiver<News>> {
    let (sender, news) = mpsc::channel(ROOM);
    thread::Builder::new().name("database-news".to_owned()).spawn(move || {
        while !sender.is_closed() {
            if let Err(error) = follow(&url, &sender) {
                tracing::warn!(%error, "what other nodes tell cannot be heard; trying again");
                sender.try_send(News::Missed).ok();
                thread::park_timeout(PAUSE);
            }
        }
    })?;
    Ok(news)
}

fn follow(url: &str, sender: &mpsc::Sender<News>) -> Result<(), StoreError> {
    let failed = |reason: String| StoreError::Open { url: "the news connection".to_owned(), reason };
    let mut conn = PgConnection::establish(url).map_err(|error| failed(error.to_string()))?;
    sql_query("LISTEN trawl").execute(&mut conn)?;
    while !sender.is_closed() {
        for notification in conn.notifications_iter() {
            sender.try_send(News::Told(notification?.payload)).ok();
        }
        thread::park_timeout(LOOK);
    }
    Ok(())
}
