//! Which address a request comes from, where proxies stand in between.
//!
//! Anybody may send `X-Forwarded-For` or `Forwarded`. So a header is read from its right end, and
//! only as far as proxies that are trusted wrote it: what stands left of the first address that is
//! none of theirs was said by a stranger, and is not looked at.

use std::{
    fmt,
    net::{IpAddr, Ipv6Addr},
    str::FromStr,
};

use actix_web::{
    HttpRequest,
    http::header::{FORWARDED, HeaderMap, HeaderName, X_FORWARDED_FOR},
    web::Data,
};
use ipnet::IpNet;

/// The proxies whose word on where a request comes from is taken.
///
/// ```
/// use alias_http::TrustedProxies;
/// let proxies: TrustedProxies = "10.0.0.0/8, 2001:db8::1".parse()?;
/// assert_eq!(proxies.to_string(), "10.0.0.0/8, 2001:db8::1/128");
/// # Ok::<(), alias_http::MalformedProxies>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustedProxies(Vec<IpNet>);

/// Why a text names no proxies.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MalformedProxies {
    /// It is no address and no network.
    #[error("{0:?} is no IP address and no network such as 10.0.0.0/8 or 2001:db8::/32")]
    NoNetwork(String),
    /// An address with a prefix length: one of the two is wrong.
    #[error("{given} is an address within a network; write {network} or the address alone")]
    HostBits {
        /// What was written.
        given: String,
        /// What may have been meant.
        network: IpNet,
    },
    /// All addresses there are: then anybody is whom they say.
    #[error("{0} trusts everybody; name the proxies")]
    Everybody(IpNet),
    /// IPv4 in the guise of IPv6: addresses are compared in their own form.
    #[error("{0} is IPv4 written as IPv6; write it as IPv4")]
    Mapped(IpNet),
}

impl FromStr for TrustedProxies {
    type Err = MalformedProxies;

    /// Reads addresses and networks between commas; nothing is no proxy.
    fn from_str(text: &str) -> Result<Self, MalformedProxies> {
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        text.split(',')
            .map(network)
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

fn network(text: &str) -> Result<IpNet, MalformedProxies> {
    let text = text.trim();
    let address = text.parse::<IpAddr>().map(IpNet::from);
    let network = address
        .or_else(|_| text.parse::<IpNet>())
        .map_err(|_| MalformedProxies::NoNetwork(text.to_owned()))?;
    if network.prefix_len() == 0 {
        return Err(MalformedProxies::Everybody(network));
    }
    if network != network.trunc() {
        return Err(MalformedProxies::HostBits {
            given: text.to_owned(),
            network: network.trunc(),
        });
    }
    match network {
        IpNet::V6(it) if it.network().to_ipv4_mapped().is_some() => {
            Err(MalformedProxies::Mapped(network))
        }
        _ => Ok(network),
    }
}

/// The address that a request comes from, as far as proxies that are trusted say.
pub(crate) fn source(request: &HttpRequest) -> Option<IpAddr> {
    let peer = request.peer_addr()?.ip();
    let proxies = request.app_data::<Data<TrustedProxies>>()?;
    Some(proxies.client(peer, request.headers()))
}

/// What counts as one source: an address or, of IPv6, the /64 of which each subscriber has all. `None`
/// of this machine, where a proxy may stand that everybody comes through.
#[must_use]
pub fn source_network(source: IpAddr) -> Option<IpAddr> {
    match source.to_canonical() {
        it if it.is_loopback() => None,
        IpAddr::V6(it) => {
            let mut segments = it.segments();
            segments[4..].fill(0);
            Some(IpAddr::V6(Ipv6Addr::from(segments)))
        }
        it => Some(it),
    }
}

impl TrustedProxies {
    /// What a connection of this peer counts to, or `None` where many come through it.
    pub(crate) fn source_of(&self, peer: IpAddr) -> Option<IpAddr> {
        let is_one = !self.trusts(peer.to_canonical());
        is_one.then(|| source_network(peer)).flatten()
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.0.iter().any(|it| it.contains(&address))
    }

    /// The address that a request comes from: its peer's, unless that is a trusted proxy and says
    /// otherwise. `Forwarded` (RFC 7239) and `X-Forwarded-For` may both be there, if they agree.
    pub(crate) fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let peer = peer.to_canonical();
        if !self.trusts(peer) {
            return peer;
        }
        let x_forwarded_for = self.farthest(hops(headers, &X_FORWARDED_FOR, x_forwarded_for));
        let forwarded = self.farthest(hops(headers, &FORWARDED, forwarded));
        match (x_forwarded_for, forwarded) {
            (Said::Client(client), Said::Nothing) | (Said::Nothing, Said::Client(client)) => client,
            (Said::Client(one), Said::Client(other)) if one == other => one,
            _ => peer,
        }
    }

    /// Goes back from hop to hop, nearest first, as far as the word of proxies carries. Where all
    /// are proxies, the farthest is itself the client.
    fn farthest(&self, hops: impl Iterator<Item = Hop>) -> Said {
        let mut farthest = Said::Nothing;
        for hop in hops {
            match hop {
                Hop::Address(address) if self.trusts(address) => farthest = Said::Client(address),
                Hop::Address(address) => return Said::Client(address),
                Hop::Unknown => return Said::Unusable,
            }
        }
        farthest
    }
}

impl fmt::Display for TrustedProxies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let networks: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&networks.join(", "))
    }
}

