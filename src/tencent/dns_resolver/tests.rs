//! Resolves names with a server on loopback.

use std::collections::BTreeSet;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Mutex as StdMutex;
use std::sync::atomic::{AtomicU32, Ordering};

use hickory_resolver::config::{ConnectionConfig, NameServerConfig};
use hickory_resolver::proto::op::{Message, OpCode, Query, ResponseCode};
use hickory_resolver::proto::rr::rdata::{A, AAAA, CNAME, SOA};
use hickory_resolver::proto::rr::{Name, RData, Record, RecordType};
use tempfile::TempDir;
use tokio::net::UdpSocket;
use tracing::subscriber::set_default;

use super::*;
use crate::tencent::name_servers::{MAX_NEGATIVE_TTL, MAX_POSITIVE_TTL};

const V4: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
const V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);

/// Longer than a lookup without waiting takes on the slowest machine.
const A_MOMENT: Duration = Duration::from_millis(1_500);

/// What a server does with a question.
enum Reply {
    Records(Vec<RData>),
    Error(ResponseCode),
    /// There is no such name, and its zone says that this holds for a day.
    None,
    /// It is dropped.
    Silence,
}

fn usual(question: &Query) -> Reply {
    Reply::Records(vec![match question.query_type() {
        RecordType::A => RData::A(A(V4)),
        _ => RData::AAAA(AAAA(V6)),
    }])
}

fn unless(silent: RecordType) -> impl Fn(&Query) -> Reply {
    move |question| match question.query_type() {
        family if family == silent => Reply::Silence,
        _ => usual(question),
    }
}

type Questions = Arc<StdMutex<BTreeSet<String>>>;

/// Starts a server with this reply. Returns its port and the names that clients ask for.
async fn server(reply: impl Fn(&Query) -> Reply + Send + 'static) -> (u16, Questions) {
    let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a port");
    let port = socket.local_addr().expect("it is bound").port();
    let questions = Questions::default();
    let asked = Arc::clone(&questions);
    tokio::spawn(async move {
        let mut datagram = [0; 2048];
        while let Ok((length, from)) = socket.recv_from(&mut datagram).await {
            let message = Message::from_vec(&datagram[..length]).expect("a question");
            let question = message.queries[0].clone();
            let name = question.name().to_lowercase();
            asked.lock().expect("whole").insert(name.to_string());
            let mut answer = Message::response(message.metadata.id, OpCode::Query);
            answer.metadata.recursion_available = true;
            answer.add_query(question.clone());
            match reply(&question) {
                Reply::Silence => continue,
                Reply::Error(code) => answer.metadata.response_code = code,
                Reply::None => {
                    answer.metadata.response_code = ResponseCode::NXDomain;

                    let soa = SOA::new(
                        Name::root(),
                        Name::root(),
                        1,
                        86_400,
                        86_400,
                        86_400,
                        86_400,
                    );
                    let soa = Record::from_rdata(Name::root(), 86_400, RData::SOA(soa));
                    answer.add_authority(soa);
                }
                Reply::Records(records) => {
                    for data in records {
                        let record = Record::from_rdata(question.name().clone(), 86_400, data);
                        answer.add_answer(record);
                    }
                }
            }
            let bytes = answer.to_vec().expect("it can be written");
            drop(socket.send_to(&bytes, from).await);
        }
    });
    (port, questions)
}

/// Returns a resolver with these servers and the contents of the two files.
fn resolver(ports: &[u16], resolv_conf: &str, hosts: &str) -> NameServers {
    let system = settings(ports, resolv_conf, hosts);
    NameServers::new(system).expect("it can be made")
}

fn settings(ports: &[u16], resolv_conf: &str, hosts: &str) -> SystemSettings {
    let mut system = SystemSettings::parse(resolv_conf.as_bytes());
    let server = |port: &u16| {
        let mut connection = ConnectionConfig::udp();
        connection.port = *port;
        let mut server = NameServerConfig::udp([127, 0, 0, 1].into());
        server.connections = vec![connection];
        server
    };
    system.servers = ports.iter().map(server).collect();
    if ports.len() > 1 {
        system.timeout = Duration::from_secs(1);
    }
    let hosts = system.hosts.read_hosts_conf(hosts.as_bytes());
    hosts.expect("reading from memory does not fail");
    system
}

