//! R17: no code or token can be guessed, or made without the service's keys.

use std::sync::{Arc, LazyLock};

use alias_domain::{
    Access, AuthorizationId, Capsule, ChannelId, Digest, Form, FormPurpose, RefreshToken,
    UserToken,
    ports::Sealer,
    testing::{
        MemoryStore,
        sample::{self, NOON},
    },
};
use alias_signing::{MasterKey, TokenSealer};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use proptest::prelude::*;
use uuid::Uuid;

use crate::fixture::{keyring, load};

static SEALER: LazyLock<TokenSealer> = LazyLock::new(|| TokenSealer::new(&blocking(keyring())));

fn blocking<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.unwrap().block_on(future)
}

/// On a first start with a master key.
fn sealer_of(master: &MasterKey) -> TokenSealer {
    let keyring = blocking(load(&Arc::new(MemoryStore::default()), master));
    TokenSealer::new(&keyring.unwrap())
}

fn code() -> Capsule {
    Capsule::Code {
        authorization: sample::redemption().authorization,
    }
}

fn form(purpose: FormPurpose) -> Capsule {
    Capsule::Form(Form {
        binding: Digest::of(b"browser"),
        purpose,
    })
}

/// One of each kind, all of the same authorization.
fn one_of_each() -> Vec<Capsule> {
    let authorization = sample::redemption().authorization;
    vec![
        code(),
        Capsule::User(sample::user_token()),
        Capsule::Refresh(RefreshToken {
            authorization,
            generation: 1,
        }),
        form(FormPurpose::SignIn),
        Capsule::Note {
            id: Digest::of(b"a note"),
            text: "what happened".to_owned(),
        },
    ]
}

fn sealed(capsule: &Capsule) -> String {
    SEALER.seal(capsule).unwrap().expose().to_owned()
}

fn header(sealed: &str) -> String {
    let encoded = sealed.split('.').next().unwrap();
    String::from_utf8(URL_SAFE_NO_PAD.decode(encoded).unwrap()).unwrap()
}

fn with_header(sealed: &str, header: &str) -> String {
    let (_, rest) = sealed.split_once('.').unwrap();
    format!("{}.{rest}", URL_SAFE_NO_PAD.encode(header))
}

#[test]
fn what_was_sealed_opens_as_it_was() {
    let interaction = sample::interaction().id;
    let session = sample::session().id;
    let forms = [
        FormPurpose::Interaction {
            interaction,
            client: None,
        },
        FormPurpose::Consent {
            interaction,
            client: None,
            session,
            screen: sample::decision().screen,
        },
        FormPurpose::Account {
            session,
            user: None,
        },
    ];
    let user_token = Capsule::User(UserToken {
        access: sample::everything(),
        ..sample::user_token()
    });
    for capsule in one_of_each()
        .into_iter()
        .chain([user_token])
        .chain(forms.map(form))
    {
        assert_eq!(SEALER.open(&sealed(&capsule)), Some(capsule));
    }
}

#[test]
fn r17_a_code_is_a_short_url_safe_text_of_more_than_40_characters() {
    let code = sealed(&code());
    assert!((40..300).contains(&code.len()), "{} characters", code.len());
    assert!(
        code.bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
    );
}

#[test]
fn the_same_capsule_is_sealed_differently_each_time() {
    assert_ne!(sealed(&code()), sealed(&code()));
}

/// The token was made by a program of another language, on other libraries, from the same master
/// key: what was sealed yesterday must open tomorrow.
#[test]
fn a_token_is_a_jwe_under_a_key_derived_as_documented() {
    let master = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc"
        .parse()
        .unwrap();
    let token = "eyJ0eXAiOiJjb2RlIiwiYWxnIjoiZGlyIiwiZW5jIjoiQTI1NkdDTSIsImtpZCI6IjEuQUFBQUFBQUFB\
                 Q2dBQUFBQUFBQUFBQSJ9..AAECAwQFBgcICQoL.kIuL68ocM5ma1Vm4fHBEj86XknOLqi7PGqI52CsWAf\
                 j2y3sX7lr6UK7nU7jr2ceMUTciVfFO9w.--69VLu3TxJXZ6_tj5U5tQ";
    assert_eq!(sealer_of(&master).open(token), Some(code()));
}

#[test]
fn r17_a_token_of_another_master_key_does_not_open() {
    let other = sealer_of(&MasterKey::generate());
    assert_eq!(other.open(&sealed(&code())), None);
}

#[test]
fn r17_no_kind_of_token_opens_as_another() {
    let tokens: Vec<String> = one_of_each().iter().map(sealed).collect();
    for token in &tokens {
        for other in tokens.iter().filter(|it| *it != token) {
            assert_eq!(SEALER.open(&with_header(token, &header(other))), None);
        }
    }
}

#[test]
fn r17_a_token_does_not_open_for_another_authorization() {
    let other = Capsule::Code {
        authorization: AuthorizationId::from_uuid(Uuid::from_u128(1)),
    };
    let swapped = with_header(&sealed(&code()), &header(&sealed(&other)));
    assert_eq!(SEALER.open(&swapped), None);
}

