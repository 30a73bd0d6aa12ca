//! The files that promtool takes are taken here and those that it refuses are refused, but for what
//! is said.

use std::fs;
use std::process::Command;

use cloudaudit_exporter::web_config::WebConfig;
use tempfile::TempDir;

use crate::support::parts::part;
use crate::support::pki::Authority;

/// Who takes a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Takes {
    Both,
    Neither,
    /// What rustls has not, or what only this exporter has.
    Promtool,
    Us,
}

const TLS: &str = "tls_server_config: {cert_file: server.crt, key_file: server.key";
const HASH: &str = "$2y$10$QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi";

#[expect(clippy::too_many_lines, reason = "it is a table")]
fn cases() -> Vec<(String, Takes)> {
    let tls = |more: &str| format!("{TLS}{more}}}");
    let plain = |text: &str| text.to_owned();
    vec![
        (plain(""), Takes::Both),
        (plain("# nothing\n"), Takes::Both),
        (plain("junk"), Takes::Neither),
        (plain("tls_server_confg: {}"), Takes::Neither),
        (plain("tls_server_config: {}"), Takes::Both),
        (tls(""), Takes::Both),
        (tls(", cert_fil: x"), Takes::Neither),
        (
            plain("tls_server_config: {cert_file: server.crt}"),
            Takes::Neither,
        ),
        (
            plain("tls_server_config: {key_file: server.key}"),
            Takes::Neither,
        ),
        (
            plain("tls_server_config: {cert_file: nowhere, key_file: server.key}"),
            Takes::Neither,
        ),
        (
            plain("tls_server_config: {cert_file: server.crt, key_file: nowhere}"),
            Takes::Neither,
        ),
        (
            plain("tls_server_config: {cert_file: server.crt, key_file: other.key}"),
            Takes::Neither,
        ),
        (
            plain("tls_server_config: {cert_file: junk, key_file: server.key}"),
            Takes::Neither,
        ),
        (
            tls(", client_auth_type: RequireAndVerifyClientCert, client_ca_file: ca.pem"),
            Takes::Both,
        ),
        (
            tls(", client_auth_type: VerifyClientCertIfGiven, client_ca_file: ca.pem"),
            Takes::Both,
        ),
        (tls(", client_auth_type: RequireAnyClientCert"), Takes::Both),
        (tls(", client_auth_type: RequireClientCert"), Takes::Both),
        (tls(", client_auth_type: RequestClientCert"), Takes::Both),
        (tls(", client_auth_type: NoClientCert"), Takes::Both),
        (tls(", client_auth_type: Whoever"), Takes::Neither),
        (tls(", client_ca_file: ca.pem"), Takes::Neither),
        (
            tls(", client_ca_file: nowhere, client_auth_type: RequireAnyClientCert"),
            Takes::Neither,
        ),
        // Go would trust every authority of the system.
        (
            tls(", client_auth_type: RequireAndVerifyClientCert"),
            Takes::Promtool,
        ),
        (
            tls(", client_auth_type: RequireAnyClientCert, client_allowed_sans: [a, b]"),
            Takes::Both,
        ),
        (tls(", min_version: TLS12"), Takes::Both),
        (tls(", min_version: TLS13"), Takes::Both),
        (tls(", min_version: TLS10"), Takes::Both),
        (tls(", min_version: TLS14"), Takes::Neither),
        (tls(", max_version: TLS12"), Takes::Both),
        // rustls has none that is older than TLS 1.2.
        (
            tls(", min_version: TLS10, max_version: TLS11"),
            Takes::Promtool,
        ),
        (
            tls(", cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]"),
            Takes::Both,
        ),
        (
            tls(
                ", cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA, TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384]",
            ),
            Takes::Both,
        ),
        (
            tls(", cipher_suites: [TLS_AES_128_GCM_SHA256]"),
            Takes::Both,
        ),
        (
            tls(", cipher_suites: [TLS_RSA_WITH_AES_128_GCM_SHA256]"),
            Takes::Neither,
        ),
        (tls(", cipher_suites: [TLS_INVENTED]"), Takes::Neither),
        (tls(", prefer_server_cipher_suites: false"), Takes::Both),
        (tls(", curve_preferences: [CurveP256, X25519]"), Takes::Both),
        (tls(", curve_preferences: [CurveP521, X25519]"), Takes::Both),
        (tls(", curve_preferences: [CurveP521]"), Takes::Promtool),
        (tls(", curve_preferences: [Invented]"), Takes::Neither),
        (plain("http_server_config: {http2: false}"), Takes::Both),
        (
            plain("http_server_config: {http2: sometimes}"),
            Takes::Neither,
        ),
        (
            plain(
                "http_server_config: {headers: {X-Frame-Options: deny, Strict-Transport-Security: max-age=1}}",
            ),
            Takes::Both,
        ),
        (
            plain(
                "http_server_config: {headers: {X-Content-Type-Options: nosniff, X-XSS-Protection: '1'}}",
            ),
            Takes::Both,
        ),
        (
            plain("http_server_config: {headers: {X-Frame-Options: maybe}}"),
            Takes::Neither,
        ),
        (
            plain("http_server_config: {headers: {X-Content-Type-Options: sniff}}"),
            Takes::Neither,
        ),
        (
            plain("http_server_config: {headers: {Server: mine}}"),
            Takes::Neither,
        ),
        (
            format!("basic_auth_users: {{alice: {HASH}, bob: {HASH}}}"),
            Takes::Both,
        ),
        (plain("basic_auth_users: {}"), Takes::Both),
        (plain("basic_auth_users: {alice: plain}"), Takes::Neither),
        (plain("basic_auth_users: [alice]"), Takes::Neither),
        (
            format!("basic_auth_users:\n  alice: {HASH}\n  alice: {HASH}\n"),
            Takes::Neither,
        ),
        (plain("auth_exempt_paths: [/-/healthy]"), Takes::Us),
    ]
}

