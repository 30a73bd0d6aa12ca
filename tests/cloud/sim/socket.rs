//! The simulated cloud behind a socket, in real time. Requests are sent over plain TCP, and
//! responses are checked byte by byte.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use cloudaudit_exporter::sim::{Fault, Member, Role, Server, World};
use http::Request;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

use super::products::{permanent, temporary};
use super::{ID, KEY, REGION, UIN, world};
use crate::support::signer::Signer;

/// The timeout of reads. A response on loopback arrives sooner, or never.
const READ_TIMEOUT: Duration = Duration::from_secs(5);

struct Cloud {
    address: SocketAddr,
    world: World,
    serving: JoinHandle<()>,
}

impl Cloud {
    async fn start(world: World) -> Self {
        Self::start_on("127.0.0.1:0".parse().unwrap(), world).await
    }

    async fn start_on(address: SocketAddr, world: World) -> Self {
        let server = Server::bind(address, world.clone()).await.unwrap();
        Self {
            address: server.local_addr(),
            world,
            serving: tokio::spawn(server.serve(std::future::pending::<()>())),
        }
    }

    /// Aborts the server, as `kill -9` would.
    async fn kill(self) {
        self.serving.abort();
        assert!(self.serving.await.unwrap_err().is_cancelled());
    }

    fn page(&self, page: u64) -> Request<Bytes> {
        let signer = Signer::new(&self.address.to_string(), ID, KEY);
        signer.list(self.world.now(), REGION, page, 2)
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Requests the first page on a new connection, and reads until the connection closes.
    async fn ask(&self) -> io::Result<String> {
        self.send(&self.page(1)).await
    }

    /// Sends a request on a new connection, and reads until the connection closes.
    async fn send(&self, request: &Request<Bytes>) -> io::Result<String> {
        let mut stream = self.connect().await;
        send(&mut stream, request, "close").await;
        read_to_end(&mut stream).await
    }
}

async fn send(stream: &mut TcpStream, request: &Request<Bytes>, connection: &str) {
    let (method, uri) = (request.method(), request.uri());
    let mut text = format!("{method} {uri} HTTP/1.1\r\nConnection: {connection}\r\n");
    for (name, value) in request.headers() {
        text.extend([name.as_str(), ": ", value.to_str().unwrap(), "\r\n"]);
    }
    let length = request.body().len().to_string();
    text.extend(["Content-Length: ", &length, "\r\n\r\n"]);
    stream.write_all(text.as_bytes()).await.unwrap();
    stream.write_all(request.body()).await.unwrap();
}

async fn read_to_end(stream: &mut TcpStream) -> io::Result<String> {
    let mut received = Vec::new();
    let reading = stream.read_to_end(&mut received);
    timeout(READ_TIMEOUT, reading)
        .await
        .expect("the connection stays open")?;
    Ok(String::from_utf8(received).unwrap())
}

fn json(response: &str) -> Value {
    let (_, body) = response.split_once("\r\n\r\n").unwrap();
    serde_json::from_str(body).unwrap()
}

#[tokio::test]
async fn a_response_looks_like_that_of_the_real_gateway() {
    let cloud = Cloud::start(world(3)).await;
    let response = cloud.ask().await.unwrap();
    assert!(response.starts_with("HTTP/1.1 200 OK\r\n"), "{response}");
    assert!(response.contains("\r\nServer: nginx\r\n"), "{response}");
    assert!(
        response.contains("\r\nContent-Type: application/json\r\n"),
        "{response}"
    );
    assert!(
        response.contains("\r\nDate: Mon, 25 Feb 2019 16:44:"),
        "{response}"
    );
    assert_eq!(response.matches("\r\nDate:").count(), 1);
    let answer = json(&response);
    assert_eq!(answer["Response"]["TotalCount"], 3);
    assert_eq!(answer["Response"]["Tracks"][1]["TrackId"], 2);
}

#[tokio::test]
async fn every_product_and_the_metadata_service_respond_at_one_address() {
    let cloud = Cloud::start(world(2)).await;
    let account = cloud.world.account(UIN).unwrap();
    account.add_role(Role::new("monitor").trusts_account(UIN));
    account.add_member(Member::new(100_000_000_001, "主账号"));
    cloud.world.bind_machine(UIN, "monitor");
    let signed = |action, body| permanent().request(&cloud.world, action, "", body);

    let assume = ["sts", "AssumeRole", "2018-08-13"];
    let assume_body =
        r#"{"RoleArn":"qcs::cam::uin/100000000001:roleName/monitor","RoleSessionName":"me"}"#;
    let assumed = json(&cloud.send(&signed(assume, assume_body)).await.unwrap());
    let key = temporary(&assumed["Response"]);
    let list = ["cloudaudit", "DescribeAuditTracks", "2019-03-19"];
    let body = r#"{"PageNumber":1,"PageSize":10}"#;
    let listing = key.request(&cloud.world, list, REGION, body);
    let listing = json(&cloud.send(&listing).await.unwrap());
    assert_eq!(listing["Response"]["TotalCount"], 2);

    let members = ["organization", "DescribeOrganizationMembers", "2021-03-31"];
    let members = signed(members, r#"{"Offset":0,"Limit":50}"#);
    let members = json(&cloud.send(&members).await.unwrap());
    assert_eq!(members["Response"]["Items"][0]["Name"], "主账号");

    let metadata = async |path: &str| {
        let path = format!("/latest/meta-data/cam/security-credentials/{path}");
        let request = Request::get(path).header("Host", "metadata.tencentyun.com");
        cloud
            .send(&request.body(Bytes::new()).unwrap())
            .await
            .unwrap()
    };
    let name = metadata("").await;
    assert!(name.contains("\r\nContent-Type: text/plain\r\n"), "{name}");
    assert!(name.ends_with("\r\n\r\nmonitor"), "{name}");
    assert_eq!(json(&metadata("monitor").await)["Code"], "Success");
    let missing = metadata("another").await;
    assert!(
        missing.starts_with("HTTP/1.1 404 Not Found\r\n"),
        "{missing}"
    );
}

#[tokio::test]
async fn a_connection_is_reused() {
    let cloud = Cloud::start(world(3)).await;
    let mut stream = cloud.connect().await;
    send(&mut stream, &cloud.page(1), "keep-alive").await;
    let mut first = [0; 12];
    stream.read_exact(&mut first).await.unwrap();
    send(&mut stream, &cloud.page(2), "close").await;
    let rest = read_to_end(&mut stream).await.unwrap();
    assert_eq!(rest.matches("HTTP/1.1 200 OK").count(), 1);
    assert!(
        rest.contains(r#""TrackId":1"#) && rest.contains(r#""TrackId":3"#),
        "{rest}"
    );
    let pages: Vec<_> = cloud.world.calls().iter().map(|call| call.page).collect();
    assert_eq!(pages, [Some(1), Some(2)]);
}

#[tokio::test]
async fn a_reset_fault_resets_the_connection() {
    let cloud = Cloud::start(world(1)).await;
    cloud.world.inject(Fault::reset());
    let error = cloud.ask().await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    assert!(cloud.ask().await.is_ok());
}

#[tokio::test]
async fn a_truncated_body_ends_early() {
    let cloud = Cloud::start(world(1)).await;
    cloud.world.inject(Fault::truncated());
    let response = cloud.ask().await.unwrap();
    let (head, body) = response.split_once("\r\n\r\n").unwrap();
    let promised = head.split("Content-Length: ").nth(1).unwrap();
    let promised: usize = promised.lines().next().unwrap().parse().unwrap();
    assert_eq!(body.len(), promised / 2);
}

#[tokio::test]
async fn a_dripping_body_arrives_completely() {
    let cloud = Cloud::start(world(2)).await;
    cloud.world.inject(Fault::drip(Duration::from_millis(300)));
    let mut stream = cloud.connect().await;
    send(&mut stream, &cloud.page(1), "close").await;
    let began = Instant::now();
    let mut reads = 0;
    let mut received = Vec::new();
    while timeout(READ_TIMEOUT, stream.read_buf(&mut received))
        .await
        .unwrap()
        .unwrap()
        > 0
    {
        reads += 1;
    }
    assert!(began.elapsed() >= Duration::from_millis(300));
    assert!(reads > 5, "{reads} reads");
    let response = String::from_utf8(received).unwrap();
    assert!(!response.contains("Transfer-Encoding"), "{response}");
    assert_eq!(json(&response)["Response"]["TotalCount"], 2);
}

#[tokio::test]
async fn a_hanging_response_delays_no_other() {
    let cloud = Cloud::start(world(1)).await;
    cloud.world.inject(Fault::hang());
    let mut hanging = cloud.connect().await;
    send(&mut hanging, &cloud.page(1), "close").await;
    while cloud.world.call_count() == 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert!(cloud.ask().await.is_ok());
    let silence = timeout(Duration::from_millis(50), hanging.read_u8()).await;
    assert!(silence.is_err());
}

#[tokio::test]
async fn a_kill_closes_every_connection_and_a_restart_uses_the_same_port() {
    let cloud = Cloud::start(world(1)).await;
    let (address, world) = (cloud.address, cloud.world.clone());
    world.inject(Fault::hang());
    let mut hanging = cloud.connect().await;
    send(&mut hanging, &cloud.page(1), "close").await;
    let mut idle = cloud.connect().await;
    while world.call_count() == 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }

    cloud.kill().await;
    assert_eq!(read_to_end(&mut hanging).await.unwrap_or_default(), "");
    assert_eq!(read_to_end(&mut idle).await.unwrap_or_default(), "");
    let refused = TcpStream::connect(address).await.unwrap_err();
    assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);

    let cloud = Cloud::start_on(address, world).await;
    assert!(cloud.ask().await.is_ok());
    assert_eq!(cloud.world.call_count(), 2);
}

#[tokio::test]
async fn a_shutdown_closes_idle_connections_immediately() {
    let server = Server::bind("127.0.0.1:0".parse().unwrap(), world(1))
        .await
        .unwrap();
    let address = server.local_addr();
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = tokio::spawn(server.serve(stopped));
    let mut idle = TcpStream::connect(address).await.unwrap();
    stop.send(()).unwrap();
    timeout(READ_TIMEOUT, serving).await.unwrap().unwrap();
    assert_eq!(read_to_end(&mut idle).await.unwrap_or_default(), "");
    assert!(TcpStream::connect(address).await.is_err());
}