/// What a header says of the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Said {
    Nothing,
    Client(IpAddr),
    Unusable,
}

/// Whom a proxy had its request from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hop {
    Address(IpAddr),
    /// No address: `unknown`, an obfuscated identifier, or what cannot be read.
    Unknown,
}

/// The hops of all headers of a name, nearest first.
fn hops<'a>(
    headers: &'a HeaderMap,
    name: &'a HeaderName,
    parse: fn(&str) -> Vec<Hop>,
) -> impl Iterator<Item = Hop> + use<'a> {
    let mut lines: Vec<_> = headers.get_all(name).collect();
    lines.reverse();
    lines.into_iter().flat_map(move |line| {
        let mut hops = line.to_str().map_or_else(|_| vec![Hop::Unknown], parse);
        hops.reverse();
        hops
    })
}

/// A line of `X-Forwarded-For`: addresses between commas, as proxies write them, perhaps with a
/// port. No standard says how.
fn x_forwarded_for(line: &str) -> Vec<Hop> {
    let elements = line.split(',').map(str::trim);
    elements
        .filter(|it| !it.is_empty())
        .map(|it| match it.parse::<Ipv6Addr>() {
            Ok(bare) => Hop::Address(IpAddr::V6(bare).to_canonical()),
            Err(_) => node(it),
        })
        .collect()
}

/// A line of `Forwarded` (RFC 7239 4). Of one that is malformed nothing is believed: where one
/// element ends and the next begins is then anybody's guess.
fn forwarded(line: &str) -> Vec<Hop> {
    elements(line).unwrap_or_else(|| vec![Hop::Unknown])
}

fn elements(line: &str) -> Option<Vec<Hop>> {
    let mut hops = Vec::new();
    let mut rest = line;
    loop {
        let (hop, after) = element(rest)?;
        hops.extend(hop);
        match after.strip_prefix(',') {
            Some(next) => rest = next,
            None => return after.is_empty().then_some(hops),
        }
    }
}

/// One element, up to its comma: pairs between semicolons, no name twice. An empty one is no hop
/// (RFC 9110 5.6.1).
fn element(text: &str) -> Option<(Option<Hop>, &str)> {
    let mut rest = text.trim_start_matches([' ', '\t']);
    let (mut names, mut hop) = (Vec::new(), None);
    loop {
        if !rest.is_empty() && !rest.starts_with([';', ',']) {
            let (name, value) = rest.split_once('=')?;
            let (value, after) = value_of(value)?;
            let name = name.to_ascii_lowercase();
            if !name.bytes().all(is_token) || name.is_empty() || names.contains(&name) {
                return None;
            }
            if name == "for" {
                hop = Some(node(&value));
            }
            names.push(name);
            rest = after;
        }
        rest = rest.trim_start_matches([' ', '\t']);
        match rest.strip_prefix(';') {
            Some(next) => rest = next.trim_start_matches([' ', '\t']),
            None if rest.is_empty() || rest.starts_with(',') => {
                // A proxy that does not say from whom it had the request.
                let hop = hop.or((!names.is_empty()).then_some(Hop::Unknown));
                return Some((hop, rest));
            }
            None => return None,
        }
    }
}

/// A token or a quoted string (RFC 9110 5.6), and what comes after it.
fn value_of(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.bytes().take_while(|it| is_token(*it)).count();
        return (end > 0).then(|| (text[..end].to_owned(), &text[end..]));
    };
    let (mut value, mut chars) = (String::new(), quoted.chars());
    loop {
        match chars.next()? {
            '"' => return Some((value, chars.as_str())),
            '\\' => value.push(chars.next()?),
            other => value.push(other),
        }
    }
}

const fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'!' | b'#'..=b'\'' | b'*' | b'+' | b'-' | b'.')
        || matches!(byte, b'^' | b'_' | b'`' | b'|' | b'~')
}

/// A node (RFC 7239 6): an IPv4 address or an IPv6 address in brackets, perhaps with a port, which
/// may be obfuscated. Whatever else is `unknown`, or obfuscated, or wrong.
fn node(text: &str) -> Hop {
    let (host, port) = match text.rfind(':').filter(|it| !text[*it..].contains(']')) {
        Some(colon) => (&text[..colon], Some(&text[colon + 1..])),
        None => (text, None),
    };
    let address = match host.strip_prefix('[').and_then(|it| it.strip_suffix(']')) {
        Some(inner) => inner.parse::<Ipv6Addr>().map(IpAddr::V6),
        None => host.parse().map(IpAddr::V4),
    };
    match address {
        Ok(address) if port.is_none_or(is_port) => Hop::Address(address.to_canonical()),
        _ => Hop::Unknown,
    }
}

fn is_port(text: &str) -> bool {
    match text.strip_prefix('_') {
        Some(obfuscated) => {
            let sound = |it: u8| it.is_ascii_alphanumeric() || matches!(it, b'.' | b'_' | b'-');
            !obfuscated.is_empty() && obfuscated.bytes().all(sound)
        }
        None => (1..=5).contains(&text.len()) && text.bytes().all(|it| it.is_ascii_digit()),
    }
}

#[cfg(test)]
mod tests;
