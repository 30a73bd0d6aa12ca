//! Clock skew: a wrong local clock, and wrong or forged dates in responses. In memory, in paused
//! time.

#![expect(
    clippy::unwrap_used,
    reason = "a helper of a test fails it by panicking"
)]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use cloudaudit_exporter::failure::{Failure, Reason};
use cloudaudit_exporter::sim::World;
use cloudaudit_exporter::snapshot::Listing;
use cloudaudit_exporter::tencent::{
    Client, Ended, MAX_CORRECTION, Observer, ResponseFuture, Sent, Transport,
};
use http::header::DATE;
use http::{HeaderValue, Request, Response};
use jiff::fmt::rfc2822::DateTimePrinter;
use tokio::time::{Instant, sleep};

use crate::support::one_key::{self, REGION, options, parts, world};
use crate::support::simulated::in_memory;

const HOUR: Duration = Duration::from_hours(1);

/// The number of pages, and thus of calls per listing.
const PAGES: u64 = 5;

/// Creates a client for this world whose own clock is right.
fn client(world: &World) -> Client {
    Client::new(parts(world, in_memory(world)), options(1))
}

/// Records what the client reports about the clock.
#[derive(Default)]
struct ClockObserver {
    corrections: Mutex<Vec<i64>>,
    skews: Mutex<Vec<Option<f64>>>,
    retries: Mutex<usize>,
}

impl Observer for ClockObserver {
    fn sent(&self, call: &Sent) {
        *self.retries.lock().unwrap() += usize::from(call.retry);
    }

    fn ended(&self, call: &Ended<'_>) {
        self.skews.lock().unwrap().push(call.clock_skew);
    }

    fn clock_corrected(&self, seconds: i64) {
        self.corrections.lock().unwrap().push(seconds);
    }
}

impl ClockObserver {
    fn corrections(&self) -> Vec<i64> {
        self.corrections.lock().unwrap().clone()
    }
}

async fn list(client: &Client, observer: &ClockObserver) -> Result<Arc<Listing>, Failure> {
    client.list(REGION, Instant::now() + HOUR, observer).await
}

fn assert_expired(listing: Result<Arc<Listing>, Failure>) {
    let failure = listing.unwrap_err();
    assert_eq!(failure.reason, Reason::Unauthenticated);
    assert_eq!(failure.code, "AuthFailure.SignatureExpire");
}

// A wrong local clock.

