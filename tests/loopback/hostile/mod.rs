//! Broken and malicious servers. Whatever a server sends, the poll fails in time with a reason, and
//! the next poll is unaffected. The tests use the real client over loopback.

#![expect(clippy::unwrap_used, reason = "a failed test panics")]
#![allow(clippy::disallowed_methods, reason = "the exporter runs in real time")]

// The server.
mod server;

// Its responses.
mod bodies;
mod crossed_responses;
mod heads;
mod listings;
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

/// The time limit of a request, short to keep the tests fast.
const TIMEOUT: Duration = Duration::from_secs(2);

/// A client of this server that does not retry.
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
            url: format!("http://{}", server.authority).into(),
            host: server.authority.as_str().into(),
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
    client.list(one_key::REGION, deadline, &IgnoreEvents).await
}

/// Polls this server once.
async fn poll(server: &Server) -> Result<Arc<Listing>, Failure> {
    list(&client(server)).await
}

async fn assert_malformed(server: &Server, message: &str) {
    let failure = poll(server).await.unwrap_err();
    assert_eq!(failure.reason, Reason::Malformed, "{failure}");
    assert!(failure.message.contains(message), "{failure}");
}

/// An observer that ignores all events.
struct IgnoreEvents;

impl Observer for IgnoreEvents {
    fn sent(&self, _: &Sent) {}

    fn ended(&self, _: &Ended<'_>) {}
}
