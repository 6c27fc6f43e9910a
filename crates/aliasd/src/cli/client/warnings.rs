//! Warnings on standard error about registrations with which client libraries are known to fail.

use alias_domain::{Client, NicknameClaims, SigningAlgorithm};

use crate::output;

/// Says what an operator must know who has a nickname told under other names.
pub(super) fn of_claims(client: &Client) {
    if client.claims != NicknameClaims::default() {
        output::progress(&format!("aliasd: warning: {}", NicknameClaims::WARNING));
    }
}

/// Says what whoever writes the client must know before its first ID token.
pub(super) fn of_algorithm(client: &Client) {
    let which = "docs/clients.md says which library takes which algorithm";
    let refused = match client.id_token_alg {
        SigningAlgorithm::Rs256 => return,
        SigningAlgorithm::Es256 => "Spring Security refuses ES256 unless told",
        SigningAlgorithm::EdDsa => {
            "jsonwebtoken (npm), python-jose and Spring Security refuse EdDSA, and joserfc, Nimbus and \
             ruby-jwt unless told"
        }
    };
    output::progress(&format!("aliasd: warning: {refused}: {which}"));
}