/// Keys without a value, which Go's YAML takes for the default.
fn empty_values() -> Vec<(String, Takes)> {
    let both = [
        "---\n",
        "{}",
        "null",
        "~",
        "tls_server_config:\n",
        "tls_server_config: ~\nhttp_server_config: null\n",
        "tls_server_config: {cert_file: , key_file: ~, cipher_suites: , min_version: }",
        "http_server_config: {}",
        "http_server_config: {http2: }",
        "http_server_config:\n  headers:\n",
        "http_server_config: {headers: {X-XSS-Protection: }}",
        "basic_auth_users:\n",
        "rate_limit:\n",
        "rate_limit: {interval: , burst: }",
        "rate_limit: {interval: 0, burst: 1}",
        "rate_limit: {interval: 1s}",
        "rate_limit: {interval: 1s, burst: -1}",
        "rate_limit: {interval: 10000h, burst: 4294967296}",
    ];
    let neither = [
        "http_server_config: {headers: {X-Frame-Options: }}",
        "tls_server_config: []",
        "tls_server_config: ''",
        "basic_auth_users: []",
        "basic_auth_users: {alice: }",
        "basic_auth_users: {alice: ''}",
    ];
    let both = both.map(|text| (text.to_owned(), Takes::Both));
    let neither = neither.map(|text| (text.to_owned(), Takes::Neither));
    both.into_iter().chain(neither).collect()
}

/// Hashes of bcrypt and what looks like them.
fn hashes() -> Vec<(String, Takes)> {
    let rest = "N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy";
    let whole = [
        ("$2b$10$", "", Takes::Both),
        ("$2a$10$", "", Takes::Both),
        ("$2y$10$", "", Takes::Both),
        ("$2x$10$", "", Takes::Both),
        ("$2$10$", "", Takes::Both),
        ("$1b$10$", "", Takes::Both),
        ("$2b$+9$", "", Takes::Both),
        ("$2b$10x", "", Takes::Both),
        ("$2b$04$", "", Takes::Both),
        ("$2b$31$", "", Takes::Both),
        ("$2b$10$", "x", Takes::Both),
        ("$2b$10$", " ", Takes::Both),
        ("$2b$03$", "", Takes::Neither),
        ("$2b$00$", "", Takes::Neither),
        ("$2b$32$", "", Takes::Neither),
        ("$2b$99$", "", Takes::Neither),
        ("$2b$-1$", "", Takes::Neither),
        ("$2b$4$", "", Takes::Neither),
        ("$2b$ 9$", "", Takes::Neither),
        ("$3b$10$", "", Takes::Neither),
        (" $2b$10$", "", Takes::Neither),
        ("2b$10$", "", Takes::Neither),
    ];
    let whole = whole.map(|(begin, end, takes)| (format!("{begin}{rest}{end}"), takes));
    let cut = |length: usize| rest[..length].to_owned();
    let others = [
        (cut(0), Takes::Neither),
        (format!("$2b$10${}", cut(51)), Takes::Neither),
        // No password can match these, so they are refused here.
        (format!("$2b$10${}", cut(52)), Takes::Promtool),
        (format!("$2b$10$!!!!{}", &rest[4..]), Takes::Promtool),
        (format!("$2b$10${}!", cut(52)), Takes::Promtool),
    ];
    let texts = whole.into_iter().chain(others);
    let texts =
        texts.map(|(hash, takes)| (format!("basic_auth_users: {{alice: '{hash}'}}"), takes));
    let nameless = format!("basic_auth_users: {{'': '$2b$10${rest}'}}");
    texts.chain([(nameless, Takes::Both)]).collect()
}

#[tokio::test]
async fn promtool_and_we_take_the_same_files() {
    let folder = TempDir::new().unwrap();
    let authority = Authority::new("ours");
    authority.server(2040).write(folder.path(), "server");
    authority.server(2040).write(folder.path(), "other");
    fs::write(folder.path().join("ca.pem"), &authority.pem).unwrap();
    fs::write(folder.path().join("junk"), "junk").unwrap();
    let file = folder.path().join("web.yaml");
    let mut differences = Vec::new();
    let cases = [cases(), empty_values(), hashes()].concat();
    for (text, expected) in cases {
        fs::write(&file, &text).unwrap();
        let promtool = Command::new(part("promtool"))
            .args(["check", "web-config"])
            .arg(&file)
            .output()
            .unwrap();
        let ours = WebConfig::load(&file).await;
        let found = match (promtool.status.success(), ours.is_ok()) {
            (true, true) => Takes::Both,
            (false, false) => Takes::Neither,
            (true, false) => Takes::Promtool,
            (false, true) => Takes::Us,
        };
        if found != expected {
            let said = String::from_utf8_lossy(&promtool.stderr).into_owned();
            differences.push(format!(
                "{text:?}: {found:?} and not {expected:?}; {said} {ours:?}"
            ));
        }
    }
    assert_eq!(differences, [""; 0]);
}
