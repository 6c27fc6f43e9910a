use chrono::{DateTime, Utc};

use super::Provider;
use crate::{
    Client, ClientCredentials, ClientId, ClientSecret, INVALID_CLIENT, RequestError, Secret,
    ports::Failure,
};

impl Provider {
    /// Authenticates a client (RFC 6749 2.3): a confidential one by its secret, sent as it is
    /// registered to send it; a public one by its ID alone. An unknown client and a wrong secret
    /// get the same answer after the same comparison.
    ///
    /// A right secret that was sent another way than registered is refused too, and told apart.
    ///
    /// # Errors
    /// If the store does not answer.
    ///
    /// ```
    /// # use alias_domain::{*, flows::*, testing::{MemoryStore, provider, sample}};
    /// # pollster::block_on(async {
    /// let provider = provider(MemoryStore::default());
    /// let credentials = ClientCredentials { client_id: "nobody".to_owned(), secret: None };
    /// let client = provider.authenticate_client(&credentials, sample::NOON).await?;
    /// assert_eq!(client.map_err(|it| it.code).err(), Some(ErrorCode::InvalidClient));
    /// # Ok::<(), ports::Failure>(())
    /// # });
    /// ```
    pub async fn authenticate_client(
        &self,
        credentials: &ClientCredentials,
        now: DateTime<Utc>,
    ) -> Result<Result<Client, RequestError>, Failure> {
        let known = match credentials.client_id.parse::<ClientId>() {
            Ok(id) => self.store().client_with_secrets(id).await?,
            Err(_) => None,
        };
        let (client, secrets) = known.unzip();
        let nothing = Secret::new(String::new());
        let presented = credentials.secret.as_ref();
        let right = ClientSecret::matches(
            &secrets.unwrap_or_default(),
            presented.map_or(&nothing, |(_, secret)| secret),
            now,
        );
        let sent = presented.map(|(place, _)| *place);
        let nobody = INVALID_CLIENT.because("no client has this ID");
        Ok(client.ok_or(nobody).and_then(|client| {
            client.authenticated(sent, right)?;
            Ok(client)
        }))
    }
}
