//! Which authorizations a connection may use, so that no two get in each other's way.

use std::collections::HashMap;

use crate::population::{Member, Population};

/// The most that share a population: so many subjects, of so many connections each. Their product
/// has no divisor in common with the number of clients, so that each share has all of them.
const SUBJECTS: u32 = 17;
const CONNECTIONS: u32 = 33;

/// Some of the authorizations, again and again in the same order.
pub(crate) struct Share {
    first: u32,
    step: u32,
    next: u32,
    population: Population,
    /// The newest generation of those that were refreshed here.
    generations: HashMap<u32, u32>,
}

impl Share {
    /// Those of one connection of one subject.
    ///
    /// # Panics
    /// If there are not as many shares, or too few users for each to have every client.
    pub(crate) fn of(population: Population, subject: u32, connection: u32) -> Self {
        assert!(
            subject < SUBJECTS && connection < CONNECTIONS,
            "no such share"
        );
        assert!(population.users >= SUBJECTS * CONNECTIONS, "too few users");
        let first = subject * CONNECTIONS + connection;
        Self::every(population, first, SUBJECTS * CONNECTIONS)
    }

    /// Every so manieth, from a first one on.
    pub(crate) fn every(population: Population, first: u32, step: u32) -> Self {
        Self {
            first,
            step,
            next: first,
            population,
            generations: HashMap::new(),
        }
    }

    /// How many they are.
    pub(crate) const fn len(&self) -> u32 {
        (self.population.len() - self.first).div_ceil(self.step)
    }

    pub(crate) fn next(&mut self) -> Member {
        let member = Member(self.next);
        self.next += self.step;
        if self.next >= self.population.len() {
            self.next = self.first;
        }
        member
    }

    /// The newest generation, which is then replaced by the next.
    pub(crate) fn rotate(&mut self, member: Member) -> u32 {
        let first = self.population.generation;
        let newest = self.generations.entry(member.0).or_insert(first);
        *newest += 1;
        *newest - 1
    }
}
