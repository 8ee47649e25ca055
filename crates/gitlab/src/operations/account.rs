use super::nonsense;
use crate::wire::documents::{Account as Document, account};
use crate::wire::parts;
use crate::{Account, Client, Error};

impl Client {
    /// Whose token this is, and which GitLab it opens. A token that GitLab takes for nobody's is `Unauthorized`.
    pub async fn current_user(&self) -> Result<Account, Error> {
        let data = self.run::<Document>(account::Variables).await?;
        parts::account(data).map_err(nonsense)?.ok_or(Error::Unauthorized)
    }
}
