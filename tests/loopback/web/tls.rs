//! TLS, and which client certificates are accepted.

use std::time::Duration;

use rcgen::SanType;

use super::exporter::{Exporter, client, eventually, folder_with};
use crate::support::pki::{Authority, Pair};

const SERVER: &str = "tls_server_config: {cert_file: server.crt, key_file: server.key";

async fn gets(exporter: &Exporter, client: &reqwest::Client, path: &str) -> Result<String, String> {
    let url = format!("https://{}{path}", exporter.address);
    let response = client
        .get(url)
        .send()
        .await
        .map_err(|error| format!("{error:?}"))?;
    response.text().await.map_err(|error| format!("{error:?}"))
}

#[tokio::test]
async fn each_policy_accepts_the_right_clients() {
    let (ours, others) = (Authority::new("ours"), Authority::new("others"));
    let (known, stranger) = (ours.client("known"), others.client("stranger"));
    let folder = folder_with(&[("ca.pem", &ours.pem)]);
    ours.server(2040).write(folder.path(), "server");
    let exporter = Exporter::open(folder, &format!("{SERVER}}}"));
    let clients: [Option<&Pair>; 3] = [None, Some(&known), Some(&stranger)];
    let ca = ", client_ca_file: ca.pem";
    for (policy, expected) in [
        ("NoClientCert".to_owned(), [true, true, true]),
        ("RequestClientCert".to_owned(), [true, true, true]),
        ("RequireAnyClientCert".to_owned(), [false, true, true]),
        (format!("VerifyClientCertIfGiven{ca}"), [true, true, false]),
        (
            format!("RequireAndVerifyClientCert{ca}"),
            [false, true, false],
        ),
        (
            format!("RequireAndVerifyClientCert{ca}, client_allowed_sans: [another, known]"),
            [false, true, false],
        ),
        (
            format!("RequireAndVerifyClientCert{ca}, client_allowed_sans: [another]"),
            [false, false, false],
        ),
    ] {
        exporter.change(&format!("{SERVER}, client_auth_type: {policy}}}"));
        let as_expected = eventually(async || {
            let mut accepted = Vec::new();
            for own in clients {
                let client = client(&ours.pem, own);
                accepted.push(gets(&exporter, &client, "/-/healthy").await.is_ok());
            }
            accepted == expected
        });
        assert!(as_expected.await, "{policy}: {}", exporter.log());
    }
}

#[tokio::test]
async fn every_kind_of_subject_alternative_name_is_matched() {
    let ours = Authority::new("ours");
    let folder = folder_with(&[("ca.pem", &ours.pem)]);
    ours.server(2040).write(folder.path(), "server");
    let sans = "client_allowed_sans: ['192.0.2.7', '2001:db8::7', 'p@example.com', 'spiffe://a/b', 'dns.example']";
    let ca = "client_auth_type: RequireAndVerifyClientCert, client_ca_file: ca.pem";
    let exporter = Exporter::open(folder, &format!("{SERVER}, {ca}, {sans}}}"));
    let text = |text: &str| text.try_into().unwrap();
    for san in [
        SanType::IpAddress("192.0.2.7".parse().unwrap()),
        SanType::IpAddress("2001:db8::7".parse().unwrap()),
        SanType::Rfc822Name(text("p@example.com")),
        SanType::URI(text("spiffe://a/b")),
        SanType::DnsName(text("dns.example")),
    ] {
        let own = ours.sign(std::slice::from_ref(&san), 2040);
        let got = gets(&exporter, &client(&ours.pem, Some(&own)), "/-/healthy").await;
        assert!(got.is_ok(), "{san:?}: {got:?}");
    }
    let other = ours.client("other.example");
    let got = gets(&exporter, &client(&ours.pem, Some(&other)), "/-/healthy").await;
    assert!(got.is_err());
}

#[tokio::test]
async fn a_new_certificate_is_used_and_its_expiry_is_a_metric() {
    let ours = Authority::new("ours");
    let folder = folder_with(&[]);
    ours.server(2030).write(folder.path(), "server");
    let exporter = Exporter::open(folder, &format!("{SERVER}}}"));
    let expiry = async |year_end: &str| {
        let client = client(&ours.pem, None);
        let metrics = gets(&exporter, &client, "/metrics")
            .await
            .unwrap_or_default();
        let line =
            format!("cloudaudit_exporter_tls_certificate_expiry_timestamp_seconds {year_end}");
        metrics.lines().any(|found| found == line)
    };
    assert!(eventually(async || expiry("1924905600").await).await);
    ours.server(2031).write(exporter.folder.path(), "server");
    assert!(
        eventually(async || expiry("1956441600").await).await,
        "{}",
        exporter.log()
    );

    // After a file becomes invalid, the certificate is kept, and requests fail with 500.
    std::fs::write(exporter.folder.path().join("server.key"), "no key").unwrap();
    let client = client(&ours.pem, None);
    let url = format!("https://{}/metrics", exporter.address);
    let is_500 = eventually(async || {
        let response = client.get(&url).send().await.unwrap();
        response.status() == 500
    });
    assert!(is_500.await);
    // A separate thread writes the log, so the line may appear after the response.
    let is_logged = eventually(async || exporter.log().contains("not a private key"));
    assert!(is_logged.await, "{}", exporter.log());
    ours.server(2032).write(exporter.folder.path(), "server");
    let is_200 = eventually(async || client.get(&url).send().await.unwrap().status() == 200);
    assert!(is_200.await);
}

#[tokio::test]
async fn clients_without_tls_or_with_a_slow_handshake_are_disconnected() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let ours = Authority::new("ours");
    let folder = folder_with(&[]);
    ours.server(2040).write(folder.path(), "server");
    let exporter = Exporter::open(folder, &format!("{SERVER}}}"));
    let mut plain = tokio::net::TcpStream::connect(exporter.address)
        .await
        .unwrap();
    plain
        .write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        .await
        .unwrap();
    let mut got = Vec::new();
    // An alert, or a reset.
    drop(plain.read_to_end(&mut got).await);
    assert!(!got.starts_with(b"HTTP"), "{got:?}");

    let mut silent = tokio::net::TcpStream::connect(exporter.address)
        .await
        .unwrap();
    let ended = tokio::time::timeout(Duration::from_secs(15), silent.read_to_end(&mut got));
    assert!(ended.await.is_ok(), "the handshake has a time limit");
}
