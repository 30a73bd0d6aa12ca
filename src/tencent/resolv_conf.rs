//! Reads `/etc/resolv.conf` and `/etc/hosts`.

use std::path::PathBuf;
use std::time::Duration;

use hickory_resolver::Hosts;
use hickory_resolver::config::NameServerConfig;
use hickory_resolver::proto::rr::Name;
use resolv_conf::ScopedIp;

use crate::escape::escaped;
use crate::files;

/// The longest file, in bytes.
const MAX_FILE_BYTES: usize = 1024 * 1024;

/// The most servers, as in the C library.
const MAX_SERVERS: usize = 3;

/// The most search domains, as in Kubernetes.
const MAX_SEARCH_DOMAINS: usize = 32;

/// The most of `options ndots:` and `options attempts:`, as in the C library.
const MAX_NDOTS: u32 = 15;
const MAX_ATTEMPTS: u32 = 5;

/// The longest time to wait for a server. The default of `resolv.conf`, 5 s, is the whole time limit
/// of a connection, so with it one lost datagram would fail the connection.
const MAX_TIMEOUT: Duration = Duration::from_secs(2);

/// The same if there is another server.
const MAX_TIMEOUT_OF_SEVERAL: Duration = Duration::from_secs(1);

/// The paths of the files. They are reloaded when they change, because the daemon may run longer than
/// a network stays the same.
#[derive(Clone, Debug)]
pub(super) struct SystemFiles {
    pub(super) resolv_conf: PathBuf,
    pub(super) hosts: PathBuf,
}

impl Default for SystemFiles {
    fn default() -> Self {
        Self {
            resolv_conf: "/etc/resolv.conf".into(),
            hosts: "/etc/hosts".into(),
        }
    }
}

/// The version of each file: inode, time and length. `None` if the file is absent or unreadable.
pub(super) type Versions = [Option<(u64, i64, i64, u64)>; 2];

impl SystemFiles {
    /// Returns the current versions. Blocks the thread.
    pub(super) fn versions(&self) -> Versions {
        [&self.resolv_conf, &self.hosts].map(|file| files::stamp(file).ok())
    }

    /// Reads the files. Blocks the thread.
    pub(super) fn load(&self) -> SystemSettings {
        let mut system = match files::read(&self.resolv_conf, MAX_FILE_BYTES) {
            Ok(contents) => SystemSettings::parse(&contents.bytes),
            // Without servers, the names in the hosts file still resolve.
            Err(error) => SystemSettings {
                ignored: vec![error.to_string()],
                ..SystemSettings::parse(b"")
            },
        };
        if let Ok(contents) = files::read(&self.hosts, MAX_FILE_BYTES) {
            // A line that is not UTF-8 must not affect the other lines.
            let text = String::from_utf8_lossy(&contents.bytes);
            // Reading from memory does not fail.
            drop(system.hosts.read_hosts_conf(text.as_bytes()));
        }
        system
    }
}

/// The content of both files.
#[derive(Debug)]
pub(super) struct SystemSettings {
    pub(super) servers: Vec<NameServerConfig>,
    /// How long to wait for each server, and how often to query it.
    pub(super) timeout: Duration,
    pub(super) attempts: usize,
    pub(super) edns0: bool,
    /// The least number of dots of a name that is first tried as absolute.
    pub(super) ndots: usize,
    pub(super) hosts: Hosts,
    /// The domains that complete a relative name.
    pub(super) search: Vec<Name>,
    /// The ignored lines, for a warning.
    pub(super) ignored: Vec<String>,
}

impl SystemSettings {
    /// Parses a `resolv.conf`. Like the system's resolver, it ignores invalid lines.
    pub(super) fn parse(text: &[u8]) -> Self {
        let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
        let (parsed, errors) = resolv_conf::Config::parse_with_errors(text);
        let mut ignored: Vec<String> = errors.iter().map(ToString::to_string).collect();
        let mut servers = Vec::new();
        for server in parsed.nameservers.iter().take(MAX_SERVERS) {
            match server {
                ScopedIp::V6(address, Some(scope)) => ignored.push(format!(
                    "nameserver {address}%{}: addresses with a scope are not supported",
                    escaped(scope)
                )),
                server => servers.push(NameServerConfig::udp_and_tcp(server.into())),
            }
        }
        let mut search = Vec::new();
        let domains = parsed.get_last_search_or_domain();
        for domain in domains.take(MAX_SEARCH_DOMAINS) {
            match absolute(domain) {
                Some(domain) if domain.is_root() => {}
                Some(domain) => search.push(domain),
                None => ignored.push(format!("search {}: this is not a domain", escaped(domain))),
            }
        }
        let longest = match servers.len() {
            0 | 1 => MAX_TIMEOUT,
            _ => MAX_TIMEOUT_OF_SEVERAL,
        };
        let timeout = Duration::from_secs(parsed.timeout.into());
        Self {
            servers,
            timeout: timeout.clamp(MAX_TIMEOUT_OF_SEVERAL, longest),
            attempts: parsed.attempts.clamp(1, MAX_ATTEMPTS) as usize,
            edns0: parsed.edns0,
            ndots: parsed.ndots.min(MAX_NDOTS) as usize,
            hosts: Hosts::default(),
            search,
            ignored,
        }
    }
}

