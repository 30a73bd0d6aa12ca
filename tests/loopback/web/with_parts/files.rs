//! The exporter accepts the same web configurations as promtool, with the listed exceptions.

use std::fs;
use std::process::Command;

use cloudaudit_exporter::web_config::WebConfig;
use tempfile::TempDir;

use crate::support::parts::part;
use crate::support::pki::Authority;

/// Which programs accept a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum AcceptedBy {
    Both,
    Neither,
    /// The file uses a feature that rustls lacks.
    Promtool,
    /// The file uses a feature that only this exporter has.
    Exporter,
}

const TLS: &str = "tls_server_config: {cert_file: server.crt, key_file: server.key";
const HASH: &str = "$2y$10$QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi";

#[expect(clippy::too_many_lines, reason = "a table")]
fn cases() -> Vec<(String, AcceptedBy)> {
    let tls = |more: &str| format!("{TLS}{more}}}");
    let plain = |text: &str| text.to_owned();
    vec![
        (plain(""), AcceptedBy::Both),
        (plain("# nothing\n"), AcceptedBy::Both),
        (plain("junk"), AcceptedBy::Neither),
        (plain("tls_server_confg: {}"), AcceptedBy::Neither),
        (plain("tls_server_config: {}"), AcceptedBy::Both),
        (tls(""), AcceptedBy::Both),
        (tls(", cert_fil: x"), AcceptedBy::Neither),
        (
            plain("tls_server_config: {cert_file: server.crt}"),
            AcceptedBy::Neither,
        ),
        (
            plain("tls_server_config: {key_file: server.key}"),
            AcceptedBy::Neither,
        ),
        (
            plain("tls_server_config: {cert_file: nowhere, key_file: server.key}"),
            AcceptedBy::Neither,
        ),
        (
            plain("tls_server_config: {cert_file: server.crt, key_file: nowhere}"),
            AcceptedBy::Neither,
        ),
        (
            plain("tls_server_config: {cert_file: server.crt, key_file: other.key}"),
            AcceptedBy::Neither,
        ),
        (
            plain("tls_server_config: {cert_file: junk, key_file: server.key}"),
            AcceptedBy::Neither,
        ),
        (
            tls(", client_auth_type: RequireAndVerifyClientCert, client_ca_file: ca.pem"),
            AcceptedBy::Both,
        ),
        (
            tls(", client_auth_type: VerifyClientCertIfGiven, client_ca_file: ca.pem"),
            AcceptedBy::Both,
        ),
        (
            tls(", client_auth_type: RequireAnyClientCert"),
            AcceptedBy::Both,
        ),
        (
            tls(", client_auth_type: RequireClientCert"),
            AcceptedBy::Both,
        ),
        (
            tls(", client_auth_type: RequestClientCert"),
            AcceptedBy::Both,
        ),
        (tls(", client_auth_type: NoClientCert"), AcceptedBy::Both),
        (tls(", client_auth_type: Invented"), AcceptedBy::Neither),
        (tls(", client_ca_file: ca.pem"), AcceptedBy::Neither),
        (
            tls(", client_ca_file: nowhere, client_auth_type: RequireAnyClientCert"),
            AcceptedBy::Neither,
        ),
        // Go would trust every authority of the system.
        (
            tls(", client_auth_type: RequireAndVerifyClientCert"),
            AcceptedBy::Promtool,
        ),
        (
            tls(", client_auth_type: RequireAnyClientCert, client_allowed_sans: [a, b]"),
            AcceptedBy::Both,
        ),
        (tls(", min_version: TLS12"), AcceptedBy::Both),
        (tls(", min_version: TLS13"), AcceptedBy::Both),
        (tls(", min_version: TLS10"), AcceptedBy::Both),
        (tls(", min_version: TLS14"), AcceptedBy::Neither),
        (tls(", max_version: TLS12"), AcceptedBy::Both),
        // rustls has no version older than TLS 1.2.
        (
            tls(", min_version: TLS10, max_version: TLS11"),
            AcceptedBy::Promtool,
        ),
        (
            tls(", cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]"),
            AcceptedBy::Both,
        ),
        (
            tls(
                ", cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA, TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384]",
            ),
            AcceptedBy::Both,
        ),
        (
            tls(", cipher_suites: [TLS_AES_128_GCM_SHA256]"),
            AcceptedBy::Both,
        ),
        (
            tls(", cipher_suites: [TLS_RSA_WITH_AES_128_GCM_SHA256]"),
            AcceptedBy::Neither,
        ),
        (tls(", cipher_suites: [TLS_INVENTED]"), AcceptedBy::Neither),
        (
            tls(", prefer_server_cipher_suites: false"),
            AcceptedBy::Both,
        ),
        (
            tls(", curve_preferences: [CurveP256, X25519]"),
            AcceptedBy::Both,
        ),
        (
            tls(", curve_preferences: [CurveP521, X25519]"),
            AcceptedBy::Both,
        ),
        (
            tls(", curve_preferences: [CurveP521]"),
            AcceptedBy::Promtool,
        ),
        (tls(", curve_preferences: [Invented]"), AcceptedBy::Neither),
        (
            plain("http_server_config: {http2: false}"),
            AcceptedBy::Both,
        ),
        (
            plain("http_server_config: {http2: sometimes}"),
            AcceptedBy::Neither,
        ),
        (
            plain(
                "http_server_config: {headers: {X-Frame-Options: deny, Strict-Transport-Security: max-age=1}}",
            ),
            AcceptedBy::Both,
        ),
        (
            plain(
                "http_server_config: {headers: {X-Content-Type-Options: nosniff, X-XSS-Protection: '1'}}",
            ),
            AcceptedBy::Both,
        ),
        (
            plain(
                "http_server_config: {headers: {Content-Security-Policy: \"default-src 'none'\"}}",
            ),
            AcceptedBy::Both,
        ),
        (
            plain("http_server_config: {headers: {X-Frame-Options: maybe}}"),
            AcceptedBy::Neither,
        ),
        (
            plain("http_server_config: {headers: {X-Content-Type-Options: sniff}}"),
            AcceptedBy::Neither,
        ),
        (
            plain("http_server_config: {headers: {Server: mine}}"),
            AcceptedBy::Neither,
        ),
        (
            format!("basic_auth_users: {{alice: {HASH}, bob: {HASH}}}"),
            AcceptedBy::Both,
        ),
        (plain("basic_auth_users: {}"), AcceptedBy::Both),
        (
            plain("basic_auth_users: {alice: plain}"),
            AcceptedBy::Neither,
        ),
        (plain("basic_auth_users: [alice]"), AcceptedBy::Neither),
        (
            format!("basic_auth_users:\n  alice: {HASH}\n  alice: {HASH}\n"),
            AcceptedBy::Neither,
        ),
        (
            plain("auth_exempt_paths: [/-/healthy]"),
            AcceptedBy::Exporter,
        ),
    ]
}

