//! Nobody is in the mirror who must not be.

use crate::harness::{Site, System, assert_lists, assert_sound, forge};
use trawl_gitlab_sim::MARIA_TOKEN;

#[tokio::test(flavor = "multi_thread")]
async fn people_are_pseudonyms_where_that_is_wished() {
    let site = Site::new(System::new().with("TRAWL_PRIVACY__PSEUDONYMIZE", "true"), forge(0.05)).await;
    site.link(MARIA_TOKEN).await;
    let database = site.crawled().await;
    assert_lists(&database, &site.forge);
    assert_sound(&database);
    let open = "SELECT kind || ' ' || author AS v FROM resources \
                WHERE author NOT LIKE 'user-%' AND author NOT LIKE 'Person %'";
    assert_eq!(database.texts(open), [""; 0]);
    let named = "SELECT kind || ' ' || payload AS v FROM resources \
                 WHERE payload LIKE '%\"maria\"%' OR payload LIKE '%\"María %' OR payload LIKE '%@example%' LIMIT 3";
    assert_eq!(database.texts(named), [""; 0]);
    let authors = "SELECT count(DISTINCT author) AS v FROM resources WHERE kind = 'issue'";
    assert!(database.number(authors) > 3, "they can still be told apart");
    let commits = "SELECT count(*) AS v FROM commits WHERE author_email LIKE '%@pseudonym.invalid'";
    let all = "SELECT count(*) AS v FROM commits";
    assert!(database.number(commits) == database.number(all) && database.number(all) > 0);
}
