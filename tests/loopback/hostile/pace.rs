//! Answers that come slowly, or for ever: the time for one call is for all of it.

use std::time::Duration;

use cloudaudit_exporter::failure::Reason;
use tokio::time::Instant;

use super::server::{Play, Server};
use super::{TIMEOUT, poll};

/// What a machine that has other things to do may be late.
const LATE: Duration = Duration::from_secs(1);

/// A little at a time, so that nothing that only waits for silence ever ends.
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
async fn a_body_that_drips() {
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n";
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    tokio::join!(
        assert_timeout(Play::endless(head, " ", PAUSE)),
        assert_timeout(Play::endless(chunked, "1\r\n \r\n", PAUSE)),
    );
}

#[tokio::test]
async fn a_head_that_drips() {
    let head = "HTTP/1.1 200 OK\r\nX-Header: ";
    tokio::join!(
        assert_timeout(Play::endless(head, "x", PAUSE)),
        assert_timeout(Play::endless("", "H", Duration::from_mins(1))),
    );
}

/// "Go on", again and again, is no answer.
#[tokio::test]
async fn an_answer_that_is_always_about_to_come() {
    let go_on = "HTTP/1.1 100 Continue\r\n\r\n";
    let hints = "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n".repeat(100);
    tokio::join!(
        assert_timeout(Play::endless("", go_on, PAUSE)),
        assert_timeout(Play::endless("", hints, Duration::ZERO)),
    );
}
