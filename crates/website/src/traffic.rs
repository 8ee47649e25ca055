//! The end of the website as others notice it: not at all, where another one accepts connections in its place.

use crate::app::App;
use actix_web::{
    Error,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    http::ConnectionType,
    middleware::Next,
    web::Data,
};
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};
use tokio::time::sleep;

/// A connection that was accepted just now may take so long to get to us.
const ON_ITS_WAY: Duration = Duration::from_millis(50);
/// After so long without a request on connections that are kept, nobody is about to send one.
const CALM: Duration = Duration::from_millis(300);
/// How long to wait for that at most.
const PATIENCE: Duration = Duration::from_secs(3);
const LOOK: Duration = Duration::from_millis(10);

/// Connections and requests that are there, and when there was a request last. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Traffic(Arc<Mutex<Inner>>);

#[derive(Debug)]
struct Inner {
    connections: usize,
    requests: usize,
    last: Instant,
}

impl Default for Traffic {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Inner { connections: 0, requests: 0, last: Instant::now() })))
    }
}

/// Counts a request for as long as it is there.
struct Passing(Traffic);

impl Drop for Passing {
    fn drop(&mut self) {
        self.0.change(|inner| inner.requests -= 1);
    }
}

/// Counts a connection for as long as it is there.
#[derive(Debug)]
pub struct Connected(Traffic);

impl Drop for Connected {
    fn drop(&mut self) {
        self.0.change(|inner| inner.connections -= 1);
    }
}

impl Traffic {
    fn change<T>(&self, change: impl FnOnce(&mut Inner) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn passing(&self) -> Passing {
        self.change(|inner| {
            inner.requests += 1;
            inner.last = Instant::now();
        });
        Passing(self.clone())
    }

    /// Somebody has connected; to be kept with the connection.
    #[must_use]
    pub fn connected(&self) -> Connected {
        self.change(|inner| inner.connections += 1);
        Connected(self.clone())
    }

    /// Returns once nobody is there any more, or nobody who is there asks for anything. New connections are no longer
    /// accepted by then.
    pub async fn calm(&self) {
        let begun = Instant::now();
        sleep(ON_ITS_WAY).await;
        let calm = |inner: &mut Inner| {
            inner.connections == 0 || (inner.requests == 0 && inner.last.max(begun).elapsed() >= CALM)
        };
        while begun.elapsed() < PATIENCE && !self.change(calm) {
            sleep(LOOK).await;
        }
    }
}

/// Watches a request; at the end it asks whoever keeps the connection to make another one.
///
/// # Errors
/// Those of what answers.
pub async fn watch<B: MessageBody>(request: ServiceRequest, next: Next<B>) -> Result<ServiceResponse<B>, Error> {
    let Some(app) = request.app_data::<Data<App>>().cloned() else { return next.call(request).await };
    let passing = app.traffic.passing();
    let mut response = next.call(request).await?;
    if app.stopping.is_cancelled() {
        response.response_mut().head_mut().set_connection_type(ConnectionType::Close);
    }
    drop(passing);
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn calm_is_when_nobody_asks() {
        let traffic = Traffic::default();
        let (connected, passing) = (traffic.connected(), traffic.passing());
        let waiting = tokio::spawn({
            let traffic = traffic.clone();
            async move { traffic.calm().await }
        });
        sleep(CALM * 2).await;
        assert!(!waiting.is_finished());
        drop(passing);
        waiting.await.unwrap();
        let begun = Instant::now();
        drop(connected);
        traffic.calm().await;
        assert!(begun.elapsed() < CALM, "nobody is there");
    }
}
