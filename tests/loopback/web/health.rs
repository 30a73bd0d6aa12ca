//! `health` against an exporter with a web configuration.

use std::process::Command;

use super::exporter::{Exporter, at, folder_with};
use crate::support::pki::Authority;

const SERVER: &str = "tls_server_config: {cert_file: server.crt, key_file: server.key";

/// The exit code, and what is said.
fn health(exporter: &Exporter, flags: &[&str]) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_cloudaudit-exporter"))
        .arg("health")
        .arg(format!("--web.listen-address={}", exporter.address))
        .args(flags)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code(), said)
}

/// The flag that names the web configuration.
fn file(exporter: &Exporter) -> String {
    let file = at(exporter.folder.path(), "web.yaml");
    format!("--web.config.file={file}")
}

/// The certificate is for another name, and nobody here trusts who signed it.
#[test]
fn tls_is_spoken_whatever_the_certificate_says() {
    let ours = Authority::new("ours");
    let folder = folder_with(&[]);
    ours.client("elsewhere.example")
        .write(folder.path(), "server");
    let prefix = "--web.route-prefix=/audit";
    let exporter = Exporter::with(folder, &format!("{SERVER}}}"), &[prefix]);
    let file = file(&exporter);
    assert_eq!(
        health(&exporter, &[&file, prefix]),
        (Some(0), String::new())
    );
    let (code, said) = health(&exporter, &[&file]);
    assert!(code == Some(1) && said.contains("404"), "{said}");
    let (code, said) = health(&exporter, &[prefix]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("run health with the same flag"), "{said}");

    exporter.change("not a web configuration");
    let (code, said) = health(&exporter, &[&file, prefix]);
    assert!(code == Some(1) && said.contains("web.yaml"), "{said}");
}

#[test]
fn a_password_in_the_way_is_named_with_the_way_out() {
    let hash = bcrypt::hash("secret", 4).unwrap();
    let users = format!("basic_auth_users: {{me: '{hash}'}}\n");
    let exporter = Exporter::open(folder_with(&[]), &users);
    let (code, said) = health(&exporter, &[&file(&exporter)]);
    assert_eq!(code, Some(1), "{said}");
    assert!(
        said.contains("add /-/healthy to auth_exempt_paths"),
        "{said}"
    );

    let open = format!("{users}auth_exempt_paths: [/-/healthy]\n");
    let exporter = Exporter::open(folder_with(&[]), &open);
    assert_eq!(
        health(&exporter, &[&file(&exporter)]),
        (Some(0), String::new())
    );
}

#[test]
fn a_certificate_that_it_would_have_to_show_is_named() {
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
        let (code, said) = health(&exporter, &[&file(&exporter)]);
        assert_eq!(code, expected, "{version} {policy}: {said}");
        let is_told = said.contains("client_auth_type");
        assert_eq!(is_told, expected == Some(1), "{version} {policy}: {said}");
    }
}
