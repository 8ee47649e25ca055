//! Other nodes on the same database: what changes here is told to them, so that their pages are live as well and their
//! crawlers take what is new.

use crate::{
    credentials::Credentials,
    events::{Event, Hub, TOPICS},
    manager::dispatcher::Handle,
};
use serde::{Deserialize, Serialize};
use std::{collections::HashMap, time::Duration};
use tokio::{
    sync::{broadcast::error::RecvError, mpsc},
    time::sleep,
};
use tokio_util::sync::CancellationToken;
use trawl_jobs::UserId;
use trawl_protocol::Boot;
use trawl_store::{
    Db,
    news::{self, News},
};

/// Changes are gathered for so long before they are told.
const GATHER: Duration = Duration::from_millis(100);

/// What a node tells.
#[derive(Debug, Serialize, Deserialize)]
struct Told {
    /// The life that tells it.
    from: u32,
    events: Vec<Passed>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Passed {
    name: String,
    data: String,
    user: Option<i64>,
}

/// Tells and listens until it is told to stop; on a database that nobody shares it does nothing.
pub async fn run(
    db: Db,
    hub: Hub,
    (dispatcher, credentials): (Handle, Credentials),
    boot: Boot,
    stop: CancellationToken,
) {
    let Some(news) = db.listen() else { return };
    tokio::select! {
        () = stop.cancelled() => {}
        () = tell(&db, &hub, boot) => {}
        () = hear(news, &hub, (&dispatcher, &credentials), boot) => {}
    }
}

async fn tell(db: &Db, hub: &Hub, boot: Boot) {
    let mut events = hub.subscribe(None).events;
    loop {
        // The newest of each kind about each thing is enough.
        let mut gathered: HashMap<(String, String), Passed> = HashMap::new();
        match events.recv().await {
            Ok(event) => gather(&mut gathered, &event),
            // More than fits: they look at everything.
            Err(RecvError::Lagged(_)) => gathered.extend(TOPICS.map(everything)),
            Err(RecvError::Closed) => return,
        }
        sleep(GATHER).await;
        while let Ok(event) = events.try_recv() {
            gather(&mut gathered, &event);
        }
        for text in texts(boot, gathered.into_values()) {
            if let Err(error) = db.write(move |conn| news::tell(conn, &text)).await {
                tracing::debug!(%error, "other nodes cannot be told");
            }
        }
    }
}

fn gather(gathered: &mut HashMap<(String, String), Passed>, event: &Event) {
    if event.remote {
        return;
    }
    let about: serde_json::Value = serde_json::from_str(&event.data).unwrap_or_default();
    let key = (event.name.to_owned(), about["id"].to_string());
    let data = match event.name {
        // Their names would not fit; whoever wants them knows where to look.
        "item" => serde_json::json!({ "id": about["id"], "count": about["count"], "items": [] }).to_string(),
        _ => event.data.to_string(),
    };
    let passed = Passed { name: event.name.to_owned(), data, user: event.user.map(|user| user.0) };
    gathered.insert(key, passed);
}

/// Says that anything about this may have changed.
fn everything(topic: &str) -> ((String, String), Passed) {
    let passed = Passed { name: topic.to_owned(), data: "{}".to_owned(), user: None };
    ((topic.to_owned(), String::new()), passed)
}

/// As few texts as there is room in each.
fn texts(boot: Boot, events: impl Iterator<Item = Passed>) -> Vec<String> {
    let (mut texts, mut told, mut size) = (Vec::new(), Told { from: boot.0, events: Vec::new() }, 0);
    for event in events {
        // Quotes within quotes are escaped, at worst each character of it.
        let needs = 64 + event.name.len() + 2 * event.data.len();
        if size + needs > news::LIMIT && !told.events.is_empty() {
            texts.extend(serde_json::to_string(&told));
            (told.events, size) = (Vec::new(), 0);
        }
        size += needs;
        told.events.push(event);
    }
    if !told.events.is_empty() {
        texts.extend(serde_json::to_string(&told));
    }
    texts
}

async fn hear(
    mut news: mpsc::Receiver<News>,
    hub: &Hub,
    (dispatcher, credentials): (&Handle, &Credentials),
    boot: Boot,
) {
    while let Some(news) = news.recv().await {
        let told = match news {
            News::Told(text) => match serde_json::from_str::<Told>(&text) {
                Ok(told) => told,
                Err(error) => {
                    tracing::debug!(%error, "another node tells something that is not understood");
                    continue;
                }
            },
            News::Missed => {
                hub.missed();
                credentials.touch();
                dispatcher.wake();
                continue;
            }
        };
        if told.from == boot.0 {
            continue;
        }
        for event in told.events {
            if event.name == "account" {
                credentials.touch();
            }
            hub.heard(&event.name, event.data, event.user.map(UserId));
        }
        dispatcher.wake();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_text_has_room_in_a_notification() {
        let event = |n: usize| Passed { name: "job".to_owned(), data: format!("{{\"id\":\"{n}\"}}"), user: Some(1) };
        let texts = texts(Boot(1), (0..1000).map(event));
        assert!(texts.len() > 5 && texts.iter().all(|text| text.len() <= news::LIMIT));
        let told: usize = texts.iter().map(|text| serde_json::from_str::<Told>(text).unwrap().events.len()).sum();
        assert_eq!(told, 1000);
    }
}
