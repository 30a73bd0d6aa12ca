//! Faults that only a socket can show.

use std::net::SocketAddr;
use std::time::Duration;

use cloudaudit_exporter::sim::Fault;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

use crate::row::Row;
use crate::wire::{LOOK, Wire};

#[tokio::test(flavor = "multi_thread")]
async fn the_endpoint_stops_listening() {
    let row = Row::new(
        "the_endpoint_stops_listening",
        "The endpoint refuses connections",
    )
    .fails("unavailable", "connect")
    .remedy("check the network, DNS and `endpoint`");
    let begins = async |stage: &mut Wire| stage.stop_cloud().await;
    let ends = async |stage: &mut Wire| stage.start_cloud().await;
    let mut wire = Wire::new().await;
    row.play(LOOK, &mut wire, begins, ends).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_endpoint_has_never_listened() {
    let row = Row::new(
        "the_endpoint_has_never_listened",
        "The endpoint has refused connections since the exporter started",
    )
    .fails("unavailable", "connect")
    .since_the_start()
    .remedy("check the network, DNS and `endpoint`");
    let begins = async |stage: &mut Wire| stage.stop_cloud().await;
    let ends = async |stage: &mut Wire| stage.start_cloud().await;
    let mut wire = Wire::new().await;
    row.play(LOOK, &mut wire, begins, ends).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_are_reset() {
    let row = Row::new("connections_are_reset", "Connections are reset")
        .fails("unavailable", "connect")
        .remedy("check firewalls and proxies");
    Wire::new().await.play_fault(row, Fault::reset()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn responses_are_truncated() {
    let row = Row::new(
        "responses_are_truncated",
        "Connections close before a response is complete",
    )
    .fails("unavailable", "connect")
    .remedy("check firewalls and proxies");
    Wire::new().await.play_fault(row, Fault::truncated()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_response_never_ends() {
    let row = Row::new(
        "a_response_never_ends",
        "A response arrives byte by byte and never ends",
    )
    .fails("unavailable", "timeout")
    .remedy("check firewalls and proxies");
    let fault = Fault::drip(Duration::from_secs(20));
    Wire::new().await.play_fault(row, fault).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_response_is_huge() {
    const BYTES: usize = 6 * 1024 * 1024;
    let row = Row::new("a_response_is_huge", "A response is larger than 4 MiB")
        .fails("malformed", "malformed")
        .remedy("find the server that responds");
    Wire::new().await.play_fault(row, Fault::huge(BYTES)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_repeats_a_response() {
    let row = Row::new(
        "a_gateway_repeats_a_response",
        "A gateway repeats an earlier response, perhaps of another account",
    )
    .fails("unavailable", "malformed")
    .remedy(
        "check gateways and proxies; from the 16th repeat in a row on, the exporter accepts repeats",
    );
    let fault = Fault::edit(|answer| {
        answer["Response"]["RequestId"] = "0f1e2d3c-0000-4000-8000-000000000000".into();
    });
    Wire::new().await.play_fault(row, fault).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tls_handshake_fails() {
    let row = Row::new(
        "the_tls_handshake_fails",
        "The certificate is untrusted, or the endpoint does not speak TLS",
    )
    .fails("unavailable", "tls")
    .since_the_start()
    .remedy("if a proxy decrypts TLS, set `http.ca_file`; if `endpoint` is wrong, correct it; then reload");
    let mut wire = Wire::new().await;
    let plain = std::mem::take(&mut wire.endpoint);
    wire.endpoint = format!("https://{}", speak_no_tls().await);
    wire.environment.push(("NO_PROXY", "127.0.0.1"));
    let ends = async |stage: &mut Wire| {
        stage.endpoint = plain;
        stage.reload("");
    };
    row.play(LOOK, &mut wire, async |_| (), ends).await;
}

/// Responds to a TLS handshake with plain HTTP.
async fn speak_no_tls() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let mut open = Vec::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            let refusal = b"HTTP/1.1 400 Bad Request\r\n\r\nplain HTTP is spoken here";
            let _ = stream.write_all(refusal).await;
            // Closing the connection could reset it, which is another fault.
            open.push(stream);
        }
    });
    address
}
