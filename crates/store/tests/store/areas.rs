//! Groups and projects, and who may see them.

use crate::world::{World, link, project};
use trawl_jobs::{AreaKind, FoundArea, UserId};
use trawl_store::{
    StoreError,
    accounts::{self, AccountState},
    areas, now, users,
};

async fn a_new_path_keeps_the_identity(world: &World) {
    let id = world.area(1).await;
    let (instance, account) = (world.instance, world.account);
    let moved = FoundArea { full_path: "elsewhere/p".to_owned(), archived: true, ..project(1, Some(40)) };
    let group = FoundArea { kind: AreaKind::Group, ..project(1, None) };
    let (again, group) = world
        .write(move |conn| {
            Ok((
                areas::discovered(conn, instance, account, &moved)?,
                areas::discovered(conn, instance, account, &group)?,
            ))
        })
        .await;
    assert_eq!(again, id);
    assert_ne!(group, id, "a group and a project may have the same number");
    let area = world.read(move |conn| areas::get(conn, id)).await.unwrap();
    assert_eq!((area.full_path.as_str(), area.archived, area.kind()), ("elsewhere/p", true, AreaKind::Project));
    assert_eq!(world.read(move |conn| accounts::reach(conn, account)).await, (1, 1));
}

/// Numbers and access levels of what a user sees.
async fn seen(world: &World, user: UserId) -> Vec<(i64, Option<i32>)> {
    let visible = world.read(move |conn| areas::visible(conn, user)).await;
    for area in &visible {
        let id = area.area.id();
        let one = world.read(move |conn| areas::visible_one(conn, user, id)).await;
        assert_eq!(one.as_ref(), Some(area), "one by one it is the same");
    }
    visible.iter().map(|area| (area.area.gitlab_id, area.access_level)).collect()
}

async fn people_see_what_any_of_their_accounts_sees(world: &World) {
    let (user, instance, first) = (world.user, world.instance, world.account);
    let (second, stranger, hidden) = world
        .write(move |conn| {
            let second = link(conn, user, instance, 2)?;
            let stranger = users::create(conn, "eve", "hash", false)?;
            let theirs = link(conn, stranger, instance, 3)?;
            for (account, gitlab_id, level) in [
                (first, 1, Some(10)),
                (second, 1, Some(40)),
                (first, 2, None),
                (second, 2, Some(20)),
                (second, 3, None),
            ] {
                areas::discovered(conn, instance, account, &project(gitlab_id, level))?;
            }
            Ok((second, stranger, areas::discovered(conn, instance, theirs, &project(4, Some(50)))?))
        })
        .await;
    assert_eq!(seen(world, user).await, [(1, Some(40)), (2, Some(20)), (3, None)]);
    assert_eq!(seen(world, stranger).await, [(4, Some(50))]);
    assert_eq!(seen(world, UserId(999)).await, []);
    assert_eq!(world.read(move |conn| areas::visible_one(conn, user, hidden)).await, None);
    let visible = world.read(move |conn| areas::visible(conn, user)).await;
    assert_eq!(visible.iter().map(areas::VisibleArea::may_read_confidential).collect::<Vec<_>>(), [true, true, false]);

    let theft = world.db.write(move |conn| accounts::unlink(conn, stranger, second)).await;
    assert!(matches!(theft, Err(StoreError::NotFound)), "{theft:?}");
    world.write(move |conn| accounts::unlink(conn, user, second)).await;
    assert_eq!(seen(world, user).await, [(1, Some(10)), (2, None)]);
}

async fn what_a_pass_has_not_seen_is_out_of_reach(world: &World) {
    let (user, account) = (world.user, world.account);
    world.area(1).await;
    world.area(2).await;
    let began = now();
    world.area(2).await;
    world.area(3).await;
    world.write(move |conn| accounts::scope_checked(conn, account, began)).await;
    assert_eq!(seen(world, user).await, [(2, Some(30)), (3, Some(30))]);
    let account = world.read(move |conn| accounts::get(conn, account)).await.unwrap();
    assert!(account.scope_checked_at().is_some_and(|at| at >= began));
}

async fn a_refused_account_refreshes_nothing(world: &World) {
    let (id, account) = (world.area(1).await, world.account);
    let due = || world.read(|conn| Ok((areas::refreshable(conn)?, accounts::scope_due(conn, now())?)));
    let (areas, accounts) = due().await;
    assert_eq!((areas.len(), accounts.len()), (1, 1));
    assert_eq!(areas[0].id(), id);
    world.write(move |conn| accounts::set_state(conn, account, AccountState::Refused)).await;
    let news = world.write(move |conn| accounts::set_state(conn, account, AccountState::Refused)).await;
    assert!(!news, "it was known");
    let (areas, accounts) = due().await;
    assert_eq!((areas.len(), accounts.len()), (0, 0));
}

crate::on_both!(
    a_new_path_keeps_the_identity,
    people_see_what_any_of_their_accounts_sees,
    what_a_pass_has_not_seen_is_out_of_reach,
    a_refused_account_refreshes_nothing,
);
