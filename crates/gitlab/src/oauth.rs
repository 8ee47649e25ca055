//! Signing in at an instance by OAuth 2 (RFC 6749) with PKCE (RFC 7636), and renewing what that gave.
//!
//! A refresh ends both the access token and the refresh token that it is made with, whether its answer arrives or not. So
//! nothing here is ever tried again by itself.

use crate::{Error, Options, response, transport};
use oauth2::{
    AsyncHttpClient, AuthType, AuthUrl, AuthorizationCode, ClientId, ClientSecret, CsrfToken, EndpointNotSet,
    EndpointSet, HttpRequest, HttpResponse, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, RefreshToken,
    RequestTokenError, Scope, TokenResponse as _, TokenUrl,
    basic::{BasicClient, BasicErrorResponse, BasicErrorResponseType, BasicTokenResponse},
};
use reqwest::redirect::Policy;
use secrecy::{ExposeSecret as _, SecretString};
use std::{fmt, pin::Pin, time::Duration};
use url::Url;

/// What Trawl asks to be allowed: to read what its user may read, and nothing else.
pub const SCOPE: &str = "read_api";
/// Largest answer that is read. Bytes.
const ANSWER_LIMIT: usize = 64 * 1024;

/// Trawl as an application that an instance knows.
#[derive(Debug, Clone)]
pub struct Application {
    /// Address of the instance, with its path if it lives under one.
    pub base_url: Url,
    /// GitLab's name for it: "Application ID".
    pub client_id: String,
    /// Its secret; none for one that is not confidential, which PKCE alone protects.
    pub client_secret: Option<SecretString>,
    /// Where GitLab sends people back to: the address that is registered there.
    pub redirect_uri: Url,
}

/// Somebody on the way to sign in.
pub struct Departure {
    /// Where to send the browser.
    pub url: Url,
    /// What it brings back.
    pub state: String,
    /// What proves that whoever comes back is who went. It stays with us.
    pub verifier: SecretString,
}

/// What a sign-in or a renewal gives.
pub struct Grant {
    /// The access token.
    pub access: SecretString,
    /// What renews it.
    pub refresh: Option<SecretString>,
    /// How long it is good for, from now.
    pub expires_in: Option<Duration>,
    /// What it may do, where GitLab says so.
    pub scopes: Vec<String>,
}

/// Why there is no grant. Each message completes "failed to …" and holds no secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OauthError {
    /// The code or the refresh token is not good any more: somebody has to sign in again.
    #[error("get a token: GitLab does not accept the sign-in any more")]
    Denied,
    /// The instance does not know the application, or not with this secret or address.
    #[error("get a token: GitLab does not accept the application ({0})")]
    Application(String),
    /// The instance cannot be asked now, or answers with something else.
    #[error(transparent)]
    Instance(#[from] Error),
}

type Client = BasicClient<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointSet>;

impl Application {
    /// Prepares a sign-in.
    #[must_use]
    pub fn depart(&self) -> Departure {
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let (url, state) = self
            .client()
            .authorize_url(CsrfToken::new_random)
            .add_scope(Scope::new(SCOPE.to_owned()))
            .set_pkce_challenge(challenge)
            .url();
        Departure { url, state: state.into_secret(), verifier: verifier.into_secret().into() }
    }

    /// Turns the code that a browser brought back into tokens. A code serves once.
    pub async fn exchange(&self, code: &str, verifier: &SecretString, options: &Options) -> Result<Grant, OauthError> {
        let http = Carrier(http(options)?);
        let answer = self
            .client()
            .exchange_code(AuthorizationCode::new(code.to_owned()))
            .set_pkce_verifier(PkceCodeVerifier::new(verifier.expose_secret().to_owned()))
            .request_async(&http)
            .await;
        sorted(answer)
    }

