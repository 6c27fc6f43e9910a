//! A server, or the way to it, that fails at whatever moment.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use alias_domain::{
    AuthorizationId, Interaction, InteractionId, Lifetimes, NewAuthorization, Redeem, Redemption,
    ports::{Authorizations, Decision, Grants, Interactions, Recorded, Store, StoreError},
    testing::sample::{self, NOON},
};
use alias_storage_postgres::{OpenError, PostgresStore, testing::Proxy};
use tokio::{runtime::Builder, time::sleep};
use tracing::{Event, Metadata, Subscriber, span};
use uuid::Uuid;

use crate::fixture::{Fixture, approved, by, fresh, fresh_with, parsed, wait};

fn is_unavailable<T>(answer: &Result<T, StoreError>) -> bool {
    matches!(answer, Err(StoreError::Unavailable(_)))
}

fn authorization(number: usize) -> AuthorizationId {
    AuthorizationId::from_uuid(Uuid::from_u128(number as u128))
}

async fn redeem(
    store: &PostgresStore,
    authorization: AuthorizationId,
) -> Result<Option<Redeem>, StoreError> {
    let redemption = Redemption {
        authorization,
        ..sample::redemption()
    };
    let lifetimes = Lifetimes::default();
    let redeemed = store.redeem(&redemption, &lifetimes, NOON).await;
    redeemed.map(|it| it.map(|(_, verdict)| verdict))
}

/// Runs a case with a way that breaks after one message, after two, and so on, until it does not.
fn wherever_it_breaks(mut case: impl FnMut(usize) -> Proxy) {
    let broken = (1..100).take_while(|messages| case(*messages).broke());
    assert!((3..90).contains(&broken.count()));
}

#[test]
fn a_connection_that_breaks_while_a_store_is_opened_is_no_fault_of_the_database() {
    let fixture = fresh();
    wherever_it_breaks(|messages| {
        let proxy = Proxy::to(&fixture.database);
        proxy.breaks_after(messages);
        let opened = wait(by(&proxy, 4)).map(drop);
        assert!(
            matches!(opened, Ok(()) | Err(OpenError::Away { .. })),
            "{opened:?}"
        );
        assert!(opened.is_ok() || proxy.broke());
        proxy
    });
}

#[test]
fn wherever_the_connection_breaks_a_code_serves_once() {
    let fixture = approved();
    wherever_it_breaks(|messages| {
        let new = NewAuthorization {
            id: authorization(messages),
            ..sample::new_authorization()
        };
        let (access, session) = (sample::everything(), sample::session().id);
        let issued = wait(fixture.issue(&new, &access, session, None, NOON));
        assert_eq!(issued, Ok(Recorded::Issued));
        let proxy = Proxy::to(&fixture.database);
        let store = wait(by(&proxy, 4)).expect("the schema is current");
        proxy.breaks_after(messages);
        let first = wait(redeem(&store, new.id));
        assert!(
            first.is_ok() || is_unavailable(&first) && proxy.broke(),
            "{first:?}"
        );
        // The server may be at it still.
        let second = wait(redeem(&fixture, new.id));
        let granted = |it: &Result<_, _>| matches!(it, Ok(Some(Redeem::Granted { .. })));
        assert!(!(granted(&first) && granted(&second)));
        assert!(granted(&second) || second == Ok(Some(Redeem::Replayed)));
        proxy
    });
}

/// The `number`th form, which Fred has not answered.
fn asks(fixture: &Fixture, number: usize) -> Interaction {
    let asked = Interaction {
        id: InteractionId::from_uuid(Uuid::from_u128(number as u128)),
        ..sample::interaction()
    };
    wait(fixture.open_interaction(&asked)).expect("the store answers");
    asked
}

