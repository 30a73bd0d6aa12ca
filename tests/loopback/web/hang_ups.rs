//! Clients that do not wait for the answer to their password.

use std::time::{Duration, Instant};

use base64::Engine;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::sleep;

use super::exporter::{Exporter, folder_with};

/// More guesses than a lane of checks has places.
const GUESSES: usize = 60;

/// Threads that may come and go beside the one that checks passwords.
const SPARE: u64 = 4;

async fn guess_and_hang_up(exporter: &Exporter, name: &str, guess: usize) {
    let mut stream = TcpStream::connect(exporter.address).await.unwrap();
    let who = base64::engine::general_purpose::STANDARD.encode(format!("{name}:{guess}"));
    let request = format!("GET / HTTP/1.1\r\nHost: here\r\nAuthorization: Basic {who}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    // Time for the check to begin.
    sleep(Duration::from_millis(20)).await;
}

#[tokio::test]
async fn checks_for_clients_that_hung_up_stay_bounded() {
    // Checks of this cost last longer than the test sends guesses.
    let hash = "$2b$13$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy";
    let web = format!("basic_auth_users: {{prometheus: '{hash}'}}\n");
    let exporter = Exporter::open(folder_with(&[]), &web);
    guess_and_hang_up(&exporter, "prometheus", 0).await;
    let before = exporter.status("Threads");
    let mut most = before;
    for guess in 1..GUESSES {
        guess_and_hang_up(&exporter, "prometheus", guess).await;
        most = most.max(exporter.status("Threads"));
    }
    assert!(most <= before + SPARE, "{before} threads, then {most}");
}

/// The password of one user is cheap to check, that of the other takes hours.
#[tokio::test]
async fn a_check_that_takes_hours_keeps_no_other_waiting() {
    let cheap = bcrypt::hash("secret", 4).unwrap();
    let dear = "$2b$31$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy";
    let web = format!("basic_auth_users: {{prometheus: '{cheap}', dear: '{dear}'}}\n");
    let exporter = Exporter::open(folder_with(&[]), &web);
    for guess in 0..3 {
        guess_and_hang_up(&exporter, "dear", guess).await;
    }
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let began = Instant::now();
    let request = client.get(format!("http://{}/-/healthy", exporter.address));
    let request = request.basic_auth("prometheus", Some("secret"));
    assert_eq!(request.send().await.unwrap().status(), 200);
    assert!(
        began.elapsed() < Duration::from_secs(10),
        "{:?}",
        began.elapsed()
    );
    // The file is read again, and its hashes are not warned of again.
    sleep(Duration::from_millis(1_200)).await;
    let request = client.get(format!("http://{}/-/healthy", exporter.address));
    request.send().await.unwrap();
    let log = exporter.log();
    assert_eq!(
        log.matches("checking this password takes seconds").count(),
        1,
        "{log}"
    );
}
