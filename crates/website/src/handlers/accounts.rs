//! Linked accounts.

use crate::{
    answer::{PageError, page_with, see_other},
    app::App,
    handlers::sign_in::Csrf,
    link::{self, LinkError},
    pages::{Accounts, LinkForm, LinkedAccount, TokenState},
    session::{PageUser, SignedIn},
    subject,
};
use actix_web::{
    HttpResponse,
    http::StatusCode,
    web::{Data, Form, Path, Query},
};
use secrecy::SecretString;
use serde::Deserialize;
use trawl_jobs::{AccountId, WaitReason};
use trawl_store::{
    Conn, StoreError,
    accounts::{self, Account, AccountState},
    jobs::{self, Waiting},
    oauth::applications,
};

/// What the URL says.
#[derive(Debug, Deserialize)]
pub struct AccountsQuery {
    instance_url: Option<String>,
    /// The account that has just been linked.
    linked: Option<i64>,
}

/// `POST /accounts`.
#[derive(Debug, Deserialize)]
pub struct LinkAccountForm {
    csrf: String,
    instance_url: String,
    token: SecretString,
}

/// `GET /accounts`.
///
/// # Errors
/// The database.
pub async fn show(app: Data<App>, user: PageUser, query: Query<AccountsQuery>) -> Result<HttpResponse, PageError> {
    let query = query.into_inner();
    let form = LinkForm { instance_url: query.instance_url.unwrap_or_default(), ..blank() };
    answer(&app, user.0, StatusCode::OK, form, query.linked.map(AccountId)).await
}

/// `POST /accounts`: links one.
///
/// # Errors
/// The form is not from this session. What is wrong with it is said beside its fields.
pub async fn link(app: Data<App>, user: PageUser, form: Form<LinkAccountForm>) -> Result<HttpResponse, PageError> {
    let (user, form) = (user.0, form.into_inner());
    user.check_csrf(&form.csrf)?;
    let error = match link::link(&app, user.user.id(), &form.instance_url, form.token).await {
        Ok(id) => return Ok(see_other(&format!("/accounts?linked={id}"))),
        Err(error) => error,
    };
    let mut said = LinkForm { instance_url: form.instance_url, ..blank() };
    match error {
        LinkError::Instance(why) => said.instance_error = Some(why),
        LinkError::Token(why) => said.token_error = Some(why),
        LinkError::Other(why) => said.error = Some(why),
    }
    answer(&app, user, StatusCode::UNPROCESSABLE_ENTITY, said, None).await
}

/// `POST /accounts/{id}/unlink`.
///
/// # Errors
/// It is not this user's.
pub async fn unlink(
    app: Data<App>,
    user: PageUser,
    id: Path<i64>,
    form: Form<Csrf>,
) -> Result<HttpResponse, PageError> {
    user.0.check_csrf(&form.csrf)?;
    link::unlink(&app, user.0.user.id(), AccountId(id.into_inner())).await?;
    Ok(see_other("/accounts"))
}

fn blank() -> LinkForm {
    LinkForm { instance_url: String::new(), instance_error: None, token_error: None, error: None }
}

async fn answer(
    app: &App,
    user: SignedIn,
    status: StatusCode,
    form: LinkForm,
    just_linked: Option<AccountId>,
) -> Result<HttpResponse, PageError> {
    let frame = user.frame(app);
    let (accounts, linked, sign_ins) = app
        .db
        .read(move |conn| {
            let own = accounts::list(conn, Some(user.user.id()))?;
            let new = own.iter().find(|account| Some(account.id()) == just_linked).map(greeting);
            let waiting = jobs::waiting(conn, user.job_scope())?;
            let rows = own.iter().map(|account| linked(conn, account, &waiting)).collect::<Result<_, _>>()?;
            let known = applications(conn)?;
            let sign_ins = known.into_iter().map(|known| (known.instance().0, known.instance_url)).collect();
            Ok((rows, new, sign_ins))
        })
        .await?;
    page_with(status, &Accounts { frame, accounts, linked, sign_ins, form })
}

/// What is said of an account that has just been linked.
fn greeting(account: &Account) -> String {
    let name = subject::label(account);
    if account.scope_checked_at().is_some() {
        format!("Linked {name}.")
    } else {
        format!("Linked {name}; what it reaches is being found out.")
    }
}

fn linked(conn: &mut Conn<'_>, account: &Account, waiting: &[Waiting]) -> Result<LinkedAccount, StoreError> {
    let (groups, projects) = accounts::reach(conn, account.id())?;
    let here =
        waiting.iter().filter(|row| row.reason == WaitReason::Credentials && row.instance == Some(account.instance()));
    Ok(LinkedAccount {
        id: account.id().0,
        instance_url: account.instance_url.clone(),
        username: Some(account.username.clone()),
        token: match account.state() {
            AccountState::Refused if account.refresh_cipher.is_some() => {
                TokenState::Renewing { since: account.state_since() }
            }
            AccountState::Refused => TokenState::Refused {
                since: account.state_since(),
                reason: Some("GitLab no longer accepts this token: it was revoked or has expired.".to_owned()),
            },
            AccountState::Working if account.scope_checked_at().is_none() => TokenState::NotChecked,
            AccountState::Working => TokenState::Works,
        },
        groups,
        projects,
        expires_at: account.expires_at().filter(|_| account.refresh_cipher.is_none()),
        renews: account.refresh_cipher.is_some(),
        scopes: account.scopes.clone(),
        waiting_jobs: if account.state() == AccountState::Refused { here.map(|row| row.count).sum() } else { 0 },
        linked_at: account.linked_at(),
    })
}
