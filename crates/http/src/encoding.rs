//! Text that was sent, in characters that may stand in an address.

use percent_encoding::{AsciiSet, CONTROLS, percent_encode};

/// A query string as an address can have it: what is no ASCII in it is percent-encoded, to be judged
/// with the parameter that it belongs to.
pub(crate) fn addressable(query: &[u8]) -> String {
    const UNSAFE: &AsciiSet = &CONTROLS
        .add(b' ')
        .add(b'"')
        .add(b'#')
        .add(b'<')
        .add(b'>')
        .add(b'`');
    percent_encode(query, UNSAFE).to_string()
}
