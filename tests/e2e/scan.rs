//! A person asks whether the links of a page are alive.

use crate::harness::{Client, Running, System, eventually};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::TcpListener,
};

/// A few pages on this machine: `/` leads to three of them, of which one leads to another; `/gone` is not there.
async fn pages() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (read, mut write) = stream.split();
                let mut lines = BufReader::new(read).lines();
                let request = lines.next_line().await.ok().flatten().unwrap_or_default();
                while lines.next_line().await.ok().flatten().is_some_and(|line| !line.is_empty()) {}
                let (status, body) = match request.split(' ').nth(1).unwrap_or_default() {
                    "/" => (
                        "200 OK",
                        "<link rel=next href=/guide> <a href=/guide>guide</a> <a href=/gone>gone</a> <a href=/door>door</a> <a href=mailto:a@b.example>write</a>",
                    ),
                    "/guide" => (
                        "200 OK",
                        "<h1 id=top>Guide</h1> <a href=/>home</a> <a href=/lost>lost</a> <script>alert(1)</script>",
                    ),
                    "/door" => ("401 Unauthorized", ""),
                    _ => ("404 Not Found", ""),
                };
                let length = body.len();
                let head = format!(
                    "HTTP/1.1 {status}\r\ncontent-type: text/html\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
                );
                let body = if request.starts_with("HEAD") { "" } else { body };
                write.write_all(format!("{head}{body}").as_bytes()).await.ok();
            });
        }
    });
    format!("http://{address}/")
}

async fn ended(client: &Client, id: &str) -> Value {
    eventually("the scan ends", async || {
        let job = client.get(&format!("/api/jobs/{id}")).await.json();
        (!job["finished_at"].is_null()).then_some(job)
    })
    .await
}

async fn start(system: &System) -> (Running, Client) {
    let supervisor = system.supervise(&[]);
    let client = system.set_up().await;
    (supervisor, client)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_distinct_link_is_judged_once() {
    let system = System::new().with("TRAWL_LINKS__ALLOW_NETWORKS", r#"["127.0.0.0/8"]"#);
    let (_supervisor, client) = start(&system).await;
    let url = pages().await;
    let one = client.post("/api/jobs", &json!({ "url": url })).await;
    assert_eq!(one.status, 201, "{one:?}");
    let job = ended(&client, one.json()["id"].as_str().unwrap()).await;
    let result = json!({ "pages": 1, "links": 5, "alive": 2, "dead": 1, "errors": 0, "protected": 1, "skipped": 1,
        "redirected": 0 });
    assert_eq!((&job["status"], &job["result"]), (&json!("completed"), &result), "{job}");

    let payload = json!({ "url": url, "depth": 3, "fragments": true });
    let deep = client.post("/api/jobs", &json!({ "kind": "link_scan", "payload": payload })).await.json();
    let id = deep["id"].as_str().unwrap();
    let job = ended(&client, id).await;
    assert_eq!((&job["result"]["pages"], &job["result"]["dead"]), (&json!(2), &json!(2)), "{job}");
    let dead = client.get(&format!("/api/jobs/{id}/items?verdict=dead")).await.json();
    let names: Vec<&str> = dead.as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap()).collect();
    assert_eq!(names, [format!("{url}gone"), format!("{url}lost")]);
    assert!(dead[1]["note"].as_str().unwrap().contains("404"), "{dead}");
    assert_eq!(dead[1]["detail"]["page"], format!("{url}guide"));
    let page = client.get(&format!("/jobs/{id}?verdict=dead&item=failed")).await;
    assert!(page.status == 200 && page.text.contains(&format!("{url}lost")), "{page:?}");

    let csrf = page.text.split_once("name=\"csrf\" value=\"").unwrap().1.split('"').next().unwrap();
    let by_form = client.form("/jobs", &[("csrf", csrf), ("url", &url), ("follow", "1")]).await;
    assert_eq!(by_form.status, 303, "{by_form:?}");
    let refused = client.form("/jobs", &[("csrf", csrf), ("url", "ftp://example.com")]).await;
    assert!(refused.status == 422 && refused.text.contains("http://"), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_looks_into_our_network_by_asking_for_a_scan() {
    let system = System::new();
    let (_supervisor, client) = start(&system).await;
    for url in [pages().await, "http://[::ffff:169.254.169.254]/".to_owned(), "http://0x7f.1/".to_owned()] {
        let answer = client.post("/api/jobs", &json!({ "url": url })).await.json();
        let job = ended(&client, answer["id"].as_str().unwrap()).await;
        let error = job["error"].as_str().unwrap();
        assert!(job["status"] == "failed" && error.contains("links.allow_networks"), "{job}");
    }
}
