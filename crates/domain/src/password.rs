//! Passwords, as they are compared.

use unicode_normalization::UnicodeNormalization;

use crate::Secret;

/// A password as it is hashed and compared: every space is the one of ASCII, and all of it is in
/// normalization form C (RFC 8265 4.2.2, the profile OpaqueString). A keyboard, a phone and a program
/// may send the same characters in other bytes.
///
/// Whoever hashes passwords does this first, so that what sets one and what tries one agree. Characters
/// are not refused here: what a form can send may be tried.
///
/// ```
/// use alias_domain::{Secret, opaque_string};
/// let typed = Secret::new("cafe\u{301}\u{a0}noir".to_owned());
/// assert_eq!(opaque_string(&typed).expose(), "caf\u{e9} noir");
/// ```
#[must_use]
pub fn opaque_string(password: &Secret) -> Secret {
    let typed = password.expose();
    // At most three times as long (Unicode Standard Annex 15): so no copy is left behind unwiped.
    let mut normalized = String::with_capacity(3 * typed.len());
    normalized.extend(typed.chars().map(with_plain_space).nfc());
    Secret::new(normalized)
}

/// The spaces of Unicode (general category Zs) are one.
const fn with_plain_space(c: char) -> char {
    match c {
        '\u{a0}' | '\u{1680}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}' => {
            ' '
        }
        other => other,
    }
}