fn names(resolver: NameServers, host: Option<&str>) -> DnsResolver {
    let state = State {
        current: Some(([None; 2], Arc::new(resolver))),
        // Not checked again, because the real files differ.
        checked: Some(Instant::now() + Duration::from_hours(1)),
        check: None,
    };
    let system = Arc::new(Shared {
        files: SystemFiles::default(),
        state: Mutex::new(state),
    });
    DnsResolver { host: None, system }.for_host(host)
}

async fn resolve(names: &DnsResolver, name: &str) -> Result<Vec<IpAddr>, String> {
    let name = name.parse().expect("it is a name");
    let found = names
        .resolve(name)
        .await
        .map_err(|error| error.to_string())?;
    Ok(found.map(|address| address.ip()).collect())
}

fn asked(questions: &Questions) -> Vec<String> {
    let asked = questions.lock().expect("whole");
    asked.iter().cloned().collect()
}

const KUBERNETES: &str = "search ns.svc.cluster.local wild.example\noptions ndots:5\n";

/// Only the name itself exists below no search domain: a wildcard there answers for everything.
#[tokio::test]
async fn the_host_of_an_endpoint_is_absolute() {
    for host in ["metadata.tencentyun.com", "metadata.tencentyun.com:8080"] {
        let (port, questions) = server(usual).await;
        let names = names(resolver(&[port], KUBERNETES, ""), Some(host));
        let found = resolve(&names, "metadata.tencentyun.com").await;
        assert_eq!(found, Ok(vec![V6.into(), V4.into()]));
        assert_eq!(asked(&questions), ["metadata.tencentyun.com."]);
    }
}

/// As the system's own resolver does it.
#[tokio::test]
async fn a_proxy_and_a_host_without_a_dot_are_completed() {
    let exists = |question: &Query| match question.name().to_lowercase().to_string() {
        name if name.ends_with(".wild.example.") => usual(question),
        _ => Reply::None,
    };
    for (host, name, first) in [
        (
            "cloud.example",
            "proxy.infra",
            "proxy.infra.ns.svc.cluster.local.",
        ),
        (
            "cloudaudit-proxy",
            "cloudaudit-proxy",
            "cloudaudit-proxy.ns.svc.cluster.local.",
        ),
    ] {
        let (port, questions) = server(exists).await;
        let names = names(resolver(&[port], KUBERNETES, ""), Some(host));
        assert_eq!(resolve(&names, name).await, Ok(vec![V6.into(), V4.into()]));
        let completed = format!("{name}.wild.example.");
        assert_eq!(
            asked(&questions),
            BTreeSet::from([first, &completed])
                .into_iter()
                .collect::<Vec<_>>()
        );
        // A final dot says that it is whole.
        let dotted = resolve(&names, &format!("{name}.")).await;
        assert!(dotted.is_err_and(|error| error.contains("the DNS server has no address for it")));
    }
    // A name with enough dots is tried as it is first, and completed only if it does not exist.
    let (port, questions) = server(usual).await;
    let resolver = resolver(&[port], "search wild.example\n", "");
    let names = names(resolver, Some("cloud.example"));
    resolve(&names, "proxy.infra").await.expect("it exists");
    assert_eq!(asked(&questions), ["proxy.infra."]);
}

/// The family that answers is used soon, whichever it is.
#[tokio::test]
async fn a_server_that_drops_one_family_costs_a_fraction_of_a_second() {
    for (silent, found) in [
        (RecordType::AAAA, vec![IpAddr::from(V4)]),
        (RecordType::A, vec![IpAddr::from(V6)]),
    ] {
        let (port, _) = server(unless(silent)).await;
        let names = names(resolver(&[port], "", ""), None);
        for _ in 0..2 {
            let start = Instant::now();
            assert_eq!(resolve(&names, "cloud.example").await, Ok(found.clone()));
            assert!(start.elapsed() < A_MOMENT, "{:?}", start.elapsed());
        }
    }
}

