//! A server that is broken, or means harm: whatever it sends, a poll fails in time and says why,
//! and the next one is none the worse. The real client over real loopback.

#![expect(
    clippy::unwrap_used,
    reason = "a helper of a test fails it by panicking"
)]
#![allow(
    clippy::disallowed_methods,
    reason = "the program itself lives in real time"
)]

// The two sides.
mod server;

// What is sent.
mod bodies;
mod heads;
mod listings;
mod mixed_up;
mod pace;

use std::sync::Arc;
use std::time::Duration;

use cloudaudit_exporter::failure::{Failure, Reason};
use cloudaudit_exporter::snapshot::Listing;
use cloudaudit_exporter::tencent::{
    CallOptions, Client, ClientParts, Ended, Endpoint, HttpTransport, Observer, Pacer, Sent,
    SourceIpLimit, Transport,
};
use tokio::time::Instant;

use crate::support::one_key;
use server::Server;

/// The time for one call: short, so that a test of it is.
const TIMEOUT: Duration = Duration::from_secs(2);

/// A client of this server that tries once.
fn client(server: &Server) -> Client {
    client_over(&Arc::new(HttpTransport::plain().unwrap()), server, 1)
}

fn client_over(transport: &Arc<HttpTransport>, server: &Server, attempts: u32) -> Client {
    let parts = one_key::parts(
        &one_key::world(),
        Arc::clone(transport) as Arc<dyn Transport>,
    );
    let parts = ClientParts {
        endpoint: Endpoint {
            url: format!("http://{}", server.authority),
            host: server.authority.clone(),
        },
        pacer: Arc::new(Pacer::new(1_000, SourceIpLimit::default())),
        ..parts
    };
    let options = CallOptions {
        timeout: TIMEOUT,
        ..one_key::options(attempts)
    };
    Client::new(parts, options)
}

async fn list(client: &Client) -> Result<Arc<Listing>, Failure> {
    let deadline = Instant::now() + TIMEOUT;
    client.list(one_key::REGION, deadline, &Nobody).await
}

/// What becomes of a poll of this server.
async fn poll(server: &Server) -> Result<Arc<Listing>, Failure> {
    list(&client(server)).await
}

async fn assert_malformed(server: &Server, message: &str) {
    let failure = poll(server).await.unwrap_err();
    assert_eq!(failure.reason, Reason::Malformed, "{failure}");
    assert!(failure.message.contains(message), "{failure}");
}

/// Nobody looks.
struct Nobody;

impl Observer for Nobody {
    fn sent(&self, _: &Sent) {}

    fn ended(&self, _: &Ended<'_>) {}
}
