//! Items of jobs.

use crate::world::World;
use trawl_jobs::{Item, ItemState};
use trawl_store::items::{self, ItemFilter};

fn link(name: &str, state: ItemState, verdict: Option<&str>) -> Item {
    Item { verdict: verdict.map(str::to_owned), ..Item::new(name, state) }
}

async fn an_item_is_replaced_by_its_name(world: &World) {
    let id = world.queued(1).await;
    let pending = Item { detail: Some("{}".to_owned()), ..link("a", ItemState::Pending, None) };
    let first = [pending, link("b", ItemState::Done, Some("alive"))];
    world.write(move |conn| items::put(conn, id, &first)).await;
    let dead = Item { note: Some("404 Not Found\0".to_owned()), ..link("a", ItemState::Failed, Some("dead")) };
    world.write(move |conn| items::put(conn, id, &[dead, link("c", ItemState::Done, Some("alive"))])).await;
    let all = world.read(move |conn| items::list(conn, id, &ItemFilter::default(), 10)).await;
    let names: Vec<_> = all.iter().map(|item| item.name.as_str()).collect();
    assert_eq!(names, ["a", "b", "c"]);
    assert_eq!((all[0].state(), all[0].note.as_deref()), (ItemState::Failed, Some("404 Not Found\u{fffd}")));
    assert_eq!(all[0].detail.as_deref(), Some("{}"), "what is not said again stays");
    let counts = world.read(move |conn| items::count(conn, id)).await;
    let alive = Some("alive".to_owned());
    assert_eq!(counts, [(ItemState::Done, alive.clone(), 2), (ItemState::Failed, Some("dead".to_owned()), 1)]);
    let filter = ItemFilter { verdict: alive, after: Some("b".to_owned()), ..ItemFilter::default() };
    let page = world.read(move |conn| items::list(conn, id, &filter, 10)).await;
    assert_eq!(page.iter().map(|item| item.name.as_str()).collect::<Vec<_>>(), ["c"]);
}

async fn the_longest_names_stay_apart(world: &World) {
    let id = world.queued(1).await;
    // Nothing that compresses, as long as an address may be.
    let step =
        |state: &u64| Some(state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407));
    let long: String = std::iter::successors(Some(1_u64), step)
        .take(512)
        .flat_map(u64::to_be_bytes)
        .map(|byte| char::from(b'a' + byte % 26))
        .collect();
    assert!(long.len() > 4000);
    let (one, two) = (format!("{long}1"), format!("{long}2"));
    let named = move |name: String| link(&name, ItemState::Done, Some("alive"));
    world.write(move |conn| items::put(conn, id, &[named(one.clone()), named(two), named(one)])).await;
    let all = world.read(move |conn| items::list(conn, id, &ItemFilter::default(), 10)).await;
    assert_eq!(all.len(), 2);
}

crate::on_both!(an_item_is_replaced_by_its_name, the_longest_names_stay_apart);
