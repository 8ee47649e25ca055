//! The website dies in the middle and comes back.

use crate::{
    engine::{Fake, record},
    house::{House, Told, lease, order},
};
use trawl_jobs::Outcome;

#[tokio::test]
async fn what_was_not_acknowledged_reaches_the_next_website() {
    let (fake, _starts) = Fake::new();
    let mut house = House::new(fake).await;
    let lease = lease();
    house.start(order("ahead", lease)).await;
    let first = house.report().await;
    house.report().await;
    house.acknowledge(first.seq).await;
    // The third comes only once the acknowledgement has arrived, or was on its way before.
    house.report().await;
    house.report().await;
    house.restart_website().await;
    let told = house.until_finished(lease).await;
    assert_eq!(told.cursors, ["2", "3", "4"], "what was acknowledged does not come again");
    assert_eq!(told.records, [record(2), record(3), record(4)]);
    assert!(matches!(told.outcome, Some(Outcome::Completed { .. })));
    while !house.holdings().await.is_empty() {}
}

#[tokio::test]
async fn a_job_goes_on_while_the_website_is_away_and_is_held_until_its_end_is_known() {
    let (fake, _starts) = Fake::new();
    let mut house = House::new(fake).await;
    let lease = lease();
    house.start(order("wrong", lease)).await;
    house.report().await;
    house.restart_website().await;
    let again = house.report().await;
    assert_eq!(house.holdings().await, [lease]);
    house.acknowledge(again.seq).await;
    assert!(Told::default().take(again.report));
    while !house.holdings().await.is_empty() {}
}
