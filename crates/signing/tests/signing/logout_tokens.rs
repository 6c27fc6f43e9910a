//! A logout token has the header and the claims of OpenID Connect Back-Channel Logout 1.0, 2.4.

use alias_domain::{
    LogoutTokenClaims, SessionAlias, SigningAlgorithm,
    ports::IdTokens,
    testing::sample::{NOON, notice},
};
use alias_signing::IdTokenSigner;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::fixture::keyring;

/// The header and the claims.
async fn parts(algorithm: SigningAlgorithm) -> [Value; 2] {
    let signer = IdTokenSigner::new(&keyring().await);
    let claims = LogoutTokenClaims::new(
        "https://projectalias.com",
        &notice(),
        "DCZ2_7Se3ziXdcdSscAL0w",
        NOON,
    );
    let token = signer.sign_logout(algorithm, &claims).await.unwrap();
    let parts = token.expose().split('.').take(2);
    let read = |it| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(it).unwrap()).unwrap();
    parts.map(read).collect::<Vec<_>>().try_into().unwrap()
}

#[tokio::test]
async fn its_type_is_its_own_and_its_algorithm_the_clients() {
    for algorithm in SigningAlgorithm::ALL {
        let [header, _] = parts(algorithm).await;
        assert_eq!(header["typ"], "logout+jwt");
        assert_eq!(header["alg"], algorithm.name());
        assert!(header["kid"].is_string());
        assert_eq!(header.as_object().unwrap().len(), 3);
    }
}

#[tokio::test]
async fn it_tells_of_one_event_for_two_minutes_and_has_no_nonce() {
    let [_, claims] = parts(SigningAlgorithm::Rs256).await;
    let client = notice().client.id;
    let expected = json!({
        "iss": "https://projectalias.com",
        "sub": notice().alias_id,
        "aud": client,
        "iat": 1_593_518_400,
        "exp": 1_593_518_520,
        "jti": "DCZ2_7Se3ziXdcdSscAL0w",
        "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
        "sid": SessionAlias::of(notice().session, client),
    });
    assert_eq!(claims, expected);
}