#[test]
fn a_header_that_says_anything_else_does_not_open() {
    let token = sealed(&code());
    let genuine = header(&token);
    assert_eq!(
        genuine,
        r#"{"typ":"code","alg":"dir","enc":"A256GCM","kid":"1.AAAAAAAAACgAAAAAAAAAAA"}"#
    );
    for (ours, theirs) in [
        (r#""dir""#, r#""none""#),
        (r#""dir""#, r#""A256KW""#),
        ("A256GCM", "A128GCM"),
        ("A256GCM", "A256CBC-HS512"),
        (r#""enc""#, r#""zip":"DEF","enc""#),
        (r#""enc""#, r#""crit":["exp"],"enc""#),
        (r#""1."#, r#""2."#),
        (r#""1."#, r#"""#),
        (r#""1."#, r#"".1."#),
        (r#"{"#, r#"{ "#),
        ("code", "c\\u006fde"),
        (r#","enc":"A256GCM""#, ""),
    ] {
        let theirs = genuine.replace(ours, theirs);
        assert_ne!(theirs, genuine);
        assert_eq!(SEALER.open(&with_header(&token, &theirs)), None, "{theirs}");
    }
}

/// A tag of one byte would be guessed within 256 tries.
#[test]
fn r17_a_token_with_a_shortened_tag_does_not_open() {
    let token = sealed(&code());
    let (rest, tag) = token.rsplit_once('.').unwrap();
    let tag = URL_SAFE_NO_PAD.decode(tag).unwrap();
    for bytes in 0..tag.len() {
        let short = URL_SAFE_NO_PAD.encode(&tag[..bytes]);
        assert_eq!(
            SEALER.open(&format!("{rest}.{short}")),
            None,
            "{bytes} bytes"
        );
    }
}

#[test]
fn a_token_has_one_spelling() {
    let token = sealed(&code());
    let (head, last) = token.split_at(token.len() - 1);
    let alphabet = ('A'..='Z')
        .chain('a'..='z')
        .chain('0'..='9')
        .chain(['-', '_']);
    let others = alphabet.map(|it| it.to_string()).filter(|it| it != last);
    for other in others {
        assert_eq!(SEALER.open(&format!("{head}{other}")), None);
    }
}

#[test]
fn a_token_with_padding_or_blanks_does_not_open() {
    let token = sealed(&code());
    let parts: Vec<&str> = token.split('.').collect();
    for blank in ["=", "==", " ", "\n", "\0", "."] {
        for part in 0..parts.len() {
            let mut padded: Vec<String> = parts.iter().map(ToString::to_string).collect();
            padded[part] += blank;
            assert_eq!(
                SEALER.open(&padded.join(".")),
                None,
                "{blank:?} after part {part}"
            );
        }
        assert_eq!(
            SEALER.open(&format!("{blank}{token}")),
            None,
            "{blank:?} before"
        );
    }
}

#[test]
fn what_is_too_long_does_not_open() {
    for part in ["A", ".", "eyJ", "\u{1f511}"] {
        assert_eq!(SEALER.open(&part.repeat(1 << 20)), None);
    }
}

#[test]
fn what_would_not_open_is_not_sealed() {
    let channels = (0..8192).map(ChannelId).collect();
    let capsule = Capsule::User(UserToken {
        access: Access::openid().with_contact(channels),
        ..sample::user_token()
    });
    assert!(SEALER.seal(&capsule).is_err());
}

#[test]
fn a_sealer_does_not_print_its_key() {
    assert_eq!(format!("{:?}", *SEALER), "TokenSealer { .. }");
}

prop_compose! {
    /// Cuts a piece of a token out, of any length, and puts a text in its place.
    fn spliced()(
        capsule in proptest::sample::select(one_of_each()),
        start in any::<prop::sample::Index>(),
        cut in 0_usize..300,
        text in "[A-Za-z0-9_=. \\-]{0,24}|\\PC{0,4}",
    ) -> (String, String) {
        let token = sealed(&capsule);
        let start = start.index(token.len() + 1);
        let end = token.len().min(start + cut);
        let mut changed = token.clone();
        changed.replace_range(start..end, &text);
        (token, changed)
    }
}

proptest! {
    #[test]
    fn r17_a_token_with_any_change_does_not_open((token, changed) in spliced()) {
        prop_assume!(token != changed);
        prop_assert_eq!(SEALER.open(&changed), None);
    }

    #[test]
    fn r17_a_token_with_any_flipped_bit_does_not_open(
        capsule in proptest::sample::select(one_of_each()),
        at in any::<prop::sample::Index>(),
        bit in 0..7_u8,
    ) {
        let mut bytes = sealed(&capsule).into_bytes();
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        prop_assert_eq!(SEALER.open(&String::from_utf8(bytes).unwrap()), None);
    }

    #[test]
    fn r17_parts_of_two_tokens_do_not_open_together(
        from_other in proptest::array::uniform5(any::<bool>()),
        capsules in proptest::sample::subsequence(one_of_each(), 2),
    ) {
        let tokens: Vec<String> = capsules.iter().map(sealed).collect();
        let parts = from_other.iter().enumerate().map(|(part, other)| {
            tokens[usize::from(*other)].split('.').nth(part).unwrap()
        });
        let mixed = parts.collect::<Vec<_>>().join(".");
        prop_assume!(!tokens.contains(&mixed));
        prop_assert_eq!(SEALER.open(&mixed), None);
    }

    #[test]
    fn no_text_opens_or_panics(text in "\\PC*|[A-Za-z0-9_-]{0,90}(\\.[A-Za-z0-9_-]{0,30}){0,6}") {
        prop_assert_eq!(SEALER.open(&text), None);
    }

    #[test]
    fn any_user_token_opens_as_it_was(minutes in -1_000_000..1_000_000_i64, bits in any::<u128>()) {
        let capsule = Capsule::User(UserToken {
            authorization: AuthorizationId::from_uuid(Uuid::from_u128(bits)),
            access: sample::everything(),
            issued_at: NOON,
            expires_at: NOON + chrono::TimeDelta::minutes(minutes),
        });
        prop_assert_eq!(SEALER.open(&sealed(&capsule)), Some(capsule));
    }
}
