//! Clients that disconnect before their password is checked.

use std::time::{Duration, Instant};

use base64::Engine;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::sleep;

use super::exporter::{Exporter, folder_with};

/// More guesses than the queue of a lane of checks can hold.
const GUESSES: usize = 60;

/// The number of threads that may start in addition to the thread that checks passwords.
const SPARE: u64 = 4;

async fn guess_and_hang_up(exporter: &Exporter, name: &str, guess: usize) {
    let mut stream = TcpStream::connect(exporter.address).await.unwrap();
    let login = base64::engine::general_purpose::STANDARD.encode(format!("{name}:{guess}"));
    let request = format!("GET / HTTP/1.1\r\nHost: here\r\nAuthorization: Basic {login}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    // Gives the check time to begin.
    sleep(Duration::from_millis(20)).await;
}

#[tokio::test]
async fn password_checks_of_disconnected_clients_are_bounded() {
    // A check of this cost takes longer than sending all guesses.
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

/// Checking the password of one user is cheap, and checking that of the other takes hours.
#[tokio::test]
async fn a_password_check_that_takes_hours_does_not_delay_others() {
    let cheap = bcrypt::hash("secret", 4).unwrap();
    let costly = "$2b$31$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy";
    let web = format!("basic_auth_users: {{prometheus: '{cheap}', costly: '{costly}'}}\n");
    let exporter = Exporter::open(folder_with(&[]), &web);
    for guess in 0..3 {
        guess_and_hang_up(&exporter, "costly", guess).await;
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
    // Reading the file again does not repeat the warning.
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
