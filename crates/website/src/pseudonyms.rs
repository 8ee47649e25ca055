//! Pseudonyms in the place of people, for who must not know them: the same person has the same one everywhere, and only
//! whoever has the key can tell who that is by trying a name.
//!
//! Whole values are replaced: names, usernames and e-mail addresses. What people write in texts stays as it is, and so do
//! GitLab's numbers.

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Map, Value};
use sha2::Sha256;
use std::{borrow::Cow, fmt};
use trawl_jobs::{Record, RecordKind};

/// The key of the pseudonyms.
#[derive(Clone, Copy)]
pub struct Pseudonyms([u8; 32]);

/// It is a secret.
impl fmt::Debug for Pseudonyms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pseudonyms")
    }
}

/// What a value is.
#[derive(Debug, Clone, Copy)]
enum Sort {
    Username,
    Name,
    Email,
}

impl Pseudonyms {
    /// With a key that follows from another one.
    #[must_use]
    pub fn from_key(key: &[u8; 32]) -> Self {
        Self(mac(key, b"pseudonyms"))
    }

    /// A record without people in it.
    #[must_use]
    pub fn veil(&self, record: &Record) -> Record {
        let mut veiled = record.clone();
        // Git knows names, GitLab knows usernames.
        let author = match record.kind {
            RecordKind::Commit | RecordKind::Branch | RecordKind::Tag => Sort::Name,
            _ => Sort::Username,
        };
        veiled.author = record.author.as_deref().map(|text| self.pseudonym(author, text));
        if record.kind == RecordKind::Member {
            veiled.title = self.pseudonym(Sort::Name, &record.title);
            veiled.web_url = None;
        }
        match serde_json::from_str(&record.payload) {
            Ok(mut payload) => {
                self.walk(&mut payload);
                veiled.payload = payload.to_string();
            }
            // It was JSON when it was sent; what is not cannot be searched for people.
            Err(_) => "{}".clone_into(&mut veiled.payload),
        }
        veiled
    }

    fn walk(&self, value: &mut Value) {
        match value {
            Value::Array(values) => values.iter_mut().for_each(|value| self.walk(value)),
            Value::Object(object) => self.walk_object(object),
            _ => {}
        }
    }

    fn walk_object(&self, object: &mut Map<String, Value>) {
        let is_person = object.get("username").is_some_and(Value::is_string);
        if is_person {
            // Both lead to the person.
            object.remove("avatar_url");
            object.remove("web_url");
        }
        for (key, value) in object.iter_mut() {
            match (sort(key, is_person), &mut *value) {
                (Some(sort), Value::String(text)) if !text.is_empty() => *text = self.pseudonym(sort, text),
                _ => self.walk(value),
            }
        }
    }

    fn pseudonym(&self, sort: Sort, text: &str) -> String {
        use std::fmt::Write as _;
        // Addresses are the same in capitals, and so are usernames.
        let (label, text) = match sort {
            Sort::Username => ("username:", Cow::from(text.to_lowercase())),
            Sort::Name => ("name:", text.into()),
            Sort::Email => ("email:", Cow::from(text.to_lowercase())),
        };
        let mac = mac(&self.0, format!("{label}{text}").as_bytes());
        let digits = mac[..8].iter().fold(String::new(), |mut digits, byte| {
            // Writing to a string cannot fail.
            let _ = write!(digits, "{byte:02x}");
            digits
        });
        match sort {
            Sort::Username => format!("user-{digits}"),
            Sort::Name => format!("Person {digits}"),
            Sort::Email => format!("{digits}@pseudonym.invalid"),
        }
    }
}

/// What is under a key.
fn sort(key: &str, in_person: bool) -> Option<Sort> {
    match key {
        "username" => Some(Sort::Username),
        "name" if in_person => Some(Sort::Name),
        "author_name" | "committer_name" => Some(Sort::Name),
        _ if key == "email" || key.ends_with("_email") => Some(Sort::Email),
        _ => None,
    }
}

fn mac(key: &[u8; 32], text: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(text);
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn record(kind: RecordKind, payload: &Value) -> Record {
        Record {
            kind,
            gitlab_id: 7,
            iid: None,
            parent: None,
            title: "María Fernández".to_owned(),
            state: None,
            author: Some("maria".to_owned()),
            created_at: None,
            updated_at: None,
            closed_at: None,
            merged_at: None,
            web_url: Some("https://gitlab.example.com/maria".to_owned()),
            confidential: false,
            payload: payload.to_string(),
        }
    }

    #[test]
    fn nobody_is_left_and_everybody_is_the_same_everywhere() {
        let pseudonyms = Pseudonyms::from_key(&[1; 32]);
        let person = json!({ "id": 3, "username": "maria", "name": "María Fernández", "web_url": "https://x/maria",
                             "avatar_url": "https://x/m.png", "public_email": "maria@example.com" });
        let issue = json!({ "author": person, "assignees": [person], "labels": [{ "name": "bug" }],
                            "milestone": { "title": "1.0", "web_url": "https://x/1" } });
        let veiled = pseudonyms.veil(&record(RecordKind::Issue, &issue));
        let payload: Value = serde_json::from_str(&veiled.payload).unwrap();
        assert!(!veiled.payload.contains("aria"), "{}", veiled.payload);
        assert_eq!(payload["author"], payload["assignees"][0]);
        assert_eq!(payload["author"]["username"].as_str(), veiled.author.as_deref());
        assert_eq!((&payload["author"]["id"], &payload["labels"][0]["name"]), (&json!(3), &json!("bug")));
        assert_eq!(payload["milestone"]["web_url"], "https://x/1", "only people are hidden");

        let commit = json!({ "id": "abc", "author_name": "María Fernández", "author_email": "Maria@example.com",
                             "committer_email": "maria@example.com" });
        let commit = pseudonyms
            .veil(&Record { author: Some("María Fernández".to_owned()), ..record(RecordKind::Commit, &commit) });
        let payload: Value = serde_json::from_str(&commit.payload).unwrap();
        assert_eq!(payload["author_email"], payload["committer_email"]);
        assert_eq!(payload["author_name"].as_str(), commit.author.as_deref());

        let member = pseudonyms.veil(&record(RecordKind::Member, &person));
        assert_eq!((member.title.as_str(), member.web_url), (commit.author.as_deref().unwrap(), None));
        let other = Pseudonyms::from_key(&[2; 32]).veil(&record(RecordKind::Issue, &issue));
        assert_ne!(other.author, veiled.author, "another key, another pseudonym");
    }
}