/// A server that says "no such name" for the family that it does not know costs nothing either.
#[tokio::test]
async fn a_family_that_is_refused_does_not_cost_the_other() {
    for code in [
        ResponseCode::NXDomain,
        ResponseCode::ServFail,
        ResponseCode::NotImp,
        ResponseCode::Refused,
    ] {
        let (port, _) = server(move |question| match question.query_type() {
            RecordType::AAAA => Reply::Error(code),
            _ => usual(question),
        })
        .await;
        let names = names(resolver(&[port], "", ""), None);
        assert_eq!(
            resolve(&names, "cloud.example").await,
            Ok(vec![V4.into()]),
            "{code}"
        );
    }
}

/// If a server is silent or fails, the next one gets the query early enough for a connection.
#[tokio::test]
async fn a_first_server_that_is_of_no_use() {
    let (good, _) = server(usual).await;
    let silent = server(|_| Reply::Silence).await;
    let failing = server(|_| Reply::Error(ResponseCode::ServFail)).await;
    let closed = {
        let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a port");
        socket.local_addr().expect("it is bound").port()
    };
    for (first, questions) in [silent, failing, (closed, Questions::default())] {
        let names = names(resolver(&[first, good], "", ""), None);
        let found = timeout(Duration::from_secs(4), resolve(&names, "cloud.example")).await;
        assert_eq!(found.expect("in time"), Ok(vec![V6.into(), V4.into()]));
        // The next lookup skips it.
        resolve(&names, "other.example").await.expect("it exists");
        assert!(!asked(&questions).contains(&"other.example.".to_owned()));
    }
}

#[tokio::test]
async fn a_chain_of_names_is_followed() {
    let target = absolute("target.example").expect("a name");
    let (port, _) = server(move |question| {
        let Reply::Records(mut records) = usual(question) else {
            unreachable!("it always has records")
        };
        if question.name() != &target {
            records = vec![RData::CNAME(CNAME(target.clone()))];
        }
        Reply::Records(records)
    })
    .await;
    let names = names(resolver(&[port], "", ""), None);
    let found = resolve(&names, "cloud.example").await;
    assert_eq!(found, Ok(vec![V6.into(), V4.into()]));
}

/// An entry in the hosts file is final: the servers get no query.
#[tokio::test]
async fn hosts_come_first() {
    let (port, questions) = server(usual).await;
    let hosts = "192.0.2.9 cloud.example short\n";
    let names = names(resolver(&[port], KUBERNETES, hosts), Some("cloud.example"));
    let nine = IpAddr::from([192, 0, 2, 9]);
    for name in ["cloud.example", "cloud.example.", "short"] {
        assert_eq!(resolve(&names, name).await, Ok(vec![nine]), "{name}");
    }
    assert!(asked(&questions).is_empty());
}

/// However long a zone says that they hold.
#[tokio::test]
async fn answers_do_not_hold_for_a_day() {
    let (port, _) = server(|question| match question.query_type() {
        RecordType::A => usual(question),
        _ => Reply::None,
    })
    .await;
    let resolver = resolver(&[port], "", "");
    let name = absolute("cloud.example").expect("a name");
    let found = resolver.lookup(name, RecordType::A).await;
    let found = found.expect("it exists");
    let holds = found.valid_until();
    let holds = holds.saturating_duration_since(Instant::now().into_std());
    assert!(holds <= MAX_POSITIVE_TTL, "{holds:?}");
    let negative = resolver.servers[0].options().negative_max_ttl;
    assert_eq!(negative, Some(MAX_NEGATIVE_TTL));
    assert!(MAX_NEGATIVE_TTL <= Duration::from_secs(30));
}

