//! Which authorizations a connection may use, so that no two get in each other's way.

use std::collections::HashMap;

use crate::population::{Member, Population};

/// The most that share the population: so many subjects, of so many connections each. Their product
/// has no divisor in common with the number of clients, so that each share has all of them.
const SUBJECTS: u32 = 17;
const CONNECTIONS: u32 = 33;

/// The authorizations of one connection of one subject, again and again in the same order.
pub(crate) struct Share {
    first: u32,
    next: u32,
    len: u32,
    /// The newest generation of those that were refreshed.
    generations: HashMap<u32, u32>,
}

impl Share {
    /// # Panics
    /// If there are not as many shares, or too few users for each to have every client.
    pub(crate) fn of(population: Population, subject: u32, connection: u32) -> Self {
        assert!(
            subject < SUBJECTS && connection < CONNECTIONS,
            "no such share"
        );
        assert!(population.users >= SUBJECTS * CONNECTIONS, "too few users");
        let first = subject * CONNECTIONS + connection;
        Self {
            first,
            next: first,
            len: population.len(),
            generations: HashMap::new(),
        }
    }

    /// One authorization alone.
    pub(crate) fn only(member: Member) -> Self {
        Self {
            first: member.0,
            next: member.0,
            len: 0,
            generations: HashMap::new(),
        }
    }

    pub(crate) fn next(&mut self) -> Member {
        let member = Member(self.next);
        self.next += SUBJECTS * CONNECTIONS;
        if self.next >= self.len {
            self.next = self.first;
        }
        member
    }

    /// The newest generation, which is then replaced by the next.
    pub(crate) fn rotate(&mut self, member: Member) -> u32 {
        let newest = self.generations.entry(member.0).or_insert(1);
        *newest += 1;
        *newest - 1
    }
}
