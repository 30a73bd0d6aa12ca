//! What only a socket shows.

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
        "Nobody listens at the endpoint any more",
    )
    .fails("unavailable", "connect")
    .remedy("look at the network, the name service and `endpoint`");
    let begins = async |stage: &mut Wire| stage.kill_cloud().await;
    let ends = async |stage: &mut Wire| stage.revive_cloud().await;
    let mut wire = Wire::new().await;
    row.play(LOOK, &mut wire, begins, ends).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_cloud_was_never_there() {
    let row = Row::new(
        "the_cloud_was_never_there",
        "Nobody has listened at the endpoint since the exporter began",
    )
    .fails("unavailable", "connect")
    .since_the_start()
    .remedy(
        "look at the network, the name service and `endpoint`; `/-/ready` waits for one interval",
    );
    let begins = async |stage: &mut Wire| stage.kill_cloud().await;
    let ends = async |stage: &mut Wire| stage.revive_cloud().await;
    let mut wire = Wire::new().await;
    row.play(LOOK, &mut wire, begins, ends).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_are_reset() {
    let row = Row::new(
        "connections_are_reset",
        "Connections are reset in place of an answer",
    )
    .fails("unavailable", "connect")
    .remedy("look at the way to the API: firewalls, proxies");
    Wire::new().await.play_fault(row, Fault::reset()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_are_cut_off() {
    let row = Row::new(
        "answers_are_cut_off",
        "Connections end in the middle of an answer",
    )
    .fails("unavailable", "connect")
    .remedy("look at the way to the API: firewalls, proxies");
    Wire::new().await.play_fault(row, Fault::truncated()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_drips() {
    let row = Row::new(
        "an_answer_drips",
        "An answer comes byte by byte: never silent, never done",
    )
    .fails("unavailable", "timeout")
    .remedy("look at the way to the API; `poll.timeout` is for the whole answer");
    let fault = Fault::drip(Duration::from_secs(20));
    Wire::new().await.play_fault(row, fault).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_huge() {
    const BYTES: usize = 6 * 1024 * 1024;
    let row = Row::new("an_answer_is_huge", "An answer of more than 4 MiB")
        .fails("malformed", "malformed")
        .remedy("find out who answers in the API's place");
    Wire::new().await.play_fault(row, Fault::huge(BYTES)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_comes_again() {
    let row = Row::new(
        "an_answer_comes_again",
        "A gateway answers with the answer to an earlier request, of this account or another",
    )
    .fails("unavailable", "malformed")
    .remedy("look at the gateway or proxy on the way: it exchanges or repeats answers");
    let fault = Fault::edit(|answer| {
        answer["Response"]["RequestId"] = "0f1e2d3c-0000-4000-8000-000000000000".into();
    });
    Wire::new().await.play_fault(row, fault).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_handshake_fails() {
    let row = Row::new(
        "the_handshake_fails",
        "TLS does not come about: a certificate that is not trusted, or no TLS at the endpoint",
    )
    .fails("unavailable", "tls")
    .since_the_start()
    .remedy("set `http.ca_file`, if a proxy of your own signs; else check `endpoint`; reload");
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

/// Answers a handshake with plain HTTP.
async fn speak_no_tls() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let mut open = Vec::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            let refusal = b"HTTP/1.1 400 Bad Request\r\n\r\nplain HTTP is spoken here";
            let _ = stream.write_all(refusal).await;
            // A reset would be a fault of its own.
            open.push(stream);
        }
    });
    address
}
