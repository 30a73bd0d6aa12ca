//! Clocks, rates and slow polls.

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
async fn the_clock_is_an_hour_behind() {
    let row = Row::new(
        "the_clock_is_an_hour_behind",
        "The exporter host's clock is one hour behind",
    )
    .also("cloudaudit_clock_skew_seconds", About(3600.0))
    .also(
        "cloudaudit_api_request_errors_total{code=\"AuthFailure.SignatureExpire\"}",
        Grow,
    )
    .afterwards("cloudaudit_clock_skew_seconds", About(0.0))
    .remedy("synchronize the clock");
    let begins = |stage: &Memory| stage.world.set_skew_seconds(HOUR);
    let ends = |stage: &Memory| stage.world.set_skew_seconds(0);
    Memory::new().play(row, begins, ends).await;
}

#[tokio::test(start_paused = true)]
async fn the_clock_is_behind_and_responses_have_no_date() {
    let row = Row::new(
        "the_clock_is_behind_and_responses_have_no_date",
        "The exporter host's clock is one hour behind, and responses have no `Date` header",
    )
    .fails("unauthenticated", "AuthFailure.SignatureExpire")
    .remedy("synchronize the clock");
    let begins = |stage: &Memory| {
        stage.world.set_skew_seconds(HOUR);
        stage
            .transport
            .change_headers(|headers| drop(headers.remove(header::DATE)));
    };
    let ends = |stage: &Memory| stage.world.set_skew_seconds(0);
    Memory::new().play(row, begins, ends).await;
}

#[tokio::test(start_paused = true)]
async fn another_client_uses_the_key() {
    let row = Row::new(
        "another_client_uses_the_key",
        "Another client of the key sends 15 of the 20 allowed requests per second",
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
    .remedy("nothing, or create a separate key");
    let stage = Memory::with(Setup {
        tracks: 60,
        page_size: 2,
        ..Setup::default()
    });
    let world = stage.world.clone();
    let tenant = Arc::new(Mutex::new(JoinSet::new()));
    let begins = |_: &Memory| {
        tenant.lock().unwrap().spawn(call_forever(world));
    };
    let ends = |_: &Memory| tenant.lock().unwrap().abort_all();
    stage.play(row, begins, ends).await;
}

async fn call_forever(world: World) {
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
        "A poll takes longer than one interval",
    )
    .also("cloudaudit_skipped_polls_total", Grow)
    .remedy("lengthen `poll.interval`, or raise `poll.page_size`");
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
        "A poll takes longer than four intervals",
    )
    .fails("unavailable", "timeout")
    .also("cloudaudit_skipped_polls_total", Grow)
    .remedy("lengthen `poll.interval`, or raise `poll.page_size`");
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
async fn one_of_two_regions_does_not_respond() {
    let row = Row::new(
        "one_of_two_regions_does_not_respond",
        "The API does not respond in one of two regions (the other: `ap-singapore`)",
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
    .remedy("wait, or configure another region");
    let stage = Memory::with(Setup {
        regions: &[REGION, OTHER_REGION],
        ..Setup::default()
    });
    let fault = cloudaudit_exporter::sim::Fault::hang().region(REGION);
    stage.play_fault(row, fault).await;
}
