//! Whatever stands in a store and whatever is presented: a step comes to what the pure function says
//! of the two, and leaves what that says. A store that writes by a statement of its own, and only
//! then asks the domain, is found out here where the two differ.

use chrono::TimeDelta;
use uuid::Uuid;

use super::{Kept, scene::*};
use crate::{
    Access, Answer, ChannelId, Client, ClientId, ClientKind, CodeBinding, Digest, Lifetimes, Phase,
    Redeem, Redemption, RequestedScope, Revocation, Rotate, Rotation, Scope, Standing, User,
    UserId,
    ports::{Anticipated, Anticipation, Decision, Moment, Recorded, Store, StoreError},
    redeem as judge_exchange, rotate as judge_refresh,
    testing::sample,
};

/// The pair of RFC 7636 appendix B, and another verifier.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const OTHER_VERIFIER: &str = "a-verifier-that-belongs-to-no-challenge-of-this-story";

/// How many standings each case tries.
const ROUNDS: u128 = 120;

/// Chance, the same at every run (SplitMix64), so that what fails once fails again.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) as usize % sides
    }

    fn pick<T: Clone>(&mut self, among: &[T]) -> T {
        among[self.roll(among.len())].clone()
    }

    /// Nearly always the first, which is the usual one.
    fn usually<T: Clone>(&mut self, among: &[T]) -> T {
        match self.roll(3) {
            0 => self.pick(among),
            _ => among[0].clone(),
        }
    }

    fn seldom(&mut self) -> bool {
        self.roll(5) == 0
    }

    fn some_of<'a>(&mut self, among: &[&'a str]) -> Vec<&'a str> {
        let ticked = among.iter().filter(|_| self.roll(4) > 0);
        ticked.copied().collect()
    }

    fn answer(&mut self) -> Answer {
        let scopes = self.some_of(&["offline_access", "contact", "nickname"]);
        ticked(
            &scopes,
            &self.some_of(&["notifications", "product_updates"]),
        )
    }

    fn access(&mut self) -> Access {
        let scopes = [Scope::OfflineAccess, Scope::Nickname];
        let with = scopes.into_iter().filter(|_| self.roll(2) == 0);
        let access = with.fold(Access::openid(), Access::with);
        let channels = [1, 2].into_iter().filter(|_| self.roll(2) == 0);
        let channels = channels.map(ChannelId).collect();
        match self.roll(3) {
            0 => access,
            _ => access.with_contact(channels),
        }
    }

    fn lifetimes(&mut self) -> Lifetimes {
        let standard = lifetimes();
        // A refresh token that ends before the user token which comes with it.
        let short = Lifetimes {
            refresh_token: TimeDelta::minutes(10),
            ..standard
        };
        self.usually(&[standard, short])
    }
}

/// A user and a client of one round.
struct Round {
    number: u128,
    user: User,
    client: Client,
}

impl Round {
    /// They are there, and the user is signed in.
    async fn begun(store: &dyn Store, number: u128, dice: &mut Dice) -> Result<Self, StoreError> {
        let id = Uuid::from_u128(1000 + number);
        let kinds = [ClientKind::Confidential, ClientKind::Public];
        let client = Client {
            id: ClientId::from_uuid(id),
            kind: dice.usually(&kinds),
            ..example()
        };
        let email = format!("user{number}@example.com");
        let user = User {
            id: UserId::from_uuid(id),
            email: email.parse().expect("an address"),
            ..fred()
        };
        store.insert_client(&client, &[]).await?;
        arrives(store, &user).await?;
        Ok(Self {
            number,
            user,
            client,
        })
    }

    /// The user allows some of everything.
    async fn approved(&self, store: &dyn Store, dice: &mut Dice) -> Kept {
        let mut decision = decision(self.number, &self.user, &self.client, everything());
        decision.answer = dice.answer();
        let ends = [60, 60, 120, 121, 600, 1].map(TimeDelta::seconds);
        decision.new.code_expires_at = NOON + dice.usually(&ends);
        decision.new.binding = CodeBinding {
            challenge: dice.pick(&[None, CHALLENGE.parse().ok()]),
            ..sample::new_authorization().binding
        };
        let decision: &Decision = &decision;
        assert_eq!(records(store, decision).await?, Recorded::Issued);
        Ok(())
    }

