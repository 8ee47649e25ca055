//! Lists that only REST has. A page leads to the next one by its `Link` header; nothing is computed from page numbers,
//! because GitLab counts no long list.

use reqwest::header::LINK;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use url::Url;

use crate::transport::Answer;
use crate::{Client, Cursor, Error, Page, response};

/// Rows of one page, the most that GitLab gives.
pub const ROWS_PER_PAGE: u32 = 100;

/// A row as GitLab has it.
pub type Row = Map<String, Value>;

/// A list of the REST API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct List {
    /// Below `/api/v4/`, such as `projects/7/labels`.
    pub path: String,
    /// Which of it, and in which order.
    pub query: Vec<(&'static str, String)>,
}

impl List {
    /// A list with GitLab's own order, whole.
    #[must_use]
    pub const fn of(path: String) -> Self {
        Self { path, query: Vec::new() }
    }
}

impl Client {
    /// A page of a list: the first one, or the one that a cursor of an earlier page of the same list leads to.
    pub async fn list(&self, list: &List, after: Option<&Cursor>) -> Result<Page<Row>, Error> {
        let mut url = self.rest_url(&list.path);
        if let Some(cursor) = after {
            url.set_query(Some(cursor.as_str()));
        } else {
            url.query_pairs_mut()
                .append_pair("per_page", &ROWS_PER_PAGE.to_string())
                .extend_pairs(list.query.iter().map(|(name, value)| (*name, value.as_str())));
        }
        self.fetch(&list.path, &url, page).await
    }

    /// One object, such as `projects/7`.
    pub(crate) async fn one<T: DeserializeOwned>(&self, path: &str) -> Result<T, Error> {
        self.fetch(path, &self.rest_url(path), response::read_plain).await
    }

    async fn fetch<T>(&self, path: &str, url: &Url, read: impl Fn(&Answer) -> Result<T, Error>) -> Result<T, Error> {
        let (route, mut attempt) = (route(path), 1);
        loop {
            let turn = self.turn(&route).await?;
            let answer = self.get(&route, url.clone()).await.and_then(|answer| read(&answer));
            drop(turn);
            match answer {
                Ok(read) => return Ok(read),
                Err(error) => self.wait_to_try_again(path, &mut attempt, error).await?,
            }
        }
    }
}

/// A path without its numbers: what limits are about.
fn route(path: &str) -> String {
    let parts = path.split('/').map(|part| if part.bytes().all(|byte| byte.is_ascii_digit()) { ":id" } else { part });
    parts.collect::<Vec<_>>().join("/")
}

fn page(answer: &Answer) -> Result<Page<Row>, Error> {
    let rows: Vec<Value> = response::read_plain(answer)?;
    let mut page = Page {
        items: Vec::with_capacity(rows.len()),
        next: next(answer),
        total: header(answer, "x-total").and_then(|text| text.parse().ok()),
        skipped: Vec::new(),
    };
    for row in rows {
        match row {
            Value::Object(row) => page.items.push(row),
            other => page.skipped.push(format!("a row is no object: {other}")),
        }
    }
    Ok(page)
}

fn header<'a>(answer: &'a Answer, name: &str) -> Option<&'a str> {
    answer.headers.get(name)?.to_str().ok()
}

/// Of the address of the next page the query alone: where to ask is for us to say, and a token has no place in it.
fn next(answer: &Answer) -> Option<Cursor> {
    let links = answer.headers.get_all(LINK).iter().filter_map(|value| value.to_str().ok());
    let target = links.flat_map(|links| links.split(',')).find_map(|link| {
        let (target, parameters) = link.trim().strip_prefix('<')?.split_once('>')?;
        parameters.split(';').any(|parameter| parameter.trim().eq_ignore_ascii_case("rel=\"next\"")).then_some(target)
    })?;
    let url = answer.url.join(target).ok()?;
    let kept = url.query_pairs().filter(|(name, _)| !matches!(&**name, "private_token" | "access_token" | "job_token"));
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    Some(Cursor::new(query.extend_pairs(kept).finish()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::{
        StatusCode,
        header::{HeaderMap, HeaderValue},
    };

    fn answer(link: &'static str, body: &str) -> Answer {
        let mut headers = HeaderMap::new();
        headers.insert(LINK, HeaderValue::from_static(link));
        headers.insert("x-total", HeaderValue::from_static("3"));
        let url = "https://gitlab.example.com/api/v4/projects/7/labels".parse().unwrap();
        Answer { status: StatusCode::OK, headers, body: body.as_bytes().to_vec(), url }
    }

    #[test]
    fn the_link_header_leads_on() {
        let link = "<https://gitlab.example.com/api/v4/projects/7/labels?page=1&per_page=100>; rel=\"prev\", \
                    <https://gitlab.example.com/api/v4/projects/7/labels?cursor=a%2Bb&private_token=x&per_page=100>; rel=\"next\"";
        let page = page(&answer(link, r#"[{"id":1},7]"#)).unwrap();
        assert_eq!(page.next.unwrap().as_str(), "cursor=a%2Bb&per_page=100", "and no token in it");
        assert_eq!((page.items.len(), page.skipped.len(), page.total), (1, 1, Some(3)));
        let last = super::page(&answer("<https://gitlab.example.com/?page=1>; rel=\"first\"", "[]")).unwrap();
        assert_eq!(last.next, None);
    }

    #[test]
    fn a_route_has_no_numbers() {
        assert_eq!(route("projects/7/repository/branches"), "projects/:id/repository/branches");
    }

    #[test]
    fn what_is_no_list_is_an_error() {
        assert!(matches!(page(&answer("", r#"{"message":"hello"}"#)), Err(Error::Server { .. })));
        let forbidden = Answer { status: StatusCode::FORBIDDEN, ..answer("", "{}") };
        assert!(matches!(page(&forbidden), Err(Error::Forbidden)));
    }
}
