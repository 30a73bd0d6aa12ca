//! The processes of the exporters of a site.

use std::net::SocketAddr;
use std::path::Path;

use super::service::{Service, folder_with};
use crate::support::address::free_address;
use crate::support::pki::Authority;

/// Starts an exporter whose tracks can be acknowledged.
pub async fn exporter(address: SocketAddr, configuration: String) -> Service {
    exporter_with(address, configuration, &["--web.enable-lifecycle"]).await
}

/// Starts a process for each address.
pub async fn start_shards(addresses: &[SocketAddr], configuration: &str) -> Vec<Service> {
    let total = format!("--total-shards={}", addresses.len());
    let mut shards = Vec::new();
    for (ordinal, address) in addresses.iter().enumerate() {
        let flags = [&format!("--shard={ordinal}"), total.as_str()];
        shards.push(exporter_with(*address, configuration.to_owned(), &flags).await);
    }
    shards
}

/// Starts an exporter that serves TLS with a certificate of this authority.
pub async fn secured_exporter(authority: &Authority, configuration: String) -> Service {
    let tls = "tls_server_config: {cert_file: server.crt, key_file: server.key}";
    let folder = folder_with(&[("config.yaml", configuration), ("web.yaml", tls.to_owned())]);
    authority.server(2040).write(folder.path(), "server");
    let flags = ["--config.file=config.yaml", "--web.config.file=web.yaml"];
    let program = Path::new(env!("CARGO_BIN_EXE_cloudaudit-exporter"));
    Service::start(program, free_address(), folder, &flags).await
}

pub async fn exporter_with(address: SocketAddr, configuration: String, flags: &[&str]) -> Service {
    let program = Path::new(env!("CARGO_BIN_EXE_cloudaudit-exporter"));
    let folder = folder_with(&[("config.yaml", configuration)]);
    let flags = [&["--config.file=config.yaml"], flags].concat();
    Service::start(program, address, folder, &flags).await
}
