//! Clocks, rates, and polls that take long.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use cloudaudit_exporter::sim::World;
use http::header;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

use crate::memory::{Memory, Setup};
use crate::play::Look;
use crate::row::Does::{About, DipBelow, Equal, Grow, Miss};
use crate::row::{Recovery, Row};
use crate::support::signer::Signer;
use crate::{OTHER_REGION, REGION, SECRET_ID, SECRET_KEY};

const HOUR: i64 = 3600;

#[tokio::test(start_paused = true)]
async fn the_clock_is_off_by_an_hour() {
    let row = Row::new(
        "the_clock_is_off_by_an_hour",
        "Our clock is an hour behind the API's",
    )
    .also("cloudaudit_clock_skew_seconds", About(3600.0))
    .also(
        "cloudaudit_api_request_errors_total{code=\"AuthFailure.SignatureExpire\"}",
        Grow,
    )
    .afterwards("cloudaudit_clock_skew_seconds", About(0.0))
    .remedy("set the clock; calls are signed by the API's until then");
    let begins = |stage: &Memory| stage.world.set_skew_seconds(HOUR);
    let ends = |stage: &Memory| stage.world.set_skew_seconds(0);
    Memory::new().play(row, begins, ends).await;
}

#[tokio::test(start_paused = true)]
async fn the_clock_is_off_and_nobody_says_so() {
    let row = Row::new(
        "the_clock_is_off_and_nobody_says_so",
        "Our clock is an hour behind the API's, and answers carry no `Date`",
    )
    .fails("unauthenticated", "AuthFailure.SignatureExpire")
    .remedy("set the clock");
    let begins = |stage: &Memory| {
        stage.world.set_skew_seconds(HOUR);
        stage
            .way
            .change_headers(|headers| drop(headers.remove(header::DATE)));
    };
    let ends = |stage: &Memory| stage.world.set_skew_seconds(0);
    Memory::new().play(row, begins, ends).await;
}

#[tokio::test(start_paused = true)]
async fn another_tenant_uses_the_key() {
    let row = Row::new(
        "another_tenant_uses_the_key",
        "Somebody else makes 15 calls a second with the same key, of 20 that are allowed",
    )
    .also(
        "cloudaudit_rate_limiter_requests_per_second",
        DipBelow(10.0),
    )
    .also(
        "cloudaudit_api_request_failures_total{reason=\"throttled\"}",
        Grow,
    )
    .recovers(Recovery::Intervals(2))
    .afterwards("cloudaudit_rate_limiter_requests_per_second", Equal(10.0))
    .remedy("nothing, if it is meant; else a key of its own");
    let stage = Memory::with(Setup {
        tracks: 60,
        page_size: 2,
        ..Setup::default()
    });
    let world = stage.world.clone();
    let tenant = Arc::new(Mutex::new(JoinSet::new()));
    let begins = |_: &Memory| {
        tenant.lock().unwrap().spawn(call_without_end(world));
    };
    let ends = |_: &Memory| tenant.lock().unwrap().abort_all();
    stage.play(row, begins, ends).await;
}

async fn call_without_end(world: World) {
    let signer = Signer::new("127.0.0.1:1", SECRET_ID, SECRET_KEY);
    let mut due = interval(Duration::from_secs(1) / 15);
    due.set_missed_tick_behavior(MissedTickBehavior::Burst);
    loop {
        due.tick().await;
        let call = signer.list(world.now(), OTHER_REGION, 1, 10);
        drop(world.answer(call).await);
    }
}

const SLOW: Duration = Duration::from_secs(9);

#[tokio::test(start_paused = true)]
async fn a_poll_takes_longer_than_its_interval() {
    let row = Row::new(
        "a_poll_takes_longer_than_its_interval",
        "Many pages of slow answers: a poll takes more than an interval",
    )
    .also("cloudaudit_skipped_polls_total", Grow)
    .remedy("a longer `poll.interval`, or larger pages");
    let stage = Memory::with(Setup {
        tracks: 20,
        page_size: 2,
        ..Setup::default()
    });
    let look = Look {
        seen_within: 4,
        seen_for: 4,
    };
    let begins = |stage: &Memory| stage.world.set_latency(SLOW);
    let ends = |stage: &Memory| stage.world.set_latency(Duration::ZERO);
    stage.play_seen(row, look, begins, ends).await;
}

#[tokio::test(start_paused = true)]
async fn a_poll_takes_longer_than_four_intervals() {
    let row = Row::new(
        "a_poll_takes_longer_than_four_intervals",
        "So many pages of slow answers that a poll takes more than four intervals",
    )
    .fails("unavailable", "timeout")
    .also("cloudaudit_skipped_polls_total", Grow)
    .remedy("a longer `poll.interval`, or larger pages: the poll was cut");
    let stage = Memory::with(Setup {
        tracks: 60,
        page_size: 2,
        ..Setup::default()
    });
    let look = Look {
        seen_within: 6,
        seen_for: 2,
    };
    let begins = |stage: &Memory| stage.world.set_latency(SLOW);
    let ends = |stage: &Memory| stage.world.set_latency(Duration::ZERO);
    stage.play_seen(row, look, begins, ends).await;
}

#[tokio::test(start_paused = true)]
async fn a_region_hangs_beside_a_healthy_one() {
    let row = Row::new(
        "a_region_hangs_beside_a_healthy_one",
        "One region of an account does not answer, the other does",
    )
    .fails("unavailable", "timeout")
    .also("cloudaudit_up{region=\"ap-singapore\"}", Equal(1.0))
    .also(
        "cloudaudit_skipped_polls_total{region=\"ap-singapore\"}",
        Equal(0.0),
    )
    .also(
        "cloudaudit_last_failure_info{region=\"ap-singapore\"}",
        Miss,
    )
    .also(
        "cloudaudit_last_success_timestamp_seconds{region=\"ap-singapore\"}",
        Grow,
    )
    .remedy("compare the two; ask elsewhere if it lasts");
    let stage = Memory::with(Setup {
        regions: &[REGION, OTHER_REGION],
        ..Setup::default()
    });
    let fault = cloudaudit_exporter::sim::Fault::hang().region(REGION);
    stage.play_fault(row, fault).await;
}
