//! What [`Keys`](crate::ports::Keys) promises.

use super::{Kept, scene::*};
use crate::ports::{Store, StoredKey};

fn key(kid: &str, algorithm: &str, minute: i64) -> StoredKey {
    StoredKey {
        kid: kid.to_owned(),
        algorithm: algorithm.to_owned(),
        sealed: format!("sealed {kid}"),
        created_at: minutes(minute),
        active_from: minutes(minute + 10),
    }
}

/// One key of each algorithm; the second is of a later version.
async fn two_algorithms(store: &dyn Store) -> Result<[StoredKey; 2], crate::ports::StoreError> {
    let keys = [key("a", "RS256", 0), key("b", "ML-DSA-65", 5)];
    for key in &keys {
        assert!(store.add_first_key(key).await?);
    }
    Ok(keys)
}

pub async fn keys_come_oldest_first(store: &dyn Store) -> Kept {
    let old = key("c", "RS256", 0);
    let [new, new_too] = [key("a", "ES256", 1), key("b", "EdDSA", 1)];
    assert_eq!(store.keys().await?, []);
    for key in [&new_too, &new, &old] {
        assert!(store.add_first_key(key).await?);
    }
    assert_eq!(store.keys().await?, [old, new, new_too]);
    Ok(())
}

pub async fn an_algorithm_has_one_first_key(store: &dyn Store) -> Kept {
    let [first, second] = [key("a", "RS256", 0), key("b", "RS256", 1)];
    assert!(store.add_first_key(&first).await?);
    assert!(!store.add_first_key(&second).await?);
    assert_eq!(store.keys().await?, [first]);
    Ok(())
}

pub async fn a_key_is_added_after_the_newest_of_its_algorithm(store: &dyn Store) -> Kept {
    let [first, other] = two_algorithms(store).await?;
    let [second, third] = [key("c", "RS256", 6), key("d", "RS256", 7)];
    assert!(store.add_key(&second, "a").await?);
    assert!(store.add_key(&third, "c").await?);
    assert_eq!(store.keys().await?, [first, other, second, third]);
    Ok(())
}

pub async fn a_key_is_not_added_after_any_other(store: &dyn Store) -> Kept {
    let [first, other] = two_algorithms(store).await?;
    let second = key("c", "RS256", 6);
    assert!(store.add_key(&second, "a").await?);
    // One that is not the newest any more, one of another algorithm, one that there is not.
    for after in ["a", "b", "x", ""] {
        assert!(!store.add_key(&key("d", "RS256", 7), after).await?);
    }
    // An algorithm without a key.
    assert!(!store.add_key(&key("d", "ES256", 7), "c").await?);
    assert_eq!(store.keys().await?, [first, other, second]);
    Ok(())
}

pub async fn of_keys_made_at_once_the_newest_is_that_of_the_last_kid(store: &dyn Store) -> Kept {
    assert!(store.add_first_key(&key("a", "RS256", 0)).await?);
    assert!(store.add_key(&key("b", "RS256", 0), "a").await?);
    assert!(!store.add_key(&key("c", "RS256", 1), "a").await?);
    assert!(store.add_key(&key("c", "RS256", 1), "b").await?);
    Ok(())
}

pub async fn a_key_is_removed_once_and_no_other_goes_with_it(store: &dyn Store) -> Kept {
    let [first, other] = two_algorithms(store).await?;
    let second = key("c", "RS256", 6);
    assert!(store.add_key(&second, &first.kid).await?);
    assert!(store.remove_key(&first.kid).await?);
    assert!(!store.remove_key(&first.kid).await?);
    assert_eq!(store.keys().await?, [other, second]);
    Ok(())
}

pub async fn a_key_is_replaced_once_if_it_is_still_as_it_was(store: &dyn Store) -> Kept {
    let [first, other] = two_algorithms(store).await?;
    let left = StoredKey {
        algorithm: "RS256-public".to_owned(),
        sealed: "what is left".to_owned(),
        ..first.clone()
    };
    let unlike = StoredKey {
        sealed: "something else".to_owned(),
        ..first.clone()
    };
    assert!(!store.replace_key(&unlike, &left).await?);
    assert!(store.replace_key(&first, &left).await?);
    assert!(!store.replace_key(&first, &left).await?);
    assert_eq!(store.keys().await?, [left, other]);
    Ok(())
}

pub async fn a_removed_newest_key_leaves_the_one_before_as_the_newest(store: &dyn Store) -> Kept {
    let [first, other] = two_algorithms(store).await?;
    assert!(store.add_key(&key("c", "RS256", 6), "a").await?);
    assert!(store.remove_key("c").await?);
    let third = key("d", "RS256", 7);
    assert!(!store.add_key(&third, "c").await?);
    assert!(store.add_key(&third, "a").await?);
    assert_eq!(store.keys().await?, [first, other, third]);
    Ok(())
}