#[test]
fn wherever_the_connection_breaks_a_form_is_answered_once() {
    let fixture = approved();
    wherever_it_breaks(|messages| {
        let asked = asks(&fixture, messages);
        let ids = [messages, messages + 1000].map(authorization);
        let [decision, again] = ids.map(|id| Decision {
            interaction: asked.id,
            new: NewAuthorization {
                id,
                ..sample::new_authorization()
            },
            ..sample::decision()
        });
        let proxy = Proxy::to(&fixture.database);
        let store = wait(by(&proxy, 4)).expect("the schema is current");
        proxy.breaks_after(messages);
        let first = wait(store.record_decision(&decision, NOON));
        assert!(
            first.is_ok() || is_unavailable(&first) && proxy.broke(),
            "{first:?}"
        );
        // The server may be at it still.
        let second = wait(fixture.record_decision(&again, NOON));
        let stand = ids.map(|id| wait(fixture.standing(id)).map(|it| it.is_some()));
        match second {
            Ok(Recorded::Issued) => assert_eq!(stand, [Ok(false), Ok(true)]),
            second => {
                assert_eq!(second, Ok(Recorded::AlreadyAnswered));
                assert_eq!(stand, [Ok(true), Ok(false)]);
            }
        }
        proxy
    });
}

#[test]
fn a_server_that_falls_silent_is_not_waited_for_and_serves_again_when_it_speaks() {
    let fixture = approved();
    let proxy = Proxy::to(&fixture.database);
    let store = wait(by(&proxy, 4)).expect("the schema is current");
    let id = sample::new_authorization().id;
    // Every connection of the pool knows the way.
    wait(async { tokio::join!(store.ping(), store.standing(id), store.ping()) })
        .0
        .expect("it answers");
    proxy.is_silent(true);
    let began = Instant::now();
    let decision = sample::decision();
    let (standing, redeemed, recorded, opened) = wait(async {
        tokio::join!(
            store.standing(id),
            redeem(&store, id),
            store.record_decision(&decision, NOON),
            by(&proxy, 4),
        )
    });
    assert!(began.elapsed() < Duration::from_secs(15));
    assert!(is_unavailable(&standing));
    assert!(is_unavailable(&redeemed));
    assert!(is_unavailable(&recorded));
    assert!(matches!(opened, Err(OpenError::Away { .. })));

    proxy.is_silent(false);
    for _ in 0..8 {
        assert_eq!(wait(store.ping()), Ok(()));
    }
}

#[test]
fn a_connection_to_what_takes_no_writes_does_not_serve_again() {
    let fixture = fresh_with("default_transaction_read_only = on");
    let Err(StoreError::Unavailable(reason)) = wait(fixture.ping()) else {
        unreachable!("nothing can be written");
    };
    assert!(reason.contains("it is a standby, or set to read-only"));
    assert!(is_unavailable(&wait(
        fixture.open_interaction(&sample::interaction())
    )));
    let url = fixture.database.url();
    let (_, name) = url.rsplit_once('/').expect("a database URL");
    fixture.database.execute(&format!(
        "BEGIN READ WRITE; ALTER DATABASE {name} RESET default_transaction_read_only; COMMIT"
    ));
    assert_eq!(wait(fixture.ping()), Ok(()));
}

/// A log that panics at each line of the store, and counts.
struct Panicking(Arc<AtomicU32>);

impl Subscriber for Panicking {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("alias_storage_postgres")
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, _: &Event<'_>) {
        self.0.fetch_add(1, Ordering::SeqCst);
        unreachable!("as it is to");
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

#[test]
fn a_connection_whose_driver_panics_is_replaced() {
    let fixture = fresh();
    let panics = Arc::new(AtomicU32::new(0));
    // Whatever drives a connection is on this thread, and so is what it logs.
    let runtime = Builder::new_current_thread().enable_all().build();
    let _log = tracing::subscriber::set_default(Panicking(Arc::clone(&panics)));
    runtime.expect("a runtime").block_on(async {
        let store = PostgresStore::open(&parsed(&fixture.database), 2).await;
        let store = store.expect("the schema is current");
        assert_eq!(store.ping().await, Ok(()));
        fixture.database.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
             WHERE datname = current_database() AND pid <> pg_backend_pid()",
        );
        while panics.load(Ordering::SeqCst) == 0 {
            sleep(Duration::from_millis(10)).await;
        }
        for _ in 0..5 {
            assert_eq!(store.ping().await, Ok(()));
        }
    });
}