/// Keys without a value, for which Go's YAML uses the default.
fn empty_values() -> Vec<(String, AcceptedBy)> {
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
    let both = both.map(|text| (text.to_owned(), AcceptedBy::Both));
    let neither = neither.map(|text| (text.to_owned(), AcceptedBy::Neither));
    both.into_iter().chain(neither).collect()
}

/// Valid and invalid bcrypt hashes.
fn hashes() -> Vec<(String, AcceptedBy)> {
    let rest = "N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy";
    let whole = [
        ("$2b$10$", "", AcceptedBy::Both),
        ("$2a$10$", "", AcceptedBy::Both),
        ("$2y$10$", "", AcceptedBy::Both),
        ("$2x$10$", "", AcceptedBy::Both),
        ("$2$10$", "", AcceptedBy::Both),
        ("$1b$10$", "", AcceptedBy::Both),
        ("$2b$+9$", "", AcceptedBy::Both),
        ("$2b$10x", "", AcceptedBy::Both),
        ("$2b$04$", "", AcceptedBy::Both),
        ("$2b$31$", "", AcceptedBy::Both),
        ("$2b$10$", "x", AcceptedBy::Both),
        ("$2b$10$", " ", AcceptedBy::Both),
        ("$2b$03$", "", AcceptedBy::Neither),
        ("$2b$00$", "", AcceptedBy::Neither),
        ("$2b$32$", "", AcceptedBy::Neither),
        ("$2b$99$", "", AcceptedBy::Neither),
        ("$2b$-1$", "", AcceptedBy::Neither),
        ("$2b$4$", "", AcceptedBy::Neither),
        ("$2b$ 9$", "", AcceptedBy::Neither),
        ("$3b$10$", "", AcceptedBy::Neither),
        (" $2b$10$", "", AcceptedBy::Neither),
        ("2b$10$", "", AcceptedBy::Neither),
    ];
    let whole = whole.map(|(begin, end, accepted_by)| (format!("{begin}{rest}{end}"), accepted_by));
    let prefix = |length: usize| rest[..length].to_owned();
    let others = [
        (prefix(0), AcceptedBy::Neither),
        (format!("$2b$10${}", prefix(51)), AcceptedBy::Neither),
        // No password can match these, so they are refused here.
        (format!("$2b$10${}", prefix(52)), AcceptedBy::Promtool),
        (format!("$2b$10$!!!!{}", &rest[4..]), AcceptedBy::Promtool),
        (format!("$2b$10${}!", prefix(52)), AcceptedBy::Promtool),
    ];
    let texts = whole.into_iter().chain(others);
    let texts = texts.map(|(hash, accepted_by)| {
        (
            format!("basic_auth_users: {{alice: '{hash}'}}"),
            accepted_by,
        )
    });
    let nameless = format!("basic_auth_users: {{'': '$2b$10${rest}'}}");
    texts.chain([(nameless, AcceptedBy::Both)]).collect()
}

#[tokio::test]
async fn the_exporter_and_promtool_accept_the_same_files() {
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
            (true, true) => AcceptedBy::Both,
            (false, false) => AcceptedBy::Neither,
            (true, false) => AcceptedBy::Promtool,
            (false, true) => AcceptedBy::Exporter,
        };
        if found != expected {
            let stderr = String::from_utf8_lossy(&promtool.stderr).into_owned();
            differences.push(format!(
                "{text:?}: {found:?}, expected {expected:?}; {stderr} {ours:?}"
            ));
        }
    }
    assert_eq!(differences, [""; 0]);
}
