//! Retries after a shared outage do not coincide: the waits differ between calls and between
//! processes.

use std::process::{Command, Output};
use std::time::Duration;

use cloudaudit_exporter::sim::Fault;
use cloudaudit_exporter::tencent::{Client, Ended, Observer, Sent};
use tokio::time::Instant;

use crate::support::{one_key, simulated};

/// The prefix of the line with the waits.
const MARK: &str = "the waits in milliseconds: ";

struct NoObserver;

impl Observer for NoObserver {
    fn sent(&self, _: &Sent) {}

    fn ended(&self, _: &Ended<'_>) {}
}

/// Returns the waits between the attempts of a call that always fails.
async fn waits() -> Vec<u128> {
    let world = one_key::world();
    world.inject(Fault::internal_error().until_cleared());
    let parts = one_key::parts(&world, simulated::in_memory(&world));
    let client = Client::new(parts, one_key::options(6));
    let hour = Instant::now() + Duration::from_hours(1);
    let listing = client.list(one_key::REGION, hour, &NoObserver).await;
    listing.expect_err("every attempt fails");
    let arrived: Vec<Instant> = world.calls().iter().map(|call| call.arrived).collect();
    assert_eq!(arrived.len(), 6);
    let waits = arrived.windows(2).map(|pair| pair[1] - pair[0]);
    waits.map(|wait| wait.as_millis()).collect()
}

#[tokio::test(start_paused = true)]
async fn waits_differ_between_calls() {
    let (one, two) = (waits().await, waits().await);
    println!("{MARK}{one:?}");
    assert_ne!(one, two);
}

/// Simulates two exporters after the same outage. Each process is this test program, which runs
/// only the test above.
#[test]
fn waits_differ_between_processes() {
    let this = std::env::current_exe().expect("a test program has a file");
    let process = || {
        let test = "jitter::waits_differ_between_calls";
        let output = Command::new(&this)
            .args(["--exact", test, "--nocapture"])
            .output();
        printed_waits(&output.expect("the program runs"))
    };
    let (one, two) = (process(), process());
    assert_ne!(one, two);
}

fn printed_waits(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stdout);
    let start = text
        .find(MARK)
        .unwrap_or_else(|| panic!("no waits in {text}"));
    let rest = &text[start + MARK.len()..];
    rest[..=rest.find(']').expect("a list ends")].to_owned()
}
