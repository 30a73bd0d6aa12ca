//! A real Prometheus scrapes over TLS with a certificate and with a password. No scrape fails while
//! they are replaced.

use std::fs;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::support::address::free_address;
use crate::support::parts::part;
use crate::support::pki::Authority;
use crate::web::exporter::{Exporter, at, eventually, folder_with};

struct Prometheus {
    url: String,
    process: Child,
    _folder: TempDir,
}

impl Prometheus {
    fn start(scrape: &str) -> Self {
        let address = free_address();
        let folder = TempDir::new().unwrap();
        let config = format!(
            "global: {{scrape_interval: 1s, scrape_timeout: 1s}}\nscrape_configs:\n  - {{job_name: c, {scrape}}}\n"
        );
        fs::write(folder.path().join("prometheus.yaml"), config).unwrap();
        let log = fs::File::create(folder.path().join("log")).unwrap();
        let process = Command::new(part("prometheus"))
            .current_dir(folder.path())
            .args(["--config.file=prometheus.yaml", "--storage.tsdb.path=data"])
            .arg(format!("--web.listen-address={address}"))
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        Self {
            url: format!("http://{address}"),
            process,
            _folder: folder,
        }
    }

    async fn query(&self, query: &str) -> Option<String> {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let url = format!("{}/api/v1/query", self.url);
        let url = reqwest::Url::parse_with_params(&url, &[("query", query)]).unwrap();
        let answer = client.get(url).send().await.ok()?.text().await.ok()?;
        let answer: Value = serde_json::from_str(&answer).ok()?;
        let value = &answer["data"]["result"][0]["value"][1];
        value.as_str().map(str::to_owned)
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// Checks that no scrape fails while `rotate` replaces files.
async fn assert_no_scrape_fails(exporter: &Exporter, scrape: &str, rotate: impl AsyncFn(usize)) {
    let prometheus = Prometheus::start(scrape);
    let up = eventually(async || prometheus.query("up").await.as_deref() == Some("1"));
    assert!(up.await, "{}", exporter.log());
    let began = std::time::Instant::now();
    for turn in 0..3 {
        rotate(turn).await;
        tokio::time::sleep(Duration::from_secs(5)).await;
    }
    let window = began.elapsed().as_secs();
    let least = prometheus
        .query(&format!("min_over_time(up[{window}s])"))
        .await;
    assert_eq!(least.as_deref(), Some("1"), "{}", exporter.log());
    let count = prometheus
        .query(&format!("count_over_time(up[{window}s])"))
        .await;
    let count: f64 = count.unwrap().parse().unwrap();
    assert!(count > 10.0, "{count}");
}

#[tokio::test]
async fn no_scrape_fails_while_the_server_certificate_is_replaced() {
    let ours = Authority::new("ours");
    let folder = folder_with(&[("ca.pem", &ours.pem)]);
    ours.server(2030).write(folder.path(), "server");
    let client = ours.client("prometheus");
    client.write(folder.path(), "client");
    let exporter = Exporter::open(
        folder,
        "tls_server_config: {cert_file: server.crt, key_file: server.key, client_auth_type: RequireAndVerifyClientCert, \
         client_ca_file: ca.pem}",
    );
    let path = exporter.folder.path();
    let scrape = format!(
        "scheme: https, tls_config: {{ca_file: {}, cert_file: {}, key_file: {}}}, static_configs: [{{targets: ['{}']}}]",
        at(path, "ca.pem"),
        at(path, "client.crt"),
        at(path, "client.key"),
        exporter.address
    );
    // The certificate and its key are two files, and both are replaced between two checks.
    let rotate = async |turn: usize| {
        ours.server(2031 + i32::try_from(turn).unwrap())
            .write(path, "server");
    };
    assert_no_scrape_fails(&exporter, &scrape, rotate).await;
}

#[tokio::test]
async fn no_scrape_fails_while_passwords_are_replaced() {
    let ours = Authority::new("ours");
    let folder = folder_with(&[("ca.pem", &ours.pem), ("password", "secret-0")]);
    ours.server(2030).write(folder.path(), "server");
    let web = |turns: &[usize]| {
        let users: Vec<String> = turns
            .iter()
            .map(|turn| {
                let hash = bcrypt::hash(format!("secret-{turn}"), 4).unwrap();
                format!("p{turn}: '{hash}'")
            })
            .collect();
        format!(
            "tls_server_config: {{cert_file: server.crt, key_file: server.key}}\nbasic_auth_users: {{{}}}\n",
            users.join(", ")
        )
    };
    let exporter = Exporter::open(folder, &web(&[0]));
    let path = exporter.folder.path();
    let scrape = format!(
        "scheme: https, basic_auth: {{username: p0, password_file: {}}}, tls_config: {{ca_file: {}}}, \
         static_configs: [{{targets: ['{}']}}]",
        at(path, "password"),
        at(path, "ca.pem"),
        exporter.address
    );
    // Replaces the hash by another hash of the same password, and changes the other users.
    let rotate = async |turn: usize| exporter.change(&web(&[0, turn + 1]));
    assert_no_scrape_fails(&exporter, &scrape, rotate).await;
}
