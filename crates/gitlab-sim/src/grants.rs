//! What signing in by OAuth has given: codes, access tokens and refresh tokens, as GitLab keeps them. A refresh ends both
//! old tokens, and a refresh token that comes a second time ends everything that came of that sign-in.

use std::{
    collections::{BTreeSet, HashMap},
    time::{Duration, Instant},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

/// How long a code is good for.
const CODE_LIFETIME: Duration = Duration::from_mins(10);

/// How often what happened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Grants {
    /// Codes that were turned into tokens.
    pub signed_in: u64,
    /// Tokens that were renewed.
    pub renewed: u64,
    /// Refresh tokens that came a second time.
    pub reused: u64,
    /// Tokens that were given back.
    pub revoked: u64,
}

#[derive(Default)]
pub(crate) struct GrantBook {
    codes: HashMap<String, Code>,
    access: HashMap<String, Access>,
    refresh: HashMap<String, Refresh>,
    /// Sign-ins of which nothing is good any more.
    ended: BTreeSet<u64>,
    sign_ins: u64,
    figures: Grants,
}

struct Code {
    username: String,
    challenge: String,
    redirect_uri: String,
    until: Instant,
}

struct Access {
    username: String,
    sign_in: u64,
    until: Instant,
}

struct Refresh {
    username: String,
    sign_in: u64,
    access: String,
    spent: bool,
}

pub(crate) struct Tokens {
    pub(crate) access: String,
    pub(crate) refresh: String,
}

impl GrantBook {
    /// A code for somebody who has agreed.
    pub(crate) fn agree(&mut self, username: &str, challenge: &str, redirect_uri: &str) -> String {
        let code = random("");
        let (username, challenge) = (username.to_owned(), challenge.to_owned());
        let until = Instant::now() + CODE_LIFETIME;
        self.codes.insert(code.clone(), Code { username, challenge, redirect_uri: redirect_uri.to_owned(), until });
        code
    }

    /// Tokens for a code, once.
    pub(crate) fn exchange(&mut self, code: &str, verifier: &str, uri: &str, lifetime: Duration) -> Option<Tokens> {
        let code = self.codes.remove(code)?;
        let proof = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()));
        if code.until < Instant::now() || code.challenge != proof || code.redirect_uri != uri {
            return None;
        }
        self.figures.signed_in += 1;
        self.sign_ins += 1;
        Some(self.give(code.username, self.sign_ins, lifetime))
    }

    /// New tokens for a refresh token; the old ones are void.
    pub(crate) fn renew(&mut self, refresh: &str, lifetime: Duration) -> Option<Tokens> {
        let old = self.refresh.get_mut(refresh)?;
        let (username, sign_in) = (old.username.clone(), old.sign_in);
        if std::mem::replace(&mut old.spent, true) {
            self.figures.reused += 1;
            self.ended.insert(sign_in);
            return None;
        }
        self.access.remove(&old.access);
        if self.ended.contains(&sign_in) {
            return None;
        }
        self.figures.renewed += 1;
        Some(self.give(username, sign_in, lifetime))
    }

    fn give(&mut self, username: String, sign_in: u64, lifetime: Duration) -> Tokens {
        let (access, refresh) = (random("gloas-"), random(""));
        let until = Instant::now() + lifetime;
        self.access.insert(access.clone(), Access { username: username.clone(), sign_in, until });
        self.refresh.insert(refresh.clone(), Refresh { username, sign_in, access: access.clone(), spent: false });
        Tokens { access, refresh }
    }

    /// Whose token this is, if it is a good one.
    pub(crate) fn owner(&self, access: &str) -> Option<&str> {
        let token = self.access.get(access)?;
        (token.until > Instant::now() && !self.ended.contains(&token.sign_in)).then_some(token.username.as_str())
    }

    /// Ends the sign-in that an access or refresh token came of.
    pub(crate) fn revoke(&mut self, token: &str) {
        let of_access = self.access.get(token).map(|access| access.sign_in);
        if let Some(sign_in) = of_access.or_else(|| self.refresh.get(token).map(|refresh| refresh.sign_in)) {
            self.figures.revoked += 1;
            self.ended.insert(sign_in);
        }
    }

    /// Ends the access tokens of everybody, as if their time had come.
    pub(crate) fn expire(&mut self) {
        self.access.clear();
    }

    /// Ends all sign-ins.
    pub(crate) fn end_all(&mut self) {
        self.ended.extend(1..=self.sign_ins);
    }

    pub(crate) fn figures(&self) -> Grants {
        self.figures
    }
}

fn random(prefix: &str) -> String {
    format!("{prefix}{}", URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_hours(1);

    #[test]
    fn a_refresh_ends_both_old_tokens_and_a_second_one_everything() {
        let mut book = GrantBook::default();
        let verifier = "0123456789012345678901234567890123456789012";
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()));
        let code = book.agree("maria", &challenge, "http://a/cb");
        assert!(book.exchange("another", verifier, "http://a/cb", HOUR).is_none());
        let first = book.exchange(&code, verifier, "http://a/cb", HOUR).unwrap();
        assert!(book.exchange(&code, verifier, "http://a/cb", HOUR).is_none(), "a code serves once");
        assert_eq!(book.owner(&first.access), Some("maria"));
        let second = book.renew(&first.refresh, HOUR).unwrap();
        assert_eq!((book.owner(&first.access), book.owner(&second.access)), (None, Some("maria")));
        assert!(book.renew(&first.refresh, HOUR).is_none());
        assert_eq!(book.owner(&second.access), None, "locked out");
        assert!(book.renew(&second.refresh, HOUR).is_none());
        assert_eq!(book.figures(), Grants { signed_in: 1, renewed: 1, reused: 1, revoked: 0 });
        let wrong = book.agree("tom", &challenge, "http://a/cb");
        assert!(book.exchange(&wrong, "something else", "http://a/cb", HOUR).is_none(), "PKCE");
    }
}
