use super::Provider;
use crate::IdTokenHint;

impl Provider {
    /// What an ID token says that comes back as a hint; `None` if it is none that this issuer
    /// signed with a key that is still published. An expired one is as good as any.
    ///
    /// ```
    /// # use alias_domain::testing::{MemoryStore, provider};
    /// assert_eq!(provider(MemoryStore::default()).hint("a guess"), None);
    /// ```
    #[must_use]
    pub fn hint(&self, id_token: &str) -> Option<IdTokenHint> {
        let claims = self.ports.id_tokens.verified(id_token)?;
        IdTokenHint::read(&claims, &self.issuer)
    }
}
