//! Units of work that share a commit.

use crate::world::World;
use trawl_store::{StoreError, users};

async fn one_that_fails_or_panics_leaves_its_neighbours_alone(world: &World) {
    let write = |name: &'static str, end: fn() -> Result<(), StoreError>| {
        world.db.write(move |conn| {
            users::create(conn, name, "hash", false)?;
            end()
        })
    };
    let (a, b, c, d) = tokio::join!(
        write("a", || Ok(())),
        write("b", || Err(StoreError::NotFound)),
        write("c", || panic!("on purpose")),
        write("d", || Ok(())),
    );
    assert!(a.is_ok() && d.is_ok());
    assert!(matches!(b, Err(StoreError::NotFound)), "{b:?}");
    assert!(matches!(c, Err(StoreError::Query(_))), "{c:?}");
    let names = ["a", "b", "c", "d"];
    let there =
        world.read(move |conn| names.into_iter().map(|name| Ok(users::by_name(conn, name)?.is_some())).collect());
    let there: Vec<bool> = there.await;
    assert_eq!(there, [true, false, false, true]);
    write("e", || Ok(())).await.unwrap();
}

async fn a_statement_that_fails_spoils_only_its_unit(world: &World) {
    let create = |name: &'static str| world.db.write(move |conn| users::create(conn, name, "hash", false));
    let (taken, free) = tokio::join!(create("ada"), create("bob"));
    assert!(taken.unwrap_err().is_duplicate());
    free.unwrap();
}

async fn what_a_unit_wrote_is_there_when_it_is_answered(world: &World) {
    for gitlab_id in 0..20 {
        let id = world.queued(gitlab_id).await;
        assert_eq!(world.get(id).await.id().unwrap(), id);
    }
}

crate::on_both!(
    one_that_fails_or_panics_leaves_its_neighbours_alone,
    a_statement_that_fails_spoils_only_its_unit,
    what_a_unit_wrote_is_there_when_it_is_answered,
);
