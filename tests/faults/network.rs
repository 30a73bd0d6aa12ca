//! Faults that only a socket can show.

use std::net::SocketAddr;
use std::time::Duration;

use cloudaudit_exporter::sim::Fault;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

use crate::row::Row;
use crate::wire::{LOOK, Wire};

#[tokio::test(flavor = "multi_thread")]
async fn the_cloud_is_gone() {
    let row = Row::new(
        "the_cloud_is_gone",
        "Nothing listens at the endpoint any more",
    )
    .fails("unavailable", "connect")
    .remedy("check network, DNS, `endpoint`");
    let begins = async |stage: &mut Wire| stage.stop_cloud().await;
    let ends = async |stage: &mut Wire| stage.start_cloud().await;
    let mut wire = Wire::new().await;
    row.play(LOOK, &mut wire, begins, ends).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_cloud_was_never_there() {
    let row = Row::new(
        "the_cloud_was_never_there",
        "Nothing has ever listened at the endpoint",
    )
    .fails("unavailable", "connect")
    .since_the_start()
    .remedy("check network, DNS, `endpoint`; `/-/ready` waits one interval");
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
async fn answers_are_cut_off() {
    let row = Row::new("answers_are_cut_off", "Connections close within a response")
        .fails("unavailable", "connect")
        .remedy("check firewalls and proxies");
    Wire::new().await.play_fault(row, Fault::truncated()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_drips() {
    let row = Row::new(
        "an_answer_drips",
        "A response arrives byte by byte, endlessly",
    )
    .fails("unavailable", "timeout")
    .remedy("check firewalls and proxies");
    let fault = Fault::drip(Duration::from_secs(20));
    Wire::new().await.play_fault(row, fault).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_huge() {
    const BYTES: usize = 6 * 1024 * 1024;
    let row = Row::new("an_answer_is_huge", "A response above 4 MiB")
        .fails("malformed", "malformed")
        .remedy("find the server that answers instead");
    Wire::new().await.play_fault(row, Fault::huge(BYTES)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_comes_again() {
    let row = Row::new(
        "an_answer_comes_again",
        "A gateway repeats an earlier response, of any account",
    )
    .fails("unavailable", "malformed")
    .remedy("check gateways and proxies");
    let fault = Fault::edit(|answer| {
        answer["Response"]["RequestId"] = "0f1e2d3c-0000-4000-8000-000000000000".into();
    });
    Wire::new().await.play_fault(row, fault).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_handshake_fails() {
    let row = Row::new(
        "the_handshake_fails",
        "Untrusted certificate, or no TLS at the endpoint",
    )
    .fails("unavailable", "tls")
    .since_the_start()
    .remedy("set `http.ca_file` if your proxy signs, else correct `endpoint`; reload");
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
