//! Everything that is in memory, taken out or in.

use std::collections::VecDeque;

use async_trait::async_trait;

use super::{MemoryStore, State};
use crate::ports::{
    Counts, Export, Import, ImportError, Page, Participation, StoreError, StoredConnection,
    StoredNotice, StoredSession,
};

/// Pages that were made before, and perhaps a failure at their end.
///
/// ```
/// # use alias_domain::{ports::{Export, Page}, testing::Pages};
/// let mut export = Pages::of([Page::Keys(vec![])]);
/// assert_eq!(pollster::block_on(export.next_page()), Ok(Some(Page::Keys(vec![]))));
/// assert_eq!(pollster::block_on(export.next_page()), Ok(None));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Pages(VecDeque<Result<Page, StoreError>>);

impl Pages {
    /// These pages; see the type for an example.
    #[must_use]
    pub fn of(pages: impl IntoIterator<Item = Page>) -> Self {
        Self(pages.into_iter().map(Ok).collect())
    }

    /// And then this failure.
    ///
    /// ```
    /// # use alias_domain::{ports::{Export, StoreError}, testing::Pages};
    /// let error = StoreError::Unavailable("unplugged".to_owned());
    /// let mut export = Pages::of([]).failing(error.clone());
    /// assert_eq!(pollster::block_on(export.next_page()), Err(error));
    /// ```
    #[must_use]
    pub fn failing(mut self, error: StoreError) -> Self {
        self.0.push_back(Err(error));
        self
    }
}

#[async_trait]
impl Export for Pages {
    async fn next_page(&mut self) -> Result<Option<Page>, StoreError> {
        self.0.pop_front().transpose()
    }
}

impl MemoryStore {
    /// Everything that is in it now, each entry a page of its own.
    ///
    /// ```
    /// # use alias_domain::{ports::Export, testing::MemoryStore};
    /// let mut export = MemoryStore::default().export();
    /// assert_eq!(pollster::block_on(export.next_page()), Ok(None));
    /// ```
    #[must_use]
    pub fn export(&self) -> Pages {
        let state = self.locked();
        let keys = state.keys.iter().cloned();
        let clients = state.clients.iter().cloned();
        let users = state.users.iter().cloned();
        let sessions = state.sessions.values().cloned();
        let interactions = state.interactions.values().cloned();
        let connections = state.connections.values().cloned();
        let authorizations = state.authorizations.values().cloned();
        let participations = state.session_clients.iter();
        let participations = participations.map(|(session_id, client_id)| Participation {
            session_id: *session_id,
            client_id: *client_id,
        });
        let notices = state.notices.values().cloned();
        Pages::of(
            keys.map(|it| Page::Keys(vec![it]))
                .chain(clients.map(|it| Page::Clients(vec![it])))
                .chain(users.map(|it| Page::Users(vec![it])))
                .chain(sessions.map(|it| Page::Sessions(vec![it])))
                .chain(interactions.map(|it| Page::Interactions(vec![it])))
                .chain(connections.map(|it| Page::Connections(vec![it])))
                .chain(authorizations.map(|it| Page::Authorizations(vec![it])))
                .chain(participations.map(|it| Page::Participations(vec![it])))
                .chain(notices.map(|it| Page::Notices(vec![it]))),
        )
    }
}

impl State {
    const fn is_empty(&self) -> bool {
        self.keys.is_empty() && self.clients.is_empty() && self.users.is_empty()
    }

    fn take(&mut self, page: Page) {
        match page {
            Page::Keys(keys) => keys.iter().for_each(|it| self.add_key(it)),
            Page::Clients(clients) => self.clients.extend(clients),
            Page::Users(users) => self.users.extend(users),
            Page::Sessions(sessions) => {
                let by_id = |it: StoredSession| (it.id, it);
                self.sessions.extend(sessions.into_iter().map(by_id));
            }
            Page::Interactions(interactions) => {
                let by_id = interactions.into_iter().map(|it| (it.id, it));
                self.interactions.extend(by_id);
            }
            Page::Connections(connections) => {
                let by_pair = |it: StoredConnection| ((it.user_id, it.client_id), it);
                self.connections
                    .extend(connections.into_iter().map(by_pair));
            }
            Page::Authorizations(authorizations) => {
                let by_id = authorizations.into_iter().map(|it| (it.id, it));
                self.authorizations.extend(by_id);
            }
            Page::Participations(them) => {
                let pairs = them.into_iter().map(|it| (it.session_id, it.client_id));
                self.session_clients.extend(pairs);
            }
            Page::Notices(notices) => {
                let by_pair = |it: StoredNotice| ((it.session_id, it.client_id), it);
                self.notices.extend(notices.into_iter().map(by_pair));
            }
        }
    }
}

#[async_trait]
impl Import for MemoryStore {
    async fn import(&self, from: &mut dyn Export) -> Result<Counts, ImportError> {
        let (mut next, mut counts) = (State::default(), Counts::default());
        while let Some(page) = from.next_page().await.map_err(ImportError::Source)? {
            counts.add(&page);
            next.take(page);
        }
        let mut state = self.state();
        if !state.is_empty() {
            return Err(ImportError::NotEmpty);
        }
        *state = next;
        Ok(counts)
    }
}
