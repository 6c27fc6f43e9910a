//! What is remembered of each browser: in memory only, and gone when the demo stops.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use openidconnect::CsrfToken;

use crate::failure::Refusal;
use crate::guard::same_secret;
use crate::provider::Pending;
use crate::session::Session;

const MOST_VISITORS: usize = 1000;
const MOST_PENDING: usize = 8;

/// One browser, while a single request deals with it: the lock is held across a step at Alias, so
/// that of two clicks at once the second starts from what the first left.
pub(crate) type Visitor = Arc<tokio::sync::Mutex<Memory>>;

/// What is remembered of one browser.
pub(crate) struct Memory {
    /// What a form must bring to be believed.
    pub(crate) form_token: String,
    pub(crate) session: Option<Session>,
    /// How the last thing that the visitor did turned out; shown until the next.
    pub(crate) outcome: Option<Outcome>,
    pending: Vec<Pending>,
    /// What the answer to a sign-out at Alias must match.
    leaving: Option<CsrfToken>,
}

/// How the last thing that a visitor did turned out.
pub(crate) enum Outcome {
    SignedIn,
    Refreshed {
        narrowed: bool,
    },
    NothingToRefresh,
    Userinfo,
    SignedOut,
    /// Of Alias, too.
    SignedOutOfAlias,
    /// Alias told that the user signed out there.
    EndedByAlias,
    Refused(Refusal),
    /// Fieldnotes forgot the visitor; whether Alias could be told so too.
    Disconnected {
        revoked: bool,
    },
}

impl Memory {
    fn blank() -> Self {
        Self {
            form_token: secret(),
            session: None,
            outcome: None,
            pending: Vec::new(),
            leaving: None,
        }
    }

    /// Remembers an authorization request that has set out; the oldest makes way.
    pub(crate) fn await_answer(&mut self, pending: Pending) {
        if self.pending.len() == MOST_PENDING {
            self.pending.remove(0);
        }
        self.pending.push(pending);
    }

    /// Forgets the sign-in, and remembers that the browser has set out to sign out of Alias.
    pub(crate) fn leave(&mut self, state: CsrfToken) {
        self.session = None;
        self.leaving = Some(state);
    }

    /// Whether this browser set out with this `state` to sign out of Alias. It is forgotten here.
    pub(crate) fn has_left(&mut self, state: &str) -> bool {
        let leaving = self.leaving.take();
        leaving.is_some_and(|it| same_secret(it.secret(), state))
    }

    /// The request that an answer with this `state` belongs to, if this browser sent it out. It is
    /// forgotten here, so that no second answer finds it (RFC 6749 10.12).
    pub(crate) fn take_pending(&mut self, state: &str) -> Option<Pending> {
        let position = self
            .pending
            .iter()
            .position(|pending| same_secret(pending.state.secret(), state))?;
        Some(self.pending.remove(position))
    }
}

/// All browsers that are remembered, by the random key in their cookie: the one that was here last
/// at the end. There is a limit, and the one that was away the longest makes way.
pub(crate) struct Visitors {
    known: Mutex<VecDeque<(String, Visitor)>>,
    limit: usize,
}

impl Visitors {
    pub(crate) fn new() -> Self {
        Self::at_most(MOST_VISITORS)
    }

    fn at_most(limit: usize) -> Self {
        Self {
            known: Mutex::default(),
            limit,
        }
    }

    pub(crate) fn find(&self, key: &str) -> Option<Visitor> {
        let mut known = self.known();
        let place = known
            .iter()
            .position(|(known, _)| same_secret(known, key))?;
        let entry = known.remove(place)?;
        let visitor = entry.1.clone();
        known.push_back(entry);
        Some(visitor)
    }

    /// All of them.
    pub(crate) fn all(&self) -> Vec<Visitor> {
        self.known()
            .iter()
            .map(|(_, visitor)| visitor.clone())
            .collect()
    }

    /// Begins to remember a browser, under a key that nobody can guess.
    pub(crate) fn welcome(&self) -> (String, Visitor) {
        let visitor = Visitor::new(tokio::sync::Mutex::new(Memory::blank()));
        (self.enter(visitor.clone()), visitor)
    }

    /// Gives a visitor a new key, and forgets the old one: a key that somebody planted before the
    /// sign-in is worth nothing after it.
    pub(crate) fn rename(&self, key: &str, visitor: Visitor) -> String {
        self.known().retain(|(known, _)| known != key);
        self.enter(visitor)
    }

    fn enter(&self, visitor: Visitor) -> String {
        let key = secret();
        let mut known = self.known();
        if known.len() >= self.limit {
            known.pop_front();
        }
        known.push_back((key.clone(), visitor));
        key
    }

    fn known(&self) -> MutexGuard<'_, VecDeque<(String, Visitor)>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// 256 random bits, base64url.
fn secret() -> String {
    CsrfToken::new_random_len(32).into_secret()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_visitor_who_was_away_the_longest_makes_way() {
        let visitors = Visitors::at_most(2);
        let (first, _) = visitors.welcome();
        let (second, _) = visitors.welcome();
        visitors.find(&first);
        let (third, _) = visitors.welcome();
        let known = [first, second, third].map(|key| visitors.find(&key).is_some());
        assert_eq!(known, [true, false, true]);
    }

    #[test]
    fn a_renamed_visitor_is_found_by_the_new_key_alone() {
        let visitors = Visitors::new();
        let (planted, visitor) = visitors.welcome();
        let renewed = visitors.rename(&planted, visitor);
        assert!(visitors.find(&planted).is_none());
        assert!(visitors.find(&renewed).is_some());
    }

    #[test]
    fn an_answer_finds_its_request_once() {
        let mut memory = Memory::blank();
        memory.await_answer(Pending::example("state-1"));
        assert!(memory.take_pending("state-2").is_none());
        assert!(memory.take_pending("state-1").is_some());
        assert!(memory.take_pending("state-1").is_none());
    }

    #[test]
    fn of_too_many_unanswered_requests_the_oldest_is_forgotten() {
        let mut memory = Memory::blank();
        for number in 0..=MOST_PENDING {
            memory.await_answer(Pending::example(&number.to_string()));
        }
        assert!(memory.take_pending("0").is_none());
        assert!(memory.take_pending("1").is_some());
    }
}
