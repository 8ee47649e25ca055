use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use serde::Deserialize;

use crate::{Client, Error};

/// What GitLab tells about a personal, group or project access token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenFacts {
    /// When it ends; none: it does not, or that is not told.
    pub expires_at: Option<DateTime<Utc>>,
    /// What it may do.
    pub scopes: Vec<String>,
}

#[derive(Deserialize)]
struct Told {
    expires_at: Option<NaiveDate>,
    #[serde(default)]
    scopes: Vec<String>,
}

impl Client {
    /// What this client's own token is good for. An instance that does not know the route answers with
    /// [`Error::NotFound`].
    pub async fn token_facts(&self) -> Result<TokenFacts, Error> {
        let told: Told = self.one("personal_access_tokens/self").await?;
        // It ends as that day begins, in UTC.
        let expires_at = told.expires_at.map(|day| day.and_time(NaiveTime::MIN).and_utc());
        Ok(TokenFacts { expires_at, scopes: told.scopes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_its_beginning() {
        let told: Told = serde_json::from_str(r#"{"expires_at":"2027-01-31","scopes":["read_api"],"x":1}"#).unwrap();
        assert_eq!((told.expires_at, told.scopes), (NaiveDate::from_ymd_opt(2027, 1, 31), vec!["read_api".to_owned()]));
        assert_eq!(serde_json::from_str::<Told>(r#"{"expires_at":null}"#).unwrap().expires_at, None);
    }
}
