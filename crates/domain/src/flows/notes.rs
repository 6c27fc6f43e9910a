use super::Provider;
use crate::{Capsule, Secret, ports::Failure};

impl Provider {
    /// Seals what one page tells the next by an address: nobody else can make one, and no log or history
    /// tells what is in it. Whoever has it can show it, so it must be no secret of its reader.
    ///
    /// # Errors
    /// If the cryptography fails.
    ///
    /// ```
    /// # use alias_domain::testing::{MemoryStore, provider};
    /// let provider = provider(MemoryStore::default());
    /// let note = provider.note("what happened".to_owned())?;
    /// assert_eq!(provider.noted(note.expose()).as_deref(), Some("what happened"));
    /// assert_eq!(provider.noted("a guess"), None);
    /// # Ok::<(), alias_domain::ports::Failure>(())
    /// ```
    pub fn note(&self, text: String) -> Result<Secret, Failure> {
        let id = self.fresh_secret().digest();
        self.ports.sealer.seal(&Capsule::Note { id, text })
    }

    /// What a note says; `None` for any other text. See [`Provider::note`] for an example.
    #[must_use]
    pub fn noted(&self, note: &str) -> Option<String> {
        match self.ports.sealer.open(note)? {
            Capsule::Note { text, .. } => Some(text),
            _ => None,
        }
    }
}