    /// Renews a token. Both old ones are void after it.
    pub async fn renew(&self, refresh: &SecretString, options: &Options) -> Result<Grant, OauthError> {
        let http = Carrier(http(options)?);
        let refresh = RefreshToken::new(refresh.expose_secret().to_owned());
        sorted(self.client().exchange_refresh_token(&refresh).request_async(&http).await)
    }

    /// Ends a token at the instance.
    pub async fn revoke(&self, token: &SecretString, options: &Options) -> Result<(), OauthError> {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.append_pair("client_id", &self.client_id).append_pair("token", token.expose_secret());
        if let Some(secret) = &self.client_secret {
            form.append_pair("client_secret", secret.expose_secret());
        }
        let request = http(options)?
            .post(self.route("revoke"))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form.finish());
        let response = request.send().await.map_err(|error| transport::from_reqwest(error, None))?;
        match response.status().as_u16() {
            200..300 => Ok(()),
            status => Err(Error::Server { status, reason: "it does not end the token".to_owned() }.into()),
        }
    }

    fn client(&self) -> Client {
        let client = BasicClient::new(ClientId::new(self.client_id.clone()))
            .set_auth_uri(AuthUrl::from_url(self.route("authorize")))
            .set_token_uri(TokenUrl::from_url(self.route("token")))
            .set_redirect_uri(RedirectUrl::from_url(self.redirect_uri.clone()))
            .set_auth_type(AuthType::RequestBody);
        match &self.client_secret {
            Some(secret) => client.set_client_secret(ClientSecret::new(secret.expose_secret().to_owned())),
            None => client,
        }
    }

    fn route(&self, name: &str) -> Url {
        let mut url = self.base_url.clone();
        let prefix = self.base_url.path().trim_end_matches('/').to_owned();
        url.set_path(&format!("{prefix}/oauth/{name}"));
        url
    }
}

/// No redirects: a code or a refresh token goes where it was meant to go, or nowhere.
fn http(options: &Options) -> Result<reqwest::Client, Error> {
    transport::http(options, Policy::none())
}

/// Carries the library's requests. What says nothing about the grant is an error of the instance.
struct Carrier(reqwest::Client);

impl<'c> AsyncHttpClient<'c> for Carrier {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, Error>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let request = self.0.request(parts.method, parts.uri.to_string()).headers(parts.headers).body(body);
            let response = request.send().await.map_err(|error| transport::from_reqwest(error, None))?;
            let answer = transport::read(response, ANSWER_LIMIT).await?;
            response::accept_grant(&answer)?;
            let mut response = HttpResponse::new(answer.body);
            *response.status_mut() = answer.status;
            *response.headers_mut() = answer.headers;
            Ok(response)
        })
    }
}

fn sorted(
    answer: Result<BasicTokenResponse, RequestTokenError<Error, BasicErrorResponse>>,
) -> Result<Grant, OauthError> {
    match answer {
        Ok(answer) => Ok(Grant {
            access: answer.access_token().secret().clone().into(),
            refresh: answer.refresh_token().map(|token| token.secret().clone().into()),
            expires_in: answer.expires_in(),
            scopes: answer.scopes().into_iter().flatten().map(|scope| scope.to_string()).collect(),
        }),
        Err(RequestTokenError::ServerResponse(told)) => Err(match told.error() {
            BasicErrorResponseType::InvalidGrant => OauthError::Denied,
            other => OauthError::Application(other.to_string()),
        }),
        Err(RequestTokenError::Request(error)) => Err(error.into()),
        // What it says is not repeated: there may be a token in it.
        Err(RequestTokenError::Parse(..) | RequestTokenError::Other(_)) => {
            Err(Error::Server { status: 200, reason: "the answer is no grant".to_owned() }.into())
        }
    }
}

/// Where to, and nothing secret.
impl fmt::Debug for Departure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Departure").field("host", &self.url.host_str()).finish_non_exhaustive()
    }
}

/// How long, and nothing secret.
impl fmt::Debug for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Grant").field("expires_in", &self.expires_in).finish_non_exhaustive()
    }
}
