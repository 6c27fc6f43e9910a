//! Things to test with, all of one story: Fred, and the client of the seed's examples.

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use crate::{
    Access, AliasId, Answer, AskedClaims, AuthMethod, AuthorizationId, AuthorizationRequest,
    BackchannelLogout, ChannelId, Client, ClientId, ClientKind, CodeBinding, DeclaredChannel,
    Digest, Interaction, InteractionId, Lifetimes, LogoutNotice, NewAuthorization, NicknameClaims,
    Params, Redemption, RedirectUri, Reply, RequestRecord, Scope, Screen, Session, SessionId,
    SigningAlgorithm, Standing, User, UserId, UserToken, ports::Decision, requested_callback,
};

/// A moment: noon of 30 June 2020, the day of the seed's examples.
///
/// ```
/// assert_eq!(alias_domain::testing::sample::NOON.timestamp(), 1_593_518_400);
/// ```
pub const NOON: DateTime<Utc> = match DateTime::from_timestamp(1_593_518_400, 0) {
    Some(noon) => noon,
    None => DateTime::UNIX_EPOCH,
};

/// The redirect URI of the seed's examples.
///
/// ```
/// use alias_domain::testing::sample;
/// assert!(sample::client().callback(sample::REDIRECT_URI).is_some());
/// ```
pub const REDIRECT_URI: &str = "https://example.com/alias-callback";

/// The loopback redirect URI of the public client.
///
/// ```
/// use alias_domain::testing::sample;
/// assert!(sample::public_client().callback(sample::LOOPBACK_URI).is_some());
/// ```
pub const LOOPBACK_URI: &str = "http://127.0.0.1/callback";

const fn bits(number: u128) -> Uuid {
    Uuid::from_u128(number << 64)
}

/// The confidential client of the seed's examples, with its two channels.
///
/// ```
/// let client = alias_domain::testing::sample::client();
/// assert_eq!(client.id.to_string(), "bjOB6HV7cTKtxvfr2k2ucg");
/// ```
#[must_use]
pub fn client() -> Client {
    Client {
        id: ClientId::from_uuid(Uuid::from_u128(0x6e33_81e8_757b_7132_adc6_f7eb_da4d_ae72)),
        name: "Example".to_owned(),
        kind: ClientKind::Confidential,
        auth_method: AuthMethod::ClientSecretBasic,
        id_token_alg: SigningAlgorithm::Rs256,
        redirect_uris: registered(REDIRECT_URI, ClientKind::Confidential),
        post_logout_redirect_uris: Vec::new(),
        backchannel_logout: None,
        claims: NicknameClaims::default(),
        channels: ["notifications", "product_updates"]
            .into_iter()
            .zip(1..)
            .filter_map(|(name, number)| {
                Some(DeclaredChannel {
                    id: ChannelId(number),
                    name: name.parse().ok()?,
                    description: format!("About {name}"),
                })
            })
            .collect(),
        next_channel: ChannelId(3),
        created_at: NOON,
    }
}

/// A public client with a loopback redirect URI.
///
/// ```
/// # use alias_domain::{ClientKind, testing::sample};
/// assert_eq!(sample::public_client().kind, ClientKind::Public);
/// ```
#[must_use]
pub fn public_client() -> Client {
    Client {
        id: ClientId::from_uuid(bits(2)),
        name: "Example for your phone".to_owned(),
        kind: ClientKind::Public,
        redirect_uris: registered(LOOPBACK_URI, ClientKind::Public),
        ..client()
    }
}

/// A service that tokens are sent to.
///
/// ```
/// # use alias_domain::testing::sample;
/// assert!(sample::resource_server().may_introspect());
/// ```
#[must_use]
pub fn resource_server() -> Client {
    Client {
        id: ClientId::from_uuid(bits(3)),
        name: "Example's messages".to_owned(),
        kind: ClientKind::ResourceServer,
        redirect_uris: Vec::new(),
        channels: Vec::new(),
        next_channel: ChannelId(1),
        ..client()
    }
}

fn registered(uri: &str, kind: ClientKind) -> Vec<RedirectUri> {
    RedirectUri::register(uri, kind).into_iter().collect()
}

/// Fred.
///
/// ```
/// assert_eq!(alias_domain::testing::sample::user().email.as_str(), "fred@example.com");
/// ```
///
/// # Panics
/// Never: the address and the nickname are sound.
#[must_use]
pub fn user() -> User {
    User {
        id: UserId::from_uuid(bits(10)),
        email: "fred@example.com".parse().expect("an address"),
        nickname: "Fred".parse().ok(),
        locked: false,
        created_at: NOON,
    }
}

/// Fred's session, begun at noon.
///
/// ```
/// # use alias_domain::testing::sample;
/// assert_eq!(sample::session().auth_time, sample::NOON);
/// ```
#[must_use]
pub fn session() -> Session {
    Session {
        id: SessionId::from_uuid(bits(20)),
        user: user(),
        auth_time: NOON,
        expires_at: NOON + Lifetimes::default().session,
    }
}