    /// This user allows the client everything, by a request of its own.
    async fn allows_all(&self, store: &dyn Store, user: &User) -> Kept {
        let of_user = user.id.uuid().as_u128() << 32;
        let number = of_user + self.number;
        let all = decision(number, user, &self.client, everything());
        assert_eq!(records(store, &all).await?, Recorded::Issued);
        Ok(())
    }

    /// Perhaps more is allowed by another request, something taken back, a channel withdrawn, the user
    /// locked.
    async fn altered(&self, store: &dyn Store, dice: &mut Dice) -> Kept {
        let (user, client) = (self.user.id, self.client.id);
        if dice.seldom() {
            self.allows_all(store, &self.user).await?;
        }
        for scope in [Scope::OfflineAccess, Scope::Contact, Scope::Nickname] {
            if dice.seldom() {
                let revocation = Revocation::Scope(scope);
                // It may not have been granted.
                let _: Result<_, _> = store.revoke(user, client, &revocation, NOON).await?;
            }
        }
        if dice.seldom() {
            let channel = Revocation::Channel("product_updates".to_owned());
            let _: Result<_, _> = store.revoke(user, client, &channel, NOON).await?;
        }
        if dice.seldom() {
            let mut next = self.client.clone();
            next.channels.remove(0);
            assert!(store.update_client(&self.client, &next).await?);
        }
        if dice.seldom() {
            assert!(store.lock_user(user, true).await?);
        }
        if dice.seldom() {
            let id = authorization(self.number);
            store.void_user_tokens(id, minutes(1)).await?;
        }
        Ok(())
    }

    fn exchange(&self, standing: &Standing) -> Redemption {
        let challenged = standing.authorization.binding.challenge.is_some();
        Redemption {
            authorization: authorization(self.number),
            client_id: self.client.id,
            verifier: challenged.then(|| VERIFIER.to_owned()),
            ..sample::redemption()
        }
    }

    fn refresh(&self, generation: u32) -> Rotation {
        Rotation {
            authorization: authorization(self.number),
            client_id: self.client.id,
            ..rotation(generation)
        }
    }
}

/// How often each outcome came.
#[derive(Default)]
struct Tally {
    granted: u32,
    refused: u32,
    replayed: u32,
}

impl Tally {
    fn is_varied(&self) {
        let counts = [self.granted, self.refused, self.replayed];
        assert!(
            counts.iter().all(|it| *it >= 5),
            "all are tried: {counts:?}"
        );
    }
}

async fn standing(store: &dyn Store, number: u128) -> Result<Option<Standing>, StoreError> {
    store.standing(authorization(number)).await
}

/// Runs an exchange, and holds it against what the rules say of what was there before.
async fn exchanges_by_the_rules(
    store: &dyn Store,
    round: &Round,
    presented: &Redemption,
    lifetimes: &Lifetimes,
    at: chrono::DateTime<chrono::Utc>,
) -> Result<Option<Redeem>, StoreError> {
    let before = standing(store, round.number).await?;
    let done = store.redeem(presented, lifetimes, at).await?;
    let after = standing(store, round.number).await?;
    let said = before.map(|it| (judge_exchange(&it, presented, lifetimes, at), it));
    let left = said.as_ref().and_then(|(verdict, it)| match verdict {
        Redeem::Granted { next, .. } => Some((**next).clone()),
        Redeem::Refused => Some(it.authorization.clone()),
        Redeem::Replayed => None,
    });
    let number = round.number;
    let said = said.map(|(verdict, it)| (it, verdict));
    assert_eq!(done, said, "round {number}: what the exchange came to");
    let after = after.map(|it| it.authorization);
    assert_eq!(after, left, "round {number}: what the exchange left");
    Ok(done.map(|it| it.1))
}