/// One wrong answer is not believed for the day that it claims to hold.
#[tokio::test]
async fn a_name_that_did_not_exist_is_resolved_again() {
    const NEGATIVE: Duration = Duration::from_millis(200);
    let (port, _) = server({
        let asked = AtomicU32::new(0);
        // The first questions are of both families.
        move |question| match asked.fetch_add(1, Ordering::Relaxed) {
            0 | 1 => Reply::None,
            _ => usual(question),
        }
    })
    .await;
    let system = settings(&[port], "", "");
    let servers = NameServers::with_negative_ttl(system, NEGATIVE).expect("it can be made");
    let names = names(servers, None);
    let began = Instant::now();
    assert!(resolve(&names, "cloud.example").await.is_err());
    let found = loop {
        tokio::time::sleep(NEGATIVE / 4).await;
        if let Ok(found) = resolve(&names, "cloud.example").await {
            break found;
        }
        assert!(began.elapsed() < Duration::from_secs(20), "still believed");
    };
    assert!(found.contains(&V4.into()), "{found:?}");
    assert!(began.elapsed() >= NEGATIVE, "it was not cached");
}

#[tokio::test]
async fn localhost_needs_no_server() {
    let found = resolve(&DnsResolver::default(), "localhost").await;
    let found = found.expect("every system has it");
    assert!(found.iter().all(IpAddr::is_loopback) && !found.is_empty());
}

#[tokio::test]
async fn what_is_not_found_is_named_once() {
    let (port, _) = server(|_| Reply::None).await;
    let names = names(resolver(&[port], KUBERNETES, ""), Some("cloud.example"));
    for name in ["cloud.example", "absent"] {
        let error = resolve(&names, name)
            .await
            .expect_err("there is no such name");
        let expected = format!("cannot resolve {name}: the DNS server has no address for it");
        assert_eq!(error, expected);
    }
}

/// A file that hangs holds up one check, but no lookup and no further thread.
#[tokio::test]
async fn a_look_that_hangs_is_the_only_one() {
    let (port, _) = server(usual).await;
    let names = names(resolver(&[port], "", ""), None);
    let (release, hung) = std::sync::mpsc::channel::<()>();
    {
        let mut state = names.system.state.lock().await;
        state.checked = None;
        state.check = Some(spawn_blocking(move || {
            let _ = hung.recv();
            None
        }));
    }
    for _ in 0..3 {
        resolve(&names, "cloud.example")
            .await
            .expect("what was known");
        let state = names.system.state.lock().await;
        assert!(state.check.is_some());
    }
    drop(release);
    let mut state = names.system.state.lock().await;
    state.checked = None;
    drop(state);
    resolve(&names, "cloud.example")
        .await
        .expect("what was known");
    assert!(names.system.state.lock().await.check.is_none());
}

/// However many connections look up names, and however often the file is checked.
#[tokio::test]
async fn lines_that_cannot_be_used_are_one_warning() {
    let folder = TempDir::new().expect("a folder");
    let resolv_conf = folder.path().join("resolv.conf");
    std::fs::write(&resolv_conf, "nameserver 127.0.0.1\nsearch foo..bar\n").expect("written");
    let files = SystemFiles {
        resolv_conf,
        ..SystemFiles::default()
    };
    let state = Mutex::default();
    let system = Arc::new(Shared { files, state });
    let names = DnsResolver { host: None, system };

    let log = Log::default();
    let writer = log.clone();
    let to_log = tracing_subscriber::fmt().with_writer(move || writer.clone());
    let _logging = set_default(to_log.finish());
    for host in ["one.example", "other.example"] {
        for _ in 0..3 {
            let names = names.for_host(Some(host));
            resolve(&names, "localhost").await.expect("it exists");
            names.system.state.lock().await.checked = None;
        }
    }
    let log = log.0.lock().expect("whole").clone();
    let log = String::from_utf8(log).expect("UTF-8");
    let warnings: Vec<_> = log.lines().filter(|line| line.contains("WARN")).collect();
    let [warning] = warnings[..] else {
        panic!("not one warning: {log}");
    };
    for part in ["cannot use all of /etc/resolv.conf", "foo..bar"] {
        assert!(warning.contains(part), "{warning}");
    }
}

/// A log in memory.
#[derive(Clone, Default)]
struct Log(Arc<StdMutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("whole").write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