/// Returns an absolute name. `None` if the text is not a host name.
pub(super) fn absolute(name: &str) -> Option<Name> {
    let labels = name.strip_suffix('.').unwrap_or(name);
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    if !labels.bytes().all(is_plain) {
        return None;
    }
    let mut name = Name::from_ascii(name).ok()?;
    name.set_fqdn(true);
    Some(name)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn search(system: &SystemSettings) -> Vec<String> {
        system.search.iter().map(ToString::to_string).collect()
    }

    fn servers(system: &SystemSettings) -> Vec<String> {
        let servers = system.servers.iter();
        servers.map(|server| server.ip.to_string()).collect()
    }

    #[test]
    fn what_cannot_be_used_costs_nothing_else() {
        let label = "a".repeat(64);
        let line = format!(
            "search foo..bar {label} http://corp.example \"corp.example\" corp.example. . b\u{fc}ro.example sub_net.example"
        );
        for bad in [
            "",
            "nameserver",
            "nameserver none",
            "nameserver fe80::1%eth0",
            "nonsense",
            "options",
            "options ndots:many timeout: attempts:-1 no-such-option",
            "sortlist 1.2.3.4/many",
            "\u{feff}",
            "lookup elsewhere",
        ] {
            let text = format!("{bad}\n{line}\nnameserver 192.0.2.1\r\nnameserver 2001:db8::1\n");
            let system = SystemSettings::parse(text.as_bytes());
            assert_eq!(servers(&system), ["192.0.2.1", "2001:db8::1"], "{bad}");
            let found = search(&system);
            assert_eq!(found, ["corp.example.", "sub_net.example."], "{bad}");
            assert!(system.ignored.len() >= 5, "{bad}: {:?}", system.ignored);
        }
        let latin =
            b"search corp.example\n# b\xfcro\nsearch b\xfcro.example\nnameserver 192.0.2.1\n";
        let system = SystemSettings::parse(latin);
        assert_eq!(search(&system), ["corp.example."]);
        assert_eq!(servers(&system), ["192.0.2.1"]);
    }

    #[test]
    fn everything_has_a_bound() {
        let many = "nameserver 192.0.2.1\n".repeat(1_000);
        let search = format!("search {}\n", "corp.example ".repeat(1_000));
        let options = "options ndots:4000000000 attempts:4000000000 timeout:4000000000\n";
        let system = SystemSettings::parse(format!("{many}{search}{options}").as_bytes());
        assert_eq!(servers(&system).len(), MAX_SERVERS);
        assert_eq!(system.search.len(), MAX_SEARCH_DOMAINS);
        assert_eq!((system.ndots, system.attempts), (15, 5));
        assert_eq!(system.timeout, MAX_TIMEOUT_OF_SEVERAL);
        let one = SystemSettings::parse(b"nameserver 192.0.2.1\noptions timeout:9\n");
        assert_eq!(one.timeout, MAX_TIMEOUT);
        let least = SystemSettings::parse(b"options attempts:0 timeout:0\n");
        let found = (least.attempts, least.timeout);
        assert_eq!(found, (1, Duration::from_secs(1)));
    }

    #[test]
    fn only_regular_files_are_read() {
        let folder = tempfile::TempDir::new().expect("there is room");
        let file = |name: &str| folder.path().join(name);
        fs::write(
            file("hosts"),
            b"192.0.2.7 b\xfcro\n192.0.2.8 cloud.example\n",
        )
        .expect("there is room");
        let files = SystemFiles {
            resolv_conf: folder.path().into(),
            hosts: file("hosts"),
        };
        let system = files.load();
        assert_eq!(
            system.ignored,
            ["it is a directory; only regular files are read"]
        );
        let name = absolute("cloud.example").expect("it is a name");
        let query = hickory_resolver::proto::op::Query::query(
            name,
            hickory_resolver::proto::rr::RecordType::A,
        );
        assert!(system.hosts.lookup_static_host(&query).is_some());
    }

    #[test]
    fn a_change_of_a_file_is_another_version() {
        let folder = tempfile::TempDir::new().expect("there is room");
        let files = SystemFiles {
            resolv_conf: folder.path().join("resolv.conf"),
            hosts: folder.path().join("hosts"),
        };
        assert_eq!(files.versions(), [None, None]);
        fs::write(&files.resolv_conf, "nameserver 127.0.0.1\n").expect("there is room");
        let first = files.versions();
        fs::write(&files.resolv_conf, "nameserver 127.0.0.53\n").expect("there is room");
        assert!(first[0].is_some() && files.versions() != first);
    }
}
