//! `health` against an exporter with a web configuration.

use std::process::Command;

use super::exporter::{Exporter, at, folder_with};
use crate::support::pki::Authority;

const SERVER: &str = "tls_server_config: {cert_file: server.crt, key_file: server.key";

/// Returns the exit code and the standard error of `health`.
fn health(exporter: &Exporter, flags: &[&str]) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_cloudaudit-exporter"))
        .arg("health")
        .arg(format!("--web.listen-address={}", exporter.address))
        .args(flags)
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code(), stderr)
}

/// Returns the flag with the web configuration.
fn config_flag(exporter: &Exporter) -> String {
    let config_flag = at(exporter.folder.path(), "web.yaml");
    format!("--web.config.file={config_flag}")
}

/// The certificate is for another name, and its authority is not trusted.
#[test]
fn health_uses_tls_without_verifying_the_certificate() {
    let ours = Authority::new("ours");
    let folder = folder_with(&[]);
    ours.client("elsewhere.example")
        .write(folder.path(), "server");
    let prefix = "--web.route-prefix=/audit";
    let exporter = Exporter::with(folder, &format!("{SERVER}}}"), &[prefix]);
    let config_flag = config_flag(&exporter);
    assert_eq!(
        health(&exporter, &[&config_flag, prefix]),
        (Some(0), String::new())
    );
    let (code, stderr) = health(&exporter, &[&config_flag]);
    assert!(code == Some(1) && stderr.contains("404"), "{stderr}");
    let (code, stderr) = health(&exporter, &[prefix]);
    assert_eq!(code, Some(1), "{stderr}");
    assert!(stderr.contains("run health with the same flag"), "{stderr}");

    exporter.change("not a web configuration");
    let (code, stderr) = health(&exporter, &[&config_flag, prefix]);
    assert!(code == Some(1) && stderr.contains("web.yaml"), "{stderr}");
}

#[test]
fn a_required_password_is_named_with_the_remedy() {
    let hash = bcrypt::hash("secret", 4).unwrap();
    let users = format!("basic_auth_users: {{me: '{hash}'}}\n");
    let exporter = Exporter::open(folder_with(&[]), &users);
    let (code, stderr) = health(&exporter, &[&config_flag(&exporter)]);
    assert_eq!(code, Some(1), "{stderr}");
    assert!(
        stderr.contains("add /-/healthy to auth_exempt_paths"),
        "{stderr}"
    );

    let open = format!("{users}auth_exempt_paths: [/-/healthy]\n");
    let exporter = Exporter::open(folder_with(&[]), &open);
    assert_eq!(
        health(&exporter, &[&config_flag(&exporter)]),
        (Some(0), String::new())
    );
}

#[test]
fn a_required_client_certificate_is_named() {
    let ours = Authority::new("ours");
    for (version, policy, expected) in [
        ("TLS13", "RequireAndVerifyClientCert", Some(1)),
        ("TLS12", "RequireAndVerifyClientCert", Some(1)),
        ("TLS13", "VerifyClientCertIfGiven", Some(0)),
    ] {
        let folder = folder_with(&[("ca.pem", &ours.pem)]);
        ours.server(2040).write(folder.path(), "server");
        let clients = format!("client_auth_type: {policy}, client_ca_file: ca.pem");
        let web = format!("{SERVER}, {clients}, max_version: {version}}}\n");
        let exporter = Exporter::open(folder, &web);
        let (code, stderr) = health(&exporter, &[&config_flag(&exporter)]);
        assert_eq!(code, expected, "{version} {policy}: {stderr}");
        let is_named = stderr.contains("client_auth_type");
        assert_eq!(
            is_named,
            expected == Some(1),
            "{version} {policy}: {stderr}"
        );
    }
}
