use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

use ipnet::IpNet;

/// The networks that are not public and may be reached nevertheless: by default none.
///
/// ```
/// use alias_outbound::PrivateNetworks;
/// let networks: PrivateNetworks = "10.1.0.0/16, ::1".parse()?;
/// assert_eq!(networks.to_string(), "10.1.0.0/16, ::1/128");
/// assert!(networks.admits("10.1.2.3".parse()?) && !networks.admits("10.2.0.1".parse()?));
/// assert!(networks.admits("1.1.1.1".parse()?), "a public address always is");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PrivateNetworks(Vec<IpNet>);

/// Why a text names no networks.
///
/// ```
/// use alias_outbound::{MalformedNetworks, PrivateNetworks};
/// let refused = "10.0.0.1/8".parse::<PrivateNetworks>();
/// assert!(matches!(refused, Err(MalformedNetworks::HostBits { .. })));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MalformedNetworks {
    /// It is no address and no network.
    #[error("{0:?} is no IP address and no network such as 10.0.0.0/8 or fd00::/8")]
    NoNetwork(String),
    /// An address with a prefix length: one of the two is wrong.
    #[error("{given} is an address within a network; write {network} or the address alone")]
    HostBits {
        /// What was written.
        given: String,
        /// What may have been meant.
        network: IpNet,
    },
}

impl PrivateNetworks {
    /// This machine itself: for development alone.
    ///
    /// ```
    /// use alias_outbound::PrivateNetworks;
    /// assert_eq!(PrivateNetworks::loopback().to_string(), "127.0.0.0/8, ::1/128");
    /// ```
    #[must_use]
    pub fn loopback() -> Self {
        let networks = ["127.0.0.0/8", "::1/128"].map(str::parse);
        Self(networks.into_iter().flatten().collect())
    }

    /// Whether an address may be connected to; see the type for an example.
    #[must_use]
    pub fn admits(&self, address: IpAddr) -> bool {
        is_public(address) || self.0.iter().any(|it| it.contains(&address))
    }
}

impl FromStr for PrivateNetworks {
    type Err = MalformedNetworks;

    /// Reads addresses and networks between commas; nothing is no network.
    fn from_str(text: &str) -> Result<Self, MalformedNetworks> {
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        text.split(',')
            .map(network)
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

fn network(text: &str) -> Result<IpNet, MalformedNetworks> {
    let text = text.trim();
    let address = text.parse::<IpAddr>().map(IpNet::from);
    let network = address
        .or_else(|_| text.parse::<IpNet>())
        .map_err(|_| MalformedNetworks::NoNetwork(text.to_owned()))?;
    if network != network.trunc() {
        return Err(MalformedNetworks::HostBits {
            given: text.to_owned(),
            network: network.trunc(),
        });
    }
    Ok(network)
}

impl fmt::Display for PrivateNetworks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let networks: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&networks.join(", "))
    }
}

/// Whether an address is one that everybody can reach (IANA's special-purpose registries, RFC 6890).
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(it) => is_public_v4(it),
        IpAddr::V6(it) => is_public_v6(it),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = match (a, b, c) {
        // This network; private; loopback; link-local; multicast, reserved, broadcast.
        (0 | 10 | 127 | 224.., ..) | (169, 254, _) | (192, 168, _) => true,
        // Private; between a provider and its customers.
        (172, 16..32, _) | (100, 64..128, _) => true,
        // Protocols; documentation; 6to4 relays; benchmarks.
        (192, 0, 0 | 2) | (198, 51, 100) | (203, 0, 113) | (192, 88, 99) | (198, 18..20, _) => true,
        _ => false,
    };
    !special
}

/// Of all that is written as IPv6, global unicast alone: neither IPv4 in its guise, nor unique-local,
/// link-local and multicast addresses. Within that, what is for documentation or leads elsewhere.
fn is_public_v6(address: Ipv6Addr) -> bool {
    match address.segments() {
        // Protocols, with Teredo; documentation; 6to4, which has an IPv4 address within.
        [0x2001, 0..0x200 | 0xdb8, ..] | [0x2002, ..] | [0x3fff, 0..0x1000, ..] => false,
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admitted(networks: &str, address: &str) -> bool {
        let networks: PrivateNetworks = networks.parse().expect("networks");
        networks.admits(address.parse().expect("an address"))
    }

    #[test]
    fn a_public_address_is_admitted() {
        for address in [
            "1.1.1.1",
            "9.9.9.9",
            "11.0.0.1",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.1",
            "169.253.1.1",
            "172.15.0.1",
            "172.32.0.1",
            "192.0.1.1",
            "192.167.1.1",
            "198.17.0.1",
            "198.20.0.1",
            "223.255.255.255",
            "2001:4860:4860::8888",
            "2001:200::1",
            "2600::1",
            "2a00:1450::1",
            "3fff:1000::1",
        ] {
            assert!(admitted("", address), "{address}");
        }
    }

    #[test]
    fn any_other_address_is_not() {
        for address in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.254",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:1.1.1.1",
            "::7f00:1",
            "64:ff9b::7f00:1",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:1ff:ffff::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "3fff::1",
            "fc00::1",
            "fd12:3456::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(!admitted("", address), "{address}");
        }
    }

    #[test]
    fn what_is_allowed_is_admitted_and_nothing_beside_it() {
        assert!(admitted("127.0.0.1", "127.0.0.1"));
        assert!(!admitted("127.0.0.1", "127.0.0.2"));
        assert!(!admitted("127.0.0.0/8", "::ffff:127.0.0.1"));
        assert!(!admitted("127.0.0.0/8", "::1"));
        assert!(admitted("fd00::/8, 10.0.0.0/8", "fd12::1"));
        assert!(!admitted("0.0.0.0/0", "::1"), "of its own kind");
    }

    #[test]
    fn what_is_no_network_is_named() {
        let refused = |text: &str| text.parse::<PrivateNetworks>().map_err(|it| it.to_string());
        assert!(refused("").is_ok_and(|it| it == PrivateNetworks::default()));
        assert!(refused("10.0.0.1/8").is_err_and(|it| it.contains("write 10.0.0.0/8")));
        assert!(refused("localhost").is_err_and(|it| it.contains("\"localhost\"")));
    }
}
