use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};

use super::Provider;
use crate::{
    Aftermath, ClientId, Delivery, LogoutNotice, LogoutTokenClaims,
    ports::{Backchannel, Claim, Failure, StoreError, Undelivered},
};

/// What became of telling a client.
///
/// ```
/// use alias_domain::{Aftermath, flows::Told};
/// let told = Told { answer: Ok(200), aftermath: Aftermath::Delivered };
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// The HTTP status that the client answered.
    pub answer: Result<u16, Undelivered>,
    /// What comes of that.
    pub aftermath: Aftermath,
}

impl Provider {
    /// How long who claims a notice has it to themselves: longer than a try takes.
    const CLAIM: TimeDelta = TimeDelta::minutes(1);

    /// Takes some of the notices that are due, and none to the clients `except`.
    ///
    /// # Errors
    /// If the store does not answer.
    ///
    /// ```
    /// # use alias_domain::{*, testing::{MemoryStore, provider, sample}};
    /// # pollster::block_on(async {
    /// let provider = provider(MemoryStore::default());
    /// assert_eq!(provider.due_notices(8, vec![], sample::NOON).await?, []);
    /// # Ok::<(), ports::StoreError>(())
    /// # });
    /// ```
    pub async fn due_notices(
        &self,
        limit: u32,
        except: Vec<ClientId>,
        now: DateTime<Utc>,
    ) -> Result<Vec<LogoutNotice>, StoreError> {
        let claim = Claim {
            now,
            until: now + Self::CLAIM,
            limit,
            except,
        };
        self.store().claim_notices(&claim).await
    }

    /// Tells a client that a session ended, once, and keeps what became of it. The clock is read
    /// before and after, for an answer takes its time.
    ///
    /// # Errors
    /// If the store or the cryptography fails: the notice is due again when its claim ends.
    ///
    /// ```
    /// # use alias_domain::{*, ports::MockBackchannel, testing::{MemoryStore, provider, sample}};
    /// # pollster::block_on(async {
    /// let mut backchannel = MockBackchannel::new();
    /// backchannel.expect_post_logout_token().returning(|_, _| Ok(200));
    /// let provider = provider(MemoryStore::default());
    /// let told = provider.tell(&sample::notice(), &backchannel, || sample::NOON).await?;
    /// assert_eq!(told.aftermath, Aftermath::Delivered);
    /// # Ok::<(), ports::Failure>(())
    /// # });
    /// ```
    pub async fn tell(
        &self,
        notice: &LogoutNotice,
        backchannel: &dyn Backchannel,
        clock: impl Fn() -> DateTime<Utc> + Send,
    ) -> Result<Told, Failure> {
        let answer = match &notice.client.backchannel_logout {
            Some(registered) => {
                let jti = URL_SAFE_NO_PAD.encode(self.ports.chance.id());
                let claims = LogoutTokenClaims::new(&self.issuer, notice, jti, clock());
                let algorithm = notice.client.id_token_alg;
                let token = self.ports.id_tokens.sign_logout(algorithm, &claims).await?;
                backchannel.post_logout_token(&registered.uri, &token).await
            }
            None => Err(Undelivered(
                "the client is no longer registered for it".to_owned(),
            )),
        };
        let delivery = match &answer {
            // What is wanted no more is as good as refused.
            Err(_) if notice.client.backchannel_logout.is_none() => Delivery::Refused,
            answer => Delivery::of(answer.as_ref().ok().copied()),
        };
        let aftermath = notice.after(delivery, clock());
        match aftermath {
            Aftermath::Delivered | Aftermath::GivenUp => self.store().close_notice(notice).await?,
            Aftermath::Again(at) => self.store().postpone_notice(notice, at).await?,
        }
        Ok(Told { answer, aftermath })
    }
}