/// A sound request of the client, with these parameters beside the mandatory ones.
///
/// ```
/// # use alias_domain::{Scope, testing::sample};
/// let (request, _) = sample::request("scope=openid&nonce=n").restored(&sample::client())?;
/// assert_eq!(request.nonce.as_deref(), Some("n"));
/// # Ok::<(), alias_domain::PageError>(())
/// ```
///
/// # Panics
/// If the parameters are not sound.
#[must_use]
pub fn request(query: &str) -> RequestRecord {
    let query = format!("{query}&response_type=code&redirect_uri={REDIRECT_URI}");
    let (params, client) = (Params::parse(&query), client());
    let callback = requested_callback(&params, &client).expect("a registered URI");
    let reply = Reply::requested(&params, callback.clone());
    let request = AuthorizationRequest::parse(&params, &client, callback);
    RequestRecord::new(&request.expect("a sound request"), &reply)
}

/// A request of the client that waits for Fred.
///
/// ```
/// # use alias_domain::testing::sample;
/// assert_eq!(sample::interaction().client_id, sample::client().id);
/// ```
#[must_use]
pub fn interaction() -> Interaction {
    Interaction {
        id: InteractionId::from_uuid(bits(30)),
        binding: Digest::of(b"Fred's browser"),
        client_id: client().id,
        request: request("scope=openid"),
        account: None,
        answered: false,
        denied: false,
        expires_at: NOON + Lifetimes::INTERACTION,
    }
}

/// An approved request, not recorded yet.
///
/// ```
/// # use alias_domain::testing::sample;
/// assert_eq!(sample::new_authorization().user_id, sample::user().id);
/// ```
#[must_use]
pub fn new_authorization() -> NewAuthorization {
    NewAuthorization {
        id: AuthorizationId::from_uuid(bits(40)),
        client_id: client().id,
        user_id: user().id,
        binding: CodeBinding {
            redirect_uri: REDIRECT_URI.to_owned(),
            challenge: None,
            nonce: Some("rgnxaHF9zIHaafVo4_8Pdw".to_owned()),
            asked_claims: AskedClaims::default(),
        },
        code_expires_at: NOON + Lifetimes::default().auth_code,
    }
}

/// Everything that the client may ask for.
///
/// ```
/// # use alias_domain::testing::sample;
/// assert_eq!(sample::everything().to_string(), "openid offline_access contact nickname");
/// ```
#[must_use]
pub fn everything() -> Access {
    Access::openid()
        .with(Scope::OfflineAccess)
        .with(Scope::Nickname)
        .with_contact([ChannelId(1), ChannelId(2)].into())
}

/// Fred allows everything.
///
/// ```
/// # use alias_domain::{Answer, testing::sample};
/// assert_eq!(sample::decision().answer, Answer::AllowAll);
/// ```
#[must_use]
pub fn decision() -> Decision {
    Decision {
        interaction: interaction().id,
        session: session().id,
        screen: Screen::new(&client(), everything(), None),
        answer: Answer::AllowAll,
        new: new_authorization(),
        alias_id: AliasId::from_uuid(bits(50)),
    }
}

/// The authorization of that, its code not exchanged yet.
///
/// ```
/// # use alias_domain::testing::sample;
/// assert_eq!(sample::standing().authorization.approved, sample::everything());
/// ```
#[must_use]
pub fn standing() -> Standing {
    Standing {
        authorization: new_authorization().approved(everything(), &session()),
        client: client(),
        user: user(),
        alias_id: AliasId::from_uuid(bits(50)),
        connection: Some(everything()),
    }
}

/// Fred's session has ended, which the client is to be told.
///
/// ```
/// # use alias_domain::testing::sample;
/// assert!(sample::notice().client.backchannel_logout.is_some());
/// ```
///
/// # Panics
/// Never: the URI is sound.
#[must_use]
pub fn notice() -> LogoutNotice {
    LogoutNotice {
        client: Client {
            backchannel_logout: Some(BackchannelLogout {
                uri: "https://example.com/logout".parse().expect("a URI"),
                session_required: true,
            }),
            ..client()
        },
        session: session().id,
        alias_id: standing().alias_id,
        attempt: 1,
    }
}

/// The client exchanges that code.
///
/// ```
/// # use alias_domain::testing::sample;
/// assert_eq!(sample::redemption().client_id, sample::client().id);
/// ```
#[must_use]
pub fn redemption() -> Redemption {
    Redemption {
        authorization: new_authorization().id,
        client_id: client().id,
        redirect_uri: REDIRECT_URI.to_owned(),
        verifier: None,
    }
}

/// A user token with `openid` alone.
///
/// ```
/// # use alias_domain::{Scope, testing::sample};
/// assert!(!sample::user_token().access.has(Scope::Contact));
/// ```
#[must_use]
pub fn user_token() -> UserToken {
    UserToken {
        authorization: new_authorization().id,
        access: Access::openid(),
        issued_at: NOON,
        expires_at: NOON + TimeDelta::minutes(30),
    }
}
