//! What [`SigningKeys`](crate::ports::SigningKeys) promises.

use super::{Kept, scene::*};
use crate::ports::{Store, StoredSigningKey};

fn key(kid: &str, algorithm: &str, minute: i64) -> StoredSigningKey {
    StoredSigningKey {
        kid: kid.to_owned(),
        algorithm: algorithm.to_owned(),
        sealed: format!("sealed {kid}"),
        public_jwk: format!("{{\"kid\":\"{kid}\"}}"),
        created_at: minutes(minute),
    }
}

pub async fn signing_keys_come_oldest_first(store: &dyn Store) -> Kept {
    let [old, new] = [key("b", "RS256", 0), key("a", "ES256", 1)];
    assert_eq!(store.signing_keys().await?, []);
    assert!(store.add_first_signing_key(&new).await?);
    assert!(store.add_first_signing_key(&old).await?);
    assert_eq!(store.signing_keys().await?, [old, new]);
    Ok(())
}

pub async fn an_algorithm_has_one_first_key(store: &dyn Store) -> Kept {
    let [first, second] = [key("a", "RS256", 0), key("b", "RS256", 1)];
    assert!(store.add_first_signing_key(&first).await?);
    assert!(!store.add_first_signing_key(&second).await?);
    assert_eq!(store.signing_keys().await?, [first]);
    Ok(())
}