#[tokio::test(start_paused = true)]
async fn a_wrong_clock_costs_one_call_and_no_poll() {
    for skew in [-86_000, -43_200, -400, 400, 3_600, 43_200, 86_000_i64] {
        let world = world();
        let client = client(&world);
        world.set_skew_seconds(skew);
        let observer = ClockObserver::default();
        let start = Instant::now();
        assert_eq!(list(&client, &observer).await.unwrap().tracks.len(), 50);
        assert_eq!(world.refused_signatures(), 1, "{skew}");
        assert_eq!(world.call_count(), PAGES + 1);
        assert_eq!(*observer.retries.lock().unwrap(), 1);
        // The retry waits only for the pacer.
        assert!(
            start.elapsed() < Duration::from_millis(300),
            "{:?}",
            start.elapsed()
        );

        let corrections = observer.corrections();
        assert_eq!(corrections.len(), 1, "{corrections:?}");
        assert!(corrections[0].abs_diff(skew) <= 1, "{corrections:?}");
        // The reported skew is that of the local clock, corrected or not.
        for shown in observer.skews.lock().unwrap().iter() {
            assert!((shown.unwrap() - skew as f64).abs() <= 1.0, "{shown:?}");
        }

        // The correction holds and is not reported again.
        sleep(HOUR).await;
        list(&client, &observer).await.unwrap();
        assert_eq!(world.refused_signatures(), 1, "{skew}");
        assert_eq!(observer.corrections().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_small_skew_is_not_corrected() {
    for skew in [-290, 290] {
        let world = world();
        let client = client(&world);
        world.set_skew_seconds(skew);
        let observer = ClockObserver::default();
        list(&client, &observer).await.unwrap();
        assert_eq!(world.refused_signatures(), 0);
        assert!(observer.corrections().is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn the_correction_follows_a_clock_that_is_set() {
    let world = world();
    let client = client(&world);
    let observer = ClockObserver::default();
    for (skew, refused) in [(3_600, 1), (0, 2), (-7_200, 3), (-7_000, 3), (0, 4)] {
        world.set_skew_seconds(skew);
        list(&client, &observer).await.unwrap();
        assert_eq!(world.refused_signatures(), refused, "{skew}");
    }
    assert_eq!(observer.corrections().len(), 4);
}

#[tokio::test(start_paused = true)]
async fn concurrent_regions_report_one_correction() {
    let world = world();
    world.set_latency(Duration::from_millis(500));
    let client = client(&world);
    world.set_skew_seconds(3_600);
    let observer = ClockObserver::default();
    let (one, two) = tokio::join!(list(&client, &observer), list(&client, &observer));
    one.unwrap();
    two.unwrap();
    assert_eq!(world.refused_signatures(), 2, "both calls were in flight");
    assert_eq!(observer.corrections().len(), 1);
}

/// The date from one endpoint does not correct the clock for another.
#[tokio::test(start_paused = true)]
async fn each_client_has_its_own_correction() {
    let (here, there) = (world(), world());
    let (one, two) = (client(&here), client(&there));
    here.set_skew_seconds(3_600);
    let observer = ClockObserver::default();
    list(&one, &observer).await.unwrap();
    list(&two, &observer).await.unwrap();
    assert_eq!(here.refused_signatures(), 1);
    assert_eq!(there.refused_signatures(), 0);
}

/// No retry starts after the poll's deadline, even if it would succeed.
#[tokio::test(start_paused = true)]
async fn a_correction_after_the_deadline_applies_to_the_next_poll() {
    let world = world();
    world.set_latency(Duration::from_secs(2));
    let client = client(&world);
    world.set_skew_seconds(3_600);
    let observer = ClockObserver::default();
    let soon = Instant::now() + Duration::from_secs(1);
    assert_expired(client.list(REGION, soon, &observer).await);
    assert_eq!(world.call_count(), 1);
    list(&client, &observer).await.unwrap();
    assert_eq!(world.refused_signatures(), 1);
}

// Missing, useless and forged dates.

/// A proxy between the client and the world that can replace or change responses.
struct TamperingProxy<F> {
    world: Arc<dyn Transport>,
    number: Mutex<usize>,
    tamper: F,
}

/// What the proxy does to a response.
#[derive(Clone, Copy)]
enum Tampering {
    /// Nothing.
    Pass,
    /// Removes the date.
    RemoveDate,
    /// Shifts the date by this many seconds.
    ShiftDate(i64),
    /// Responds that the signature expired, with a date shifted by this many seconds.
    Refuse(i64),
}

/// Creates a client behind a proxy. `tamper` gets the number of the call, from 0.
fn client_behind<F>(world: &World, tamper: F) -> Client
where
    F: Fn(usize) -> Tampering + Send + Sync + 'static,
{
    let proxy = TamperingProxy {
        world: in_memory(world),
        number: Mutex::default(),
        tamper,
    };
    Client::new(parts(world, Arc::new(proxy)), options(1))
}

impl<F: Fn(usize) -> Tampering + Send + Sync> Transport for TamperingProxy<F> {
    fn send(&self, request: Request<Bytes>) -> ResponseFuture<'_> {
        let mut number = self.number.lock().unwrap();
        let tampering = (self.tamper)(*number);
        *number += 1;
        drop(number);
        Box::pin(async move {
            let mut answer = self.world.send(request).await?;
            match tampering {
                Tampering::Pass => {}
                Tampering::RemoveDate => drop(answer.headers_mut().remove(DATE)),
                Tampering::ShiftDate(seconds) => shift_date(&mut answer, seconds),
                Tampering::Refuse(seconds) => {
                    shift_date(&mut answer, seconds);
                    let expired = r#"{"Response":{"Error":{"Code":"AuthFailure.SignatureExpire","Message":"too late"},"RequestId":"r"}}"#;
                    *answer.body_mut() = Bytes::from_static(expired.as_bytes());
                }
            }
            Ok(answer)
        })
    }
}

fn shift_date(answer: &mut Response<Bytes>, seconds: i64) {
    let truth = answer.headers()[DATE].to_str().unwrap();
    let truth = jiff::fmt::rfc2822::parse(truth).unwrap().timestamp();
    let shifted = truth + jiff::SignedDuration::from_secs(seconds);
    let shifted = DateTimePrinter::new()
        .timestamp_to_rfc9110_string(&shifted)
        .unwrap();
    answer
        .headers_mut()
        .insert(DATE, HeaderValue::try_from(shifted).unwrap());
}

#[tokio::test(start_paused = true)]
async fn without_a_date_a_refused_signature_is_not_retried() {
    let world = world();
    let client = client_behind(&world, |_| Tampering::RemoveDate);
    world.set_skew_seconds(3_600);
    let observer = ClockObserver::default();
    assert_expired(list(&client, &observer).await);
    assert_eq!(world.call_count(), 1);
    assert!(observer.corrections().is_empty());
    assert_eq!(*observer.skews.lock().unwrap(), [None]);
}

/// A skew beyond any plausible mistake, or an impossible date.
#[tokio::test(start_paused = true)]
async fn an_implausible_date_corrects_nothing() {
    let bound = i64::try_from(MAX_CORRECTION.as_secs()).unwrap();
    for far in [
        bound + 10,
        -bound - 10,
        40 * 365 * 86_400,
        -50 * 365 * 86_400,
    ] {
        let world = world();
        let client = client_behind(&world, move |number| match number {
            0 => Tampering::Refuse(far),
            _ => Tampering::Pass,
        });
        let observer = ClockObserver::default();
        assert_expired(list(&client, &observer).await);
        assert_eq!(world.call_count(), 1, "no retry");
        assert!(observer.corrections().is_empty());
        // The skew is still reported: one of the clocks is wrong.
        let shown = observer.skews.lock().unwrap()[0].unwrap();
        assert!((shown - far as f64).abs() <= 1.0, "{shown}");
        list(&client, &observer).await.unwrap();
        assert_eq!(world.refused_signatures(), 0);
    }
}

/// A forged date within the bound is applied once and costs one poll.
#[tokio::test(start_paused = true)]
async fn the_next_true_date_undoes_a_forged_one() {
    for forged in [-80_000, 80_000] {
        let world = world();
        let client = client_behind(&world, move |number| match number {
            0 => Tampering::Refuse(forged),
            _ => Tampering::Pass,
        });
        let observer = ClockObserver::default();
        assert_expired(list(&client, &observer).await);
        assert_eq!(world.call_count(), 2, "one retry");
        list(&client, &observer).await.unwrap();
        assert_eq!(world.call_count(), 2 + PAGES);
        assert_eq!(world.refused_signatures(), 1);
        let corrections = observer.corrections();
        assert!(
            corrections[0].abs_diff(forged) <= 1 && corrections[1] == 0,
            "{corrections:?}"
        );
        assert_eq!(corrections.len(), 2);
    }
}

/// If the API sends no dates, only the forged one is ever seen; its correction must not last.
#[tokio::test(start_paused = true)]
async fn a_forged_date_is_dropped_without_a_true_date() {
    let world = world();
    let client = client_behind(&world, |number| match number {
        0 => Tampering::Refuse(80_000),
        _ => Tampering::RemoveDate,
    });
    let observer = ClockObserver::default();
    assert_expired(list(&client, &observer).await);
    list(&client, &observer).await.unwrap();
    assert_eq!(world.call_count(), 2 + PAGES);
    assert_eq!(world.refused_signatures(), 1);
    assert_eq!(observer.corrections().last(), Some(&0));
}

/// A proxy that refuses every call, with a new date each time, costs two calls per poll.
#[tokio::test(start_paused = true)]
async fn constant_refusals_cost_two_calls_per_poll() {
    let world = world();
    let client = client_behind(&world, |number| {
        let days = i64::try_from(number % 5).unwrap() - 2;
        Tampering::Refuse(days * 40_000)
    });
    for poll in 1..=20 {
        let observer = ClockObserver::default();
        assert_expired(list(&client, &observer).await);
        assert!(world.call_count() <= 2 * poll, "{}", world.call_count());
        assert!(observer.corrections().len() <= 2);
    }
}

/// If the date agrees with the local clock, the time is not the cause.
#[tokio::test(start_paused = true)]
async fn a_refusal_with_an_agreeing_date_is_not_retried() {
    for seconds in [0, 50, -50] {
        let world = world();
        let client = client_behind(&world, move |_| Tampering::Refuse(seconds));
        let observer = ClockObserver::default();
        assert_expired(list(&client, &observer).await);
        assert_eq!(world.call_count(), 1);
        assert!(observer.corrections().is_empty());
    }
}

/// Only a refusal because of the time corrects the clock: neither another refusal nor a date alone.
#[tokio::test(start_paused = true)]
async fn a_date_alone_corrects_nothing() {
    let world = world();
    let client = client_behind(&world, |_| Tampering::ShiftDate(3_600));
    let observer = ClockObserver::default();
    list(&client, &observer).await.unwrap();
    world
        .account("100000000001")
        .unwrap()
        .remove_identity(one_key::SECRET_ID)
        .unwrap();
    let failure = list(&client, &observer).await.unwrap_err();
    assert_eq!(failure.code, "AuthFailure.SecretIdNotFound");
    assert_eq!(world.call_count(), PAGES + 1, "no retry");
    assert!(observer.corrections().is_empty());
}
