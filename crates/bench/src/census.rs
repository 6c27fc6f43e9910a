//! A population as another store would hand it over, for a database to copy in at once.

use std::time::Instant;

use alias_domain::{
    Authorization, Lifetimes, Phase, RefreshChain,
    ports::{Export, Page, Participation, StoreError, StoredConnection, StoredSession},
};
use async_trait::async_trait;
use chrono::{DateTime, SubsecRound, Utc};

use crate::{
    population::{self, CLIENTS, Member, Population, everything},
    progress::progress,
};

/// How many of a kind are handed over at a time.
const PAGE: u32 = 10_000;

/// Hands over a population as if each authorization had been exchanged just now.
pub(crate) struct Census {
    population: Population,
    now: DateTime<Utc>,
    kind: Kind,
    /// The first that has not been handed over, of the kind.
    next: u32,
    began: Instant,
    handed_over: u64,
}

#[derive(Clone, Copy)]
enum Kind {
    Clients,
    Users,
    Sessions,
    Connections,
    Authorizations,
    Participations,
    End,
}

impl Census {
    pub(crate) fn of(population: Population) -> Self {
        Self {
            population,
            now: Utc::now().trunc_subsecs(3),
            kind: Kind::Clients,
            next: 0,
            began: Instant::now(),
            handed_over: 0,
        }
    }

    /// How many there are of the kind, and what comes after it.
    const fn extent(&self) -> (u32, Kind) {
        let (users, members) = (self.population.users, self.population.len());
        match self.kind {
            Kind::Clients => (CLIENTS, Kind::Users),
            Kind::Users => (users, Kind::Sessions),
            Kind::Sessions => (users, Kind::Connections),
            Kind::Connections => (members, Kind::Authorizations),
            Kind::Authorizations => (members, Kind::Participations),
            Kind::Participations | Kind::End => (members, Kind::End),
        }
    }

    fn page(&self, from: u32, to: u32) -> Option<Page> {
        let (numbers, now) = (from..to, self.now);
        let members = numbers.clone().map(Member);
        Some(match self.kind {
            Kind::Clients => {
                let with_secrets = |it| (population::client(it), population::secrets().to_vec());
                Page::Clients(numbers.map(with_secrets).collect())
            }
            Kind::Users => {
                let with_hash = |it| (population::user(it, now), population::no_password());
                Page::Users(numbers.map(with_hash).collect())
            }
            Kind::Sessions => Page::Sessions(numbers.map(|it| session(it, now)).collect()),
            Kind::Connections => Page::Connections(members.map(|it| connection(it, now)).collect()),
            Kind::Authorizations => {
                Page::Authorizations(members.map(|it| authorization(it, now)).collect())
            }
            Kind::Participations => {
                let took_part = |it: Member| Participation {
                    session_id: it.session_id(),
                    client_id: it.client_id(),
                };
                Page::Participations(members.map(took_part).collect())
            }
            Kind::End => return None,
        })
    }

    fn tell(&self) {
        let all =
            u64::from(CLIENTS + 2 * self.population.users) + 3 * u64::from(self.population.len());
        let per_second = self.handed_over as f64 / self.began.elapsed().as_secs_f64();
        let left = (all - self.handed_over) as f64 / per_second;
        progress(&format!(
            "copying in: {} of {all} rows, about {left:.0} s left",
            self.handed_over
        ));
    }
}

fn session(user: u32, now: DateTime<Utc>) -> StoredSession {
    StoredSession {
        id: Member(user * CLIENTS).session_id(),
        token: population::session_token(user).digest(),
        user_id: population::user_id(user),
        auth_time: now,
        expires_at: now + Lifetimes::default().session,
    }
}

fn connection(member: Member, now: DateTime<Utc>) -> StoredConnection {
    StoredConnection {
        user_id: member.user_id(),
        client_id: member.client_id(),
        alias_id: member.alias_id(),
        access: Some(everything()),
        granted_at: now,
        since: now,
        changed_at: now,
    }
}

fn authorization(member: Member, now: DateTime<Utc>) -> Authorization {
    let (lifetimes, new) = (Lifetimes::default(), member.new_authorization(now));
    let chain = RefreshChain {
        generation: 1,
        issued_at: now,
        expires_at: now + lifetimes.refresh_token,
    };
    Authorization {
        id: new.id,
        client_id: new.client_id,
        user_id: new.user_id,
        approved: everything(),
        session_id: Some(member.session_id()),
        auth_time: now,
        binding: new.binding,
        phase: Phase::Redeemed {
            refresh: Some(chain),
        },
        user_tokens_void_through: None,
        ends_at: lifetimes.end_of_tokens(now, Some(&chain)),
    }
}

#[async_trait]
impl Export for Census {
    async fn next_page(&mut self) -> Result<Option<Page>, StoreError> {
        let (extent, next_kind) = self.extent();
        let (from, to) = (self.next, extent.min(self.next + PAGE));
        let Some(page) = self.page(from, to) else {
            return Ok(None);
        };
        self.next = to;
        if to == extent {
            (self.kind, self.next) = (next_kind, 0);
        }
        self.handed_over += u64::from(to - from);
        self.tell();
        Ok(Some(page))
    }
}
