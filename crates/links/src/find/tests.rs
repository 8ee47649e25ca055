use super::*;
use proptest::prelude::*;

const LIMITS: Limits = Limits { max_links: 100, max_ids: 100, max_url_bytes: 200 };

fn page(html: &str) -> PageLinks {
    find(html.as_bytes(), None, &"http://example.com/dir/page".parse().unwrap(), LIMITS)
}

/// `element target "text"` of each link.
fn lines(html: &str) -> Vec<String> {
    let line = |found: &Found| {
        let target = found.target.as_ref().map_or_else(|rejected| format!("!{}", rejected.href), Link::to_string);
        let text = if found.text.is_empty() { String::new() } else { format!(" {:?}", found.text) };
        format!("{} {target}{text}", found.element)
    };
    page(html).links.iter().map(line).collect()
}

#[test]
fn every_kind_of_link() {
    let html = r#"<!doctype html><title><a href="in-title"></title>
        <link rel=stylesheet href=style.css><link rel="dns-prefetch" href="//x.example"><link rel=preconnect href=y>
        <a href="a?x=1&amp;y=2">some <b>bold</b>
          text</a> <a>no</a> <a href=pic><img src=i.png alt="an image"></a>
        <area href=area alt=region> <img srcset="s1.png 1x, s2.png 2x">
        <script src=code.js>"<a href=in-script>"</script> <iframe src=frame title=inner></iframe>
        <video src=v.mp4 poster=p.jpg><source src=v.webm><track src=t.vtt></video><audio src=a.ogg></audio>
        <object data=o.pdf></object><form action=no><input src=no></form><!-- <a href=in-comment> -->
        <svg><a xlink:href=vector>v</a></svg><a href="mailto:a@b.c">mail</a><img src="">"#;
    assert_eq!(
        lines(html),
        [
            "link http://example.com/dir/style.css \"stylesheet\"",
            "a http://example.com/dir/a?x=1&y=2 \"some bold text\"",
            "a http://example.com/dir/pic \"an image\"",
            "img http://example.com/dir/i.png \"an image\"",
            "area http://example.com/dir/area \"region\"",
            "img http://example.com/dir/s1.png",
            "img http://example.com/dir/s2.png",
            "script http://example.com/dir/code.js",
            "iframe http://example.com/dir/frame \"inner\"",
            "video http://example.com/dir/v.mp4",
            "video http://example.com/dir/p.jpg",
            "source http://example.com/dir/v.webm",
            "track http://example.com/dir/t.vtt",
            "audio http://example.com/dir/a.ogg",
            "embed http://example.com/dir/o.pdf",
            "a http://example.com/dir/vector \"v\"",
            "a !mailto:a@b.c \"mail\"",
        ]
    );
}

#[test]
fn the_first_base_counts_wherever_it_stands() {
    let html = "<a href=x>1</a><base href=/other/><base href=/never/><a href=y>2</a><a href=#f>3</a>";
    assert_eq!(
        lines(html),
        [
            "a http://example.com/other/x \"1\"",
            "a http://example.com/other/y \"2\"",
            "a http://example.com/other/#f \"3\""
        ]
    );
    assert_eq!(lines("<base href='data:,x'><a href=x>"), ["a http://example.com/dir/x"]);
}

#[test]
fn ids_and_names() {
    let anchors = page("<p id=one><a name='two ä'></a><a id=three href=x></a><input name=no><p id=''>").anchors;
    for there in ["one", "two%20%C3%A4", "three"] {
        assert!(!anchors.lack(there), "{there}");
    }
    assert!(anchors.lack("no") && anchors.lack("four"));
}

#[test]
fn nofollow_of_a_link_and_of_a_page() {
    let found = page("<a rel='noopener NoFollow' href=x></a><a rel=noopener href=y></a>");
    assert_eq!(found.links.iter().map(|link| link.nofollow).collect::<Vec<_>>(), [true, false]);
    assert!(!found.nofollow);
    assert!(page("<meta name=Robots content='noindex, NOFOLLOW'>").nofollow);
    assert!(page("<meta content=none name=robots>").nofollow);
    assert!(!page("<meta name=description content=nofollow>").nofollow);
}

#[test]
fn bounds_cut_and_say_so() {
    let html = "<a href=x id=i>text</a>".repeat(101);
    let found = page(&html);
    assert_eq!((found.links.len(), found.cut), (100, Cut { links: true, ids: true, bytes: false }));
    assert!(!found.anchors.lack("anything"), "nobody knows");
    let long = page(&format!("<a href='{}'>{}</a>", "x".repeat(500), "y ".repeat(500)));
    assert!(
        matches!(&long.links[0].target, Err(rejected) if rejected.reason == crate::Unfit::TooLong { limit_bytes: 200 })
    );
    assert!(long.links[0].text.len() <= 120);
}

#[test]
fn the_declared_charset_is_used() {
    let url = "http://example.com/".parse().unwrap();
    let found = find(b"<a href=/x id=\xe4>\xe4</a>", Some("iso-8859-1"), &url, LIMITS);
    assert_eq!(found.links[0].text, "ä");
    assert!(!found.anchors.lack("%C3%A4"));
}

proptest! {
    #[test]
    fn any_bytes_stay_within_the_bounds(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let found = find(&bytes, None, &"http://example.com/".parse().unwrap(), LIMITS);
        prop_assert!(found.links.len() <= 100);
    }

    #[test]
    fn any_soup_stays_within_the_bounds(html in "(<(a|img|base|meta|link|/a|p)( (href|src|id|rel|srcset|name)(=|=\"|=')?[a-z#:/?%& ,]{0,9}['\"]?){0,4}>?[a-z ]{0,9}){0,60}") {
        let found = page(&html);
        prop_assert!(found.links.len() <= 100);
        for link in found.links {
            prop_assert!(link.text.len() <= 120);
            prop_assert!(link.target.map_or(0, |link| link.as_str().len()) <= 200);
        }
    }
}
