//! Certificates in PEM text and failed handshakes: none is lost, and each error is a sentence.

#![expect(
    clippy::unwrap_used,
    reason = "a helper of a test fails it by panicking"
)]

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use cloudaudit_exporter::pem;
use cloudaudit_exporter::tencent::{
    CaFile, HttpOptions, Network, Transport, TransportError, TransportErrorKind,
};
use http::Request;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::net::TcpListener;
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(20);

fn ca(name: &str) -> (CertificateParams, KeyPair) {
    let mut params = CertificateParams::new(vec!["localhost".into()]).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    (params, KeyPair::generate().unwrap())
}

fn pem_of_ca() -> String {
    let (params, key) = ca("another CA");
    params.self_signed(&key).unwrap().pem()
}

#[test]
fn every_certificate_is_read() {
    let (one, two) = (pem_of_ca(), pem_of_ca());
    let key = KeyPair::generate().unwrap().serialize_pem();
    for (what, text) in [
        ("plain", format!("{one}{two}")),
        ("byte order marks", format!("\u{feff}{one}\u{feff}{two}")),
        (
            "line ends of Windows",
            format!("{one}{two}").replace('\n', "\r\n"),
        ),
        (
            "line ends of old Macs",
            format!("{one}{two}").replace('\n', "\r"),
        ),
        (
            "indented",
            format!("{one}{two}").replace("-----BEGIN", "  -----BEGIN"),
        ),
        (
            "blanks at the ends of lines",
            format!("{one}{two}").replace('\n', "  \n"),
        ),
        (
            "text between",
            format!("# Begin of a certificate: one\n{one}\nsubject=云 two\n{two}bye -- end"),
        ),
        ("no line break between", format!("{}{two}", one.trim_end())),
        ("a key between", format!("{one}{key}{two}")),
        (
            "the older label",
            format!("{one}{two}").replace("CERTIFICATE", "X509 CERTIFICATE"),
        ),
    ] {
        let read = pem::certificates(text.as_bytes());
        let read = read.unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!(read.len(), 2, "{what}");
    }
    let wide: Vec<u8> = one.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let error = pem::certificates(&wide).unwrap_err();
    assert_eq!(error, "it is UTF-16; save it as UTF-8");
    let latin = [b"# caf\xe9\n".as_slice(), one.as_bytes()].concat();
    assert_eq!(pem::certificates(&latin).unwrap().len(), 1);
}

#[test]
fn a_certificate_that_cannot_be_read_is_named() {
    let (one, two) = (pem_of_ca(), pem_of_ca());
    let key = KeyPair::generate().unwrap().serialize_pem();
    let refused = |what: &str, text: &str, named: &str| {
        let error = pem::certificates(text.as_bytes()).expect_err(what);
        assert!(error.contains(named), "{what}: {error}");
    };
    refused("nothing", "", "it contains no certificate");
    refused("a key alone", &key, "it contains no certificate");
    refused(
        "OpenSSL's own form",
        &format!("{one}{}", two.replace("CERTIFICATE", "TRUSTED CERTIFICATE")),
        "openssl x509",
    );
    refused(
        "its first line is lost, at the beginning",
        &format!("{}{two}", one.split_once('\n').unwrap().1),
        "certificate 1 (line ",
    );
    for (what, second) in [
        ("no end", two.replace("-----END", "")),
        ("another end", two.replace("END CERT", "END X CERT")),
        ("no base64", two.replacen("MII", "M?I", 1)),
        ("cut", two.replacen("MII", "", 1)),
        ("base64 of something else", two.replacen("MII", "AAA", 1)),
        ("no line breaks", two.replace('\n', "")),
        ("a comment on its first line", format!("# the second {two}")),
        ("a quote", format!("> {}", two.replace('\n', "\n> "))),
        ("four dashes", two.replacen('-', "", 1)),
        ("other dashes", two.replace("-----", "\u{2014}\u{2014}")),
        ("lower case", two.to_lowercase()),
        (
            "its first line is lost",
            two.split_once('\n').unwrap().1.to_owned(),
        ),
    ] {
        refused(what, &format!("{one}{second}"), "certificate 2 (line ");
    }
}

#[test]
fn the_error_names_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    let text = pem_of_ca() + &pem_of_ca().replace("CERTIFICATE", "TRUSTED CERTIFICATE");
    std::fs::write(&file, text).unwrap();
    let options = HttpOptions {
        ca_file: Some(file.clone()),
        proxy: None,
    };
    let error = Network::default().https(&options).unwrap_err();
    let place = format!("http.ca_file {}: certificate 2 ", file.display());
    assert!(error.starts_with(&place), "{error}");
}

