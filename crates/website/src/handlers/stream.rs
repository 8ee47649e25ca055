//! Live updates: what changes, as server-sent events.
//!
//! A browser that comes back with an older `Last-Event-ID`, or is too slow to follow, is told to load everything anew
//! (`resync`): no event is kept for it.

use crate::{answer::ApiError, app::App, events::Event, session::ApiUser};
use actix_sse::{Data as SseData, Event as SseEvent, Sse};
use actix_web::{HttpRequest, Responder, web::Data};
use futures_util::{StreamExt as _, stream};
use std::{convert::Infallible, time::Duration};
use tokio_stream::wrappers::{BroadcastStream, errors::BroadcastStreamRecvError};

/// So often something is sent, so that nobody between us takes the silence for an end.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// A stream ends after this, so that a browser comes back and its session is looked at again.
const LIFETIME: Duration = Duration::from_mins(10);
/// When a browser that lost us tries again.
const RETRY: Duration = Duration::from_secs(1);

/// `GET /api/jobs/stream`.
///
/// # Errors
/// Nobody is signed in.
#[utoipa::path(
    get,
    path = "/api/jobs/stream",
    operation_id = "stream",
    tag = "jobs",
    responses(
        (status = 200, description = "What changes, as server-sent events", body = String, content_type = "text/event-stream"),
    ),
)]
pub async fn show(app: Data<App>, user: ApiUser, request: HttpRequest) -> Result<impl Responder, ApiError> {
    let last = app.hub.last_id();
    let seen =
        request.headers().get("last-event-id").and_then(|id| id.to_str().ok()).and_then(|id| id.parse::<u64>().ok());
    // The first event names the place in the stream; for a browser that missed something it is a resync.
    let first = match seen {
        Some(seen) if seen != last => event("resync", "{}".to_owned(), last),
        _ => event("hello", "{}".to_owned(), last),
    };
    let scope = user.0.job_scope();
    let events = BroadcastStream::new(app.hub.subscribe()).filter_map(move |next| {
        let sent = match next {
            Ok(Event { user: Some(of), .. }) if scope.is_some_and(|me| me != of) => None,
            Ok(Event { id, name, data, .. }) => Some(event(name, data, id)),
            Err(BroadcastStreamRecvError::Lagged(_)) => Some(event("resync", "{}".to_owned(), 0)),
        };
        async move { sent.map(Ok::<_, Infallible>) }
    });
    let stopping = app.stopping.clone();
    let over = async move {
        tokio::time::timeout(LIFETIME, stopping.cancelled()).await.ok();
    };
    let all = stream::once(async move { Ok::<_, Infallible>(first) }).chain(events).take_until(over);
    Ok(Sse::from_stream(all.boxed()).with_keep_alive(KEEP_ALIVE).with_retry_duration(RETRY))
}

fn event(name: &'static str, data: String, id: u64) -> SseEvent {
    SseEvent::Data(SseData::new(data).event(name).id(id.to_string()))
}