/// The same of a refresh.
async fn refreshes_by_the_rules(
    store: &dyn Store,
    round: &Round,
    presented: &Rotation,
    lifetimes: &Lifetimes,
    at: chrono::DateTime<chrono::Utc>,
) -> Result<Option<Rotate>, StoreError> {
    let before = standing(store, round.number).await?;
    let done = store.rotate(presented, lifetimes, at).await?;
    let after = standing(store, round.number).await?;
    let said = before.map(|it| (judge_refresh(&it, presented, lifetimes, at), it));
    let left = said.as_ref().and_then(|(verdict, it)| match verdict {
        Rotate::Granted { next, .. } => Some((**next).clone()),
        Rotate::Refused | Rotate::ScopeRefused => Some(it.authorization.clone()),
        Rotate::Replayed => None,
    });
    let number = round.number;
    let said = said.map(|(verdict, it)| (it, verdict));
    assert_eq!(done, said, "round {number}: what the refresh came to");
    let after = after.map(|it| it.authorization);
    assert_eq!(after, left, "round {number}: what the refresh left");
    Ok(done.map(|it| it.1))
}

pub async fn an_exchange_is_what_the_rules_say_of_what_stands(store: &dyn Store) -> Kept {
    let mut dice = Dice(17);
    let mut tally = Tally::default();
    for number in 1..=ROUNDS {
        let round = Round::begun(store, number, &mut dice).await?;
        round.approved(store, &mut dice).await?;
        let waiting = standing(store, number).await?.expect("it was approved");
        let right = round.exchange(&waiting);
        if dice.seldom() {
            store.redeem(&right, &lifetimes(), NOON).await?;
        }
        round.altered(store, &mut dice).await?;

        let elsewhere = "https://example.com/elsewhere".to_owned();
        let verifiers = [None, Some(VERIFIER), Some(OTHER_VERIFIER), Some("short")];
        let verifiers = verifiers.map(|it| it.map(str::to_owned));
        let presented = Redemption {
            client_id: match dice.seldom() {
                true => other_client().id,
                false => right.client_id,
            },
            redirect_uri: match dice.seldom() {
                true => elsewhere,
                false => right.redirect_uri.clone(),
            },
            verifier: match dice.roll(4) {
                0 => dice.pick(&verifiers),
                _ => right.verifier.clone(),
            },
            ..right
        };
        let times = [0, 1, 59, 60, -1, -61].map(TimeDelta::seconds);
        let (lifetimes, at) = (dice.lifetimes(), NOON + dice.usually(&times));
        match exchanges_by_the_rules(store, &round, &presented, &lifetimes, at).await? {
            Some(Redeem::Granted { .. }) => tally.granted += 1,
            Some(Redeem::Refused) => tally.refused += 1,
            Some(Redeem::Replayed) => tally.replayed += 1,
            None => panic!("round {number}: the authorization is gone"),
        }
    }
    tally.is_varied();
    Ok(())
}

pub async fn a_refresh_is_what_the_rules_say_of_what_stands(store: &dyn Store) -> Kept {
    let mut dice = Dice(4);
    let mut tally = Tally::default();
    for number in 1..=ROUNDS {
        let round = Round::begun(store, number, &mut dice).await?;
        round.approved(store, &mut dice).await?;
        let waiting = standing(store, number).await?.expect("it was approved");
        let right = round.exchange(&waiting);
        let earlier = dice.lifetimes();
        if !dice.seldom() {
            exchanges_by_the_rules(store, &round, &right, &earlier, NOON).await?;
        }
        for generation in 1..=dice.roll(4) as u32 {
            let rotation = round.refresh(generation);
            refreshes_by_the_rules(store, &round, &rotation, &earlier, NOON).await?;
        }
        let phase = standing(store, number).await?;
        let (newest, end) = match phase.map(|it| it.authorization.phase) {
            Some(Phase::Redeemed { refresh: Some(it) }) => (it.generation, it.expires_at),
            _ => (1, NOON),
        };
        round.altered(store, &mut dice).await?;

        let older = newest.saturating_sub(2);
        let around = [newest, newest.saturating_sub(1), older, older, newest + 1];
        let scopes = [
            None,
            Some("openid"),
            Some("openid nickname"),
            Some("openid contact offline_access"),
            Some("nickname"),
            Some("openid teleport"),
        ];
        let presented = Rotation {
            client_id: match dice.seldom() {
                true => other_client().id,
                false => round.client.id,
            },
            generation: match dice.roll(2) {
                0 => dice.pick(&around),
                _ => newest,
            },
            scope: RequestedScope::parse(dice.pick(&scopes)),
            ..round.refresh(newest)
        };
        let times = [0, 5, 10, 59, 60, -5, -61].map(minutes);
        let ends = [end, end - TimeDelta::milliseconds(1)];
        let at = match dice.seldom() {
            true => dice.pick(&ends),
            false => dice.usually(&times),
        };
        let lifetimes = dice.lifetimes();
        match refreshes_by_the_rules(store, &round, &presented, &lifetimes, at).await? {
            Some(Rotate::Granted { .. }) => tally.granted += 1,
            Some(Rotate::Refused | Rotate::ScopeRefused) => tally.refused += 1,
            Some(Rotate::Replayed) => tally.replayed += 1,
            None => panic!("round {number}: the authorization is gone"),
        }
    }
    tally.is_varied();
    Ok(())
}

