//! Submissions that come together are written together: what thirty people submit at once costs as much as one batch.

use crate::{
    events::Hub,
    manager::{Rules, dispatcher::Handle},
    submission::{self, Accepted, Wish},
};
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};
use trawl_jobs::UserId;
use trawl_store::{Conn, Db, StoreError, jobs};

/// How many requests may wait; more have to wait before they wait.
const QUEUE: usize = 1024;
/// No more requests are taken together once there are so many jobs in them.
const TOGETHER: usize = 1000;

/// The way to the one who writes them. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Intake(mpsc::Sender<Request>);

#[derive(Debug)]
struct Request {
    order: Order,
    answer: oneshot::Sender<Result<Vec<Accepted>, StoreError>>,
}

#[derive(Debug)]
struct Order {
    who: UserId,
    wishes: Vec<Wish>,
}

impl Intake {
    /// Begins to take them in; ends when the last handle is gone.
    #[must_use]
    pub fn start(db: Db, rules: Rules, hub: Hub, dispatcher: Handle) -> Self {
        let (sender, receiver) = mpsc::channel(QUEUE);
        tokio::spawn(take_in(receiver, Writing { db, rules }, hub, dispatcher));
        Self(sender)
    }

    /// Submits jobs that were checked: all of them, or where one cannot be written none.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] where an account or area is not the user's; or the database fails.
    pub async fn submit(&self, who: UserId, wishes: Vec<Wish>) -> Result<Vec<Accepted>, StoreError> {
        let (answer, answered) = oneshot::channel();
        let request = Request { order: Order { who, wishes }, answer };
        self.0.send(request).await.map_err(|_| StoreError::Closed)?;
        answered.await.map_err(|_| StoreError::Closed)?
    }
}

async fn take_in(mut requests: mpsc::Receiver<Request>, writing: Writing, hub: Hub, dispatcher: Handle) {
    while let Some(first) = requests.recv().await {
        let mut jobs = first.order.wishes.len();
        let (mut orders, mut answers) = (vec![first.order], vec![first.answer]);
        while jobs < TOGETHER
            && let Ok(next) = requests.try_recv()
        {
            jobs += next.order.wishes.len();
            orders.push(next.order);
            answers.push(next.answer);
        }
        let results = writing.write(orders.into()).await;
        if results.iter().flatten().flatten().any(|accepted| accepted.created) {
            dispatcher.wake();
            hub.jobs();
        }
        for (answer, result) in answers.into_iter().zip(results) {
            // Nobody may be waiting any more.
            answer.send(result).ok();
        }
    }
}

struct Writing {
    db: Db,
    rules: Rules,
}

type Results = Vec<Result<Vec<Accepted>, StoreError>>;

impl Writing {
    /// Together; and where the database does not take them like that, each by itself, so that nobody fails for another.
    async fn write(&self, orders: Arc<[Order]>) -> Results {
        let mut results = match self.some(&orders, 0..orders.len()).await {
            Ok(results) => return results,
            Err(error) if orders.len() == 1 => return vec![Err(error)],
            Err(_) => Vec::with_capacity(orders.len()),
        };
        for index in 0..orders.len() {
            match self.some(&orders, index..index + 1).await {
                Ok(result) => results.extend(result),
                Err(error) => results.push(Err(error)),
            }
        }
        results
    }

    async fn some(&self, orders: &Arc<[Order]>, which: std::ops::Range<usize>) -> Result<Results, StoreError> {
        let (rules, orders) = (self.rules, Arc::clone(orders));
        self.db.write(move |conn| write_all(conn, &rules, &orders[which])).await
    }
}

fn write_all(conn: &mut Conn<'_>, rules: &Rules, orders: &[Order]) -> Result<Results, StoreError> {
    let mut new = Vec::new();
    let mut asked = Vec::with_capacity(orders.len());
    for Order { who, wishes } in orders {
        let before = new.len();
        let resolved: Result<Vec<_>, _> =
            wishes.iter().map(|wish| submission::new_job(conn, rules, *who, wish)).collect();
        asked.push(match resolved {
            Ok(jobs) => {
                new.extend(jobs);
                Ok(before..new.len())
            }
            Err(StoreError::NotFound) => Err(StoreError::NotFound),
            Err(other) => return Err(other),
        });
    }
    let submitted = jobs::submit_all(conn, &new)?;
    asked
        .into_iter()
        .map(|range| match range {
            Ok(range) => {
                let accepted = submitted[range].iter().map(|one| submission::accepted(conn, *one));
                accepted.collect::<Result<Vec<_>, _>>().map(Ok)
            }
            Err(refused) => Ok(Err(refused)),
        })
        .collect()
}
