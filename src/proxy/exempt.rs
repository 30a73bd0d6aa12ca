//! The hosts that are called without the proxy: this machine, its metadata service, and the hosts of
//! `NO_PROXY`, which is parsed like curl does.

use serde::Serialize;
use std::net::IpAddr;

/// The metadata service, which only the machine itself can reach.
const METADATA_HOST: &str = "metadata.tencentyun.com";

/// The parsed `NO_PROXY`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct NoProxy {
    everything: bool,
    names: Vec<String>,
    networks: Vec<Network>,
}

/// A network: an address and the length of its prefix in bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
struct Network {
    address: IpAddr,
    bits: u32,
}

impl NoProxy {
    /// Parses a list, separated by commas or whitespace. `*` alone stands for every host; an entry
    /// that is neither an address nor a network is a name, with or without a dot before it, and
    /// stands for every name below it too.
    pub(super) fn parse(list: &str) -> Self {
        let mut parsed = Self {
            everything: list.trim() == "*",
            ..Self::default()
        };
        let entries = list.split(|c: char| c == ',' || c.is_whitespace());
        for entry in entries.filter(|entry| !entry.is_empty()) {
            if let Some(network) = Network::parse(entry) {
                parsed.networks.push(network);
                continue;
            }
            let name = entry.strip_suffix('.').unwrap_or(entry);
            let name = name.strip_prefix('.').unwrap_or(name);
            if !name.is_empty() {
                parsed.names.push(name.to_ascii_lowercase());
            }
        }
        parsed
    }

    /// Returns whether a host is called directly. An IPv6 address may have brackets.
    pub(super) fn contains(&self, host: &str) -> bool {
        let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
        if let Some(address) = address(&host) {
            return self.everything
                || is_local(address)
                || self.networks.iter().any(|it| it.contains(address));
        }
        self.everything
            || host == METADATA_HOST
            || is_within(&host, "localhost")
            || self.names.iter().any(|name| is_within(&host, name))
    }
}

/// Returns whether an address is this machine or link-local, like the address of the metadata service.
fn is_local(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_loopback() || address.is_link_local(),
        IpAddr::V6(address) => match address.to_ipv4_mapped() {
            Some(mapped) => is_local(mapped.into()),
            None => address.is_loopback() || address.is_unicast_link_local(),
        },
    }
}

fn address(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
    bare.unwrap_or(text).parse().ok()
}

/// Returns whether a host has this name, or a name below it.
fn is_within(host: &str, name: &str) -> bool {
    host.strip_suffix(name)
        .is_some_and(|before| before.is_empty() || before.ends_with('.'))
}

impl Network {
    fn parse(text: &str) -> Option<Self> {
        let (start, bits) = match text.split_once('/') {
            Some((start, bits)) => (start, Some(bits)),
            None => (text, None),
        };
        let address = address(start)?;
        let all = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Some(all), |bits| bits.parse().ok())?;
        (bits <= all).then_some(Self { address, bits })
    }

    fn contains(self, other: IpAddr) -> bool {
        match (self.address, other) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                let difference = u32::from(own) ^ u32::from(other);
                difference.checked_shr(32 - self.bits).unwrap_or(0) == 0
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                let difference = u128::from(own) ^ u128::from(other);
                difference.checked_shr(128 - self.bits).unwrap_or(0) == 0
            }
            _ => false,
        }
    }
}
