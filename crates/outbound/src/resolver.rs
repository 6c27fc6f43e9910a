use std::{io, net::SocketAddr, sync::Arc};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::net::lookup_host;

use crate::PrivateNetworks;

/// The one name that must lead to this machine, whoever answers for it (RFC 6761 6.3).
pub(crate) const LOCALHOST: &str = "localhost";

/// A name leads to no address that may be connected to.
#[derive(Debug, thiserror::Error)]
#[error("the name leads to private addresses alone (outbound.allow_private)")]
struct Private;

/// Resolves names, and keeps the addresses that are admitted.
pub(crate) struct Guarded(pub(crate) Arc<PrivateNetworks>);

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let networks = Arc::clone(&self.0);
        Box::pin(async move {
            let found = lookup_host((name.as_str(), 0)).await?;
            let admitted = admitted(name.as_str(), found, &networks);
            if admitted.is_empty() {
                return Err(io::Error::other(Private).into());
            }
            Ok(Box::new(admitted.into_iter()) as Addrs)
        })
    }
}

fn admitted(
    name: &str,
    found: impl Iterator<Item = SocketAddr>,
    networks: &PrivateNetworks,
) -> Vec<SocketAddr> {
    let admits = |it: &SocketAddr| {
        let stays_here = name != LOCALHOST || it.ip().is_loopback();
        stays_here && networks.admits(it.ip())
    };
    found.filter(admits).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(name: &str, networks: &str, found: &[&str]) -> Vec<String> {
        let found = found.iter().map(|it| it.parse().expect("an address"));
        let networks = networks.parse().expect("networks");
        let kept = admitted(name, found, &networks);
        kept.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn of_a_names_addresses_those_that_are_admitted_are_kept() {
        let found = ["10.0.0.1:0", "1.1.1.1:0", "[::1]:0", "[2600::1]:0"];
        let kept = |networks| kept("example.com", networks, &found);
        assert_eq!(kept(""), ["1.1.1.1:0", "[2600::1]:0"]);
        assert_eq!(kept("::1"), ["1.1.1.1:0", "[::1]:0", "[2600::1]:0"]);
    }

    #[test]
    fn localhost_is_this_machine_whoever_answers_for_it() {
        let found = ["1.1.1.1:0", "127.0.0.1:0"];
        assert_eq!(kept("localhost", "127.0.0.1", &found), ["127.0.0.1:0"]);
        assert!(kept("localhost", "", &found).is_empty());
    }
}