#[test]
fn a_certificate_that_is_expired_or_not_a_ca_is_a_warning() {
    let (good, key) = ca("the CA");
    let issuer = Issuer::from_params(&good, &key);
    let (mut expired, expired_key) = ca("old CA");
    expired.not_after = date_time_ymd(2001, 1, 1);
    let (mut early, early_key) = ca("new CA");
    early.not_before = date_time_ymd(3000, 1, 1);
    early.not_after = date_time_ymd(4000, 1, 1);
    let server = || {
        let mut server = CertificateParams::new(vec!["localhost".into()]).unwrap();
        server
            .distinguished_name
            .push(DnType::CommonName, "srv\u{202e}");
        (server, KeyPair::generate().unwrap())
    };
    let ((alone, alone_key), (signed, signed_key)) = (server(), server());
    let text = [
        good.self_signed(&key).unwrap().pem(),
        expired.self_signed(&expired_key).unwrap().pem(),
        early.self_signed(&early_key).unwrap().pem(),
        alone.self_signed(&alone_key).unwrap().pem(),
        signed.signed_by(&signed_key, &issuer).unwrap().pem(),
    ]
    .concat();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    let warnings = CaFile::read(file.path()).unwrap().warnings;
    let expected = [
        "certificate 2 (CN=old CA) expired on 2001-01-01T00:00:00Z; ",
        "certificate 3 (CN=new CA) is not valid before 3000-01-01T00:00:00Z; ",
        "certificate 4 (CN=srv\\u{202e}) is not a CA certificate: ",
        "certificate 5 (CN=srv\\u{202e}) is not a CA certificate; replace it with the CA that signed it (CN=the CA)",
    ];
    assert_eq!(warnings.len(), expected.len(), "{warnings:#?}");
    for (warning, expected) in warnings.iter().zip(expected) {
        let expected = format!("http.ca_file {}: {expected}", file.path().display());
        assert!(warning.starts_with(&expected), "{warning}");
    }
}

/// What a call says of a server that has this certificate, to a client that trusts this one.
async fn handshake(certificate: CertificateDer<'static>, key: &KeyPair, trusted: &str) -> String {
    let error = connect(certificate, key, trusted).await;
    assert_eq!(error.kind, TransportErrorKind::Tls, "{error}");
    error.to_string()
}

/// The error of a call to a server that hangs up after the handshake.
async fn connect(
    certificate: CertificateDer<'static>,
    key: &KeyPair,
    trusted: &str,
) -> TransportError {
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let _ = acceptor.accept(stream).await;
    });
    let error = call(port, trusted).await;
    server.abort();
    error
}

async fn call(port: u16, trusted: &str) -> TransportError {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), trusted).unwrap();
    let transport = Network::default().https(&HttpOptions {
        ca_file: Some(file.path().into()),
        proxy: None,
    });
    let transport = transport.unwrap();
    let request = Request::post(format!("https://localhost:{port}/")).body(Bytes::new());
    let sent = timeout(PATIENCE, transport.send(request.unwrap())).await;
    sent.unwrap().unwrap_err()
}

/// The warnings of [`CaFile`] claim this.
#[tokio::test]
async fn a_trusted_certificate_may_be_expired_or_the_servers_own() {
    let (mut authority, ca_key) = ca("the CA");
    authority.not_after = date_time_ymd(2001, 1, 1);
    let root = authority.self_signed(&ca_key).unwrap().pem();
    let issuer = Issuer::from_params(&authority, &ca_key);
    let server = CertificateParams::new(vec!["localhost".into()]).unwrap();
    let key = KeyPair::generate().unwrap();
    let signed = server.signed_by(&key, &issuer).unwrap();
    let alone = server.self_signed(&key).unwrap();
    for (certificate, trusted) in [(&signed, root), (&alone, alone.pem())] {
        let error = connect(certificate.der().clone(), &key, &trusted).await;
        assert_eq!(error.kind, TransportErrorKind::Connect, "{error}");
    }
}

#[tokio::test]
async fn a_failed_handshake_is_explained_with_a_way_out() {
    let (authority, ca_key) = ca("the CA");
    let root = authority.self_signed(&ca_key).unwrap();
    let issuer = Issuer::from_params(&authority, &ca_key);
    let signed = |host: &str, from: i32, to: i32| {
        let mut params = CertificateParams::new(vec![host.to_owned()]).unwrap();
        params.not_before = date_time_ymd(from, 1, 1);
        params.not_after = date_time_ymd(to, 1, 1);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &issuer).unwrap();
        (certificate.der().clone(), key)
    };
    let stranger = pem_of_ca();
    let (good, good_key) = signed("localhost", 2000, 4000);
    let (named, named_key) = signed("other.example", 2000, 4000);
    let (old, old_key) = signed("localhost", 2000, 2001);
    let (new, new_key) = signed("localhost", 3000, 4000);
    for (certificate, key, trusted, explained) in [
        (
            good,
            &good_key,
            stranger,
            "not signed by a trusted authority",
        ),
        (named, &named_key, root.pem(), "another host name"),
        (old, &old_key, root.pem(), "has expired"),
        (new, &new_key, root.pem(), "not valid yet"),
        (
            root.der().clone(),
            &ca_key,
            root.pem(),
            "uses a CA certificate as its own",
        ),
    ] {
        let error = handshake(certificate, key, &trusted).await;
        assert!(error.contains(explained), "{explained}: {error}");
        assert!(error.contains("; "), "there is a way out: {error}");
        assert!(!error.contains("OtherError"), "{error}");
    }
}

#[tokio::test]
async fn a_server_without_tls_is_named() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = tokio::spawn(async move {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut hello = [0; 4096];
        let _ = stream.read(&mut hello).await;
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        while stream.read(&mut hello).await.is_ok_and(|count| count > 0) {}
    });
    let error = call(port, &pem_of_ca()).await;
    assert_eq!(error.kind, TransportErrorKind::Tls, "{error}");
    assert!(error.message.contains("does not speak TLS"), "{error}");
    server.abort();
}
