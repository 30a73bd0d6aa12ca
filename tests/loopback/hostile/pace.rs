//! Slow and endless responses: the time limit of a request includes its whole response.

use std::time::Duration;

use cloudaudit_exporter::failure::Reason;
use tokio::time::Instant;

use super::server::{Play, Server};
use super::{TIMEOUT, poll};

/// How late a timeout may be on a busy machine.
const LATE: Duration = Duration::from_secs(1);

/// A pause too short for any idle timeout.
const PAUSE: Duration = Duration::from_millis(20);

async fn assert_timeout(play: Play) {
    let server = Server::playing(play).await;
    let start = Instant::now();
    let failure = poll(&server).await.unwrap_err();
    let took = start.elapsed();
    let found = (failure.reason, &*failure.code);
    assert_eq!(found, (Reason::Unavailable, "timeout"), "{failure}");
    assert!(took >= TIMEOUT && took <= TIMEOUT + LATE, "{took:?}");
}

#[tokio::test]
async fn a_slow_body_times_out() {
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n";
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    tokio::join!(
        assert_timeout(Play::endless(head, " ", PAUSE)),
        assert_timeout(Play::endless(chunked, "1\r\n \r\n", PAUSE)),
    );
}

#[tokio::test]
async fn a_slow_head_times_out() {
    let head = "HTTP/1.1 200 OK\r\nX-Header: ";
    tokio::join!(
        assert_timeout(Play::endless(head, "x", PAUSE)),
        assert_timeout(Play::endless("", "H", Duration::from_mins(1))),
    );
}

/// Informational responses do not extend the time limit.
#[tokio::test]
async fn endless_informational_responses_time_out() {
    let continues = "HTTP/1.1 100 Continue\r\n\r\n";
    let hints = "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n".repeat(100);
    tokio::join!(
        assert_timeout(Play::endless("", continues, PAUSE)),
        assert_timeout(Play::endless("", hints, Duration::ZERO)),
    );
}