pub async fn what_is_issued_is_what_the_rules_say_of_what_stands(store: &dyn Store) -> Kept {
    let mut dice = Dice(9);
    let (mut issued, mut refused) = (0, 0);
    arrives(store, &fred()).await?;
    for number in 1..=ROUNDS {
        let round = Round::begun(store, number, &mut dice).await?;
        if !dice.seldom() {
            round.approved(store, &mut dice).await?;
            round.altered(store, &mut dice).await?;
        }
        if dice.seldom() {
            let all = Revocation::Disconnect;
            let _: Result<_, _> = store
                .revoke(round.user.id, round.client.id, &all, NOON)
                .await?;
        }
        let owner = match dice.seldom() {
            true => fred(),
            false => round.user.clone(),
        };
        if owner.id == fred().id {
            round.allows_all(store, &owner).await?;
        }
        let ended = sign_in(&owner).expires_at;
        let at = dice.usually(&[NOON, ended - TimeDelta::milliseconds(1), ended]);
        let token = Digest::of(owner.email.as_str().as_bytes());
        let access = dice.access();
        let live = store.live_sessions(&[token], at).await?;
        let live = live.into_iter().next().map(|it| it.1);
        let connection = store.connection(owner.id, round.client.id).await?;
        let moment = Moment {
            waits: true,
            client: store.client(round.client.id).await?,
            session: live,
            connection,
        };

        let mut new = new_authorization(5000 + number, &round.user, &round.client);
        new.binding.challenge = dice.pick(&[None, CHALLENGE.parse().ok()]);
        let said = new.issued(&access, &moment);
        let session = session_of(&owner);
        let done = store.issue(&new, &access, session, None, at).await?;
        let expected = said.as_ref().map_or_else(|it| *it, |_| Recorded::Issued);
        assert_eq!(done, expected, "round {number}: what issuing came to");
        let left = store.standing(new.id).await?.map(|it| it.authorization);
        assert_eq!(left, said.ok(), "round {number}: what was issued");

        let anticipated = Anticipated {
            id: authorization(6000 + number),
            client_id: new.client_id,
            binding: new.binding,
            code_expires_at: new.code_expires_at,
            access,
        };
        let said = anticipated
            .of_user(owner.id)
            .issued(&anticipated.access, &moment)
            .ok();
        let done = store.issue_anticipated(token, &anticipated, at).await?;
        let is_issued = matches!(done, Anticipation::Issued(_));
        assert_eq!(is_issued, said.is_some(), "round {number}: {done:?}");
        let found = done.live().map(|it| (it.session, it.connection));
        let there = moment.session.map(|it| (it, moment.connection));
        assert_eq!(found, there, "round {number}: what was read");
        let left = store.standing(anticipated.id).await?;
        let left = left.map(|it| it.authorization);
        match said.is_some() {
            true => issued += 1,
            false => refused += 1,
        }
        assert_eq!(left, said, "round {number}: what was issued as anticipated");
    }
    assert!(issued > 20 && refused > 20, "both outcomes are tried");
    Ok(())
}
