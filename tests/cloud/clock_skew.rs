//! A clock that is wrong: ours, or what somebody says of it. In memory, in paused time.

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

/// How many pages the world has, and so how many calls a listing takes.
const PAGES: u64 = 5;

/// A client in this world, with its own clock right.
fn client(world: &World) -> Client {
    Client::new(parts(world, in_memory(world)), options(1))
}

/// What was told of the clock.
#[derive(Default)]
struct Told {
    corrections: Mutex<Vec<i64>>,
    skews: Mutex<Vec<Option<f64>>>,
    retries: Mutex<usize>,
}

impl Observer for Told {
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

impl Told {
    fn corrections(&self) -> Vec<i64> {
        self.corrections.lock().unwrap().clone()
    }
}

async fn list(client: &Client, told: &Told) -> Result<Arc<Listing>, Failure> {
    client.list(REGION, Instant::now() + HOUR, told).await
}

fn assert_expired(listing: Result<Arc<Listing>, Failure>) {
    let failure = listing.unwrap_err();
    assert_eq!(failure.reason, Reason::Unauthenticated);
    assert_eq!(failure.code, "AuthFailure.SignatureExpire");
}

// A clock of ours that is wrong.

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_off_costs_one_call_and_no_poll() {
    for skew in [-86_000, -43_200, -400, 400, 3_600, 43_200, 86_000_i64] {
        let world = world();
        let client = client(&world);
        world.set_skew_seconds(skew);
        let told = Told::default();
        let start = Instant::now();
        assert_eq!(list(&client, &told).await.unwrap().tracks.len(), 50);
        assert_eq!(world.refused_signatures(), 1, "{skew}");
        assert_eq!(world.call_count(), PAGES + 1);
        assert_eq!(*told.retries.lock().unwrap(), 1);
        // At once: nothing is waited for but the pacer.
        assert!(
            start.elapsed() < Duration::from_millis(300),
            "{:?}",
            start.elapsed()
        );

        let corrections = told.corrections();
        assert_eq!(corrections.len(), 1, "{corrections:?}");
        assert!(corrections[0].abs_diff(skew) <= 1, "{corrections:?}");
        // What is shown is how wrong our clock is, corrected or not.
        for shown in told.skews.lock().unwrap().iter() {
            assert!((shown.unwrap() - skew as f64).abs() <= 1.0, "{shown:?}");
        }

        // It goes on being right, and nobody is told again.
        sleep(HOUR).await;
        list(&client, &told).await.unwrap();
        assert_eq!(world.refused_signatures(), 1, "{skew}");
        assert_eq!(told.corrections().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_a_little_off_is_let_be() {
    for skew in [-290, 290] {
        let world = world();
        let client = client(&world);
        world.set_skew_seconds(skew);
        let told = Told::default();
        list(&client, &told).await.unwrap();
        assert_eq!(world.refused_signatures(), 0);
        assert!(told.corrections().is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_somebody_sets_right_is_followed() {
    let world = world();
    let client = client(&world);
    let told = Told::default();
    for (skew, refused) in [(3_600, 1), (0, 2), (-7_200, 3), (-7_000, 3), (0, 4)] {
        world.set_skew_seconds(skew);
        list(&client, &told).await.unwrap();
        assert_eq!(world.refused_signatures(), refused, "{skew}");
    }
    assert_eq!(told.corrections().len(), 4);
}

#[tokio::test(start_paused = true)]
async fn regions_that_are_asked_at_once_tell_it_once() {
    let world = world();
    world.set_latency(Duration::from_millis(500));
    let client = client(&world);
    world.set_skew_seconds(3_600);
    let told = Told::default();
    let (one, two) = tokio::join!(list(&client, &told), list(&client, &told));
    one.unwrap();
    two.unwrap();
    assert_eq!(world.refused_signatures(), 2, "both were on their way");
    assert_eq!(told.corrections().len(), 1);
}

/// What one endpoint says of the time is not believed of another's.
#[tokio::test(start_paused = true)]
async fn each_client_has_its_own_correction() {
    let (here, there) = (world(), world());
    let (one, two) = (client(&here), client(&there));
    here.set_skew_seconds(3_600);
    let told = Told::default();
    list(&one, &told).await.unwrap();
    list(&two, &told).await.unwrap();
    assert_eq!(here.refused_signatures(), 1);
    assert_eq!(there.refused_signatures(), 0);
}

/// No retry starts after the deadline of the poll, not even one that would help.
#[tokio::test(start_paused = true)]
async fn a_correction_after_the_deadline_is_for_the_next_poll() {
    let world = world();
    world.set_latency(Duration::from_secs(2));
    let client = client(&world);
    world.set_skew_seconds(3_600);
    let told = Told::default();
    let soon = Instant::now() + Duration::from_secs(1);
    assert_expired(client.list(REGION, soon, &told).await);
    assert_eq!(world.call_count(), 1);
    list(&client, &told).await.unwrap();
    assert_eq!(world.refused_signatures(), 1);
}

// What is said of it that is of no use, or a lie.

/// Somebody between us and the world, who may answer in its place and change what it answers.
struct Between<F> {
    world: Arc<dyn Transport>,
    number: Mutex<usize>,
    meddle: F,
}

/// What somebody does to the answer of a call.
#[derive(Clone, Copy)]
enum Meddling {
    /// Nothing.
    Pass,
    /// Takes the date out of it.
    Undate,
    /// Puts another date into it, so many seconds from the truth.
    Redate(i64),
    /// Refuses the signature in the world's place, as if it were so many seconds from what it is.
    Refuse(i64),
}

/// A client that has somebody between itself and the world, who looks at the number of the call,
/// from 0, and then meddles.
fn client_behind<F>(world: &World, meddle: F) -> Client
where
    F: Fn(usize) -> Meddling + Send + Sync + 'static,
{
    let between = Between {
        world: in_memory(world),
        number: Mutex::default(),
        meddle,
    };
    Client::new(parts(world, Arc::new(between)), options(1))
}

impl<F: Fn(usize) -> Meddling + Send + Sync> Transport for Between<F> {
    fn send(&self, request: Request<Bytes>) -> ResponseFuture<'_> {
        let mut number = self.number.lock().unwrap();
        let meddling = (self.meddle)(*number);
        *number += 1;
        drop(number);
        Box::pin(async move {
            let mut answer = self.world.send(request).await?;
            match meddling {
                Meddling::Pass => {}
                Meddling::Undate => drop(answer.headers_mut().remove(DATE)),
                Meddling::Redate(seconds) => redate(&mut answer, seconds),
                Meddling::Refuse(seconds) => {
                    redate(&mut answer, seconds);
                    let expired = r#"{"Response":{"Error":{"Code":"AuthFailure.SignatureExpire","Message":"too late"},"RequestId":"r"}}"#;
                    *answer.body_mut() = Bytes::from_static(expired.as_bytes());
                }
            }
            Ok(answer)
        })
    }
}

fn redate(answer: &mut Response<Bytes>, seconds: i64) {
    let truth = answer.headers()[DATE].to_str().unwrap();
    let truth = jiff::fmt::rfc2822::parse(truth).unwrap().timestamp();
    let said = truth + jiff::SignedDuration::from_secs(seconds);
    let said = DateTimePrinter::new()
        .timestamp_to_rfc9110_string(&said)
        .unwrap();
    answer
        .headers_mut()
        .insert(DATE, HeaderValue::try_from(said).unwrap());
}

#[tokio::test(start_paused = true)]
async fn without_a_date_it_fails_as_any_refused_signature_does() {
    let world = world();
    let client = client_behind(&world, |_| Meddling::Undate);
    world.set_skew_seconds(3_600);
    let told = Told::default();
    assert_expired(list(&client, &told).await);
    assert_eq!(world.call_count(), 1);
    assert!(told.corrections().is_empty());
    assert_eq!(*told.skews.lock().unwrap(), [None]);
}

/// A clock that is further off than anybody's mistake, or a date that nobody can mean.
#[tokio::test(start_paused = true)]
async fn an_absurd_date_moves_nothing() {
    let bound = i64::try_from(MAX_CORRECTION.as_secs()).unwrap();
    for far in [
        bound + 10,
        -bound - 10,
        40 * 365 * 86_400,
        -50 * 365 * 86_400,
    ] {
        let world = world();
        let client = client_behind(&world, move |number| match number {
            0 => Meddling::Refuse(far),
            _ => Meddling::Pass,
        });
        let told = Told::default();
        assert_expired(list(&client, &told).await);
        assert_eq!(world.call_count(), 1, "it was not tried again");
        assert!(told.corrections().is_empty());
        // It is shown, though: somebody's clock is wrong.
        let shown = told.skews.lock().unwrap()[0].unwrap();
        assert!((shown - far as f64).abs() <= 1.0, "{shown}");
        list(&client, &told).await.unwrap();
        assert_eq!(world.refused_signatures(), 0);
    }
}

/// A lie within the bound is believed once, and costs one poll.
#[tokio::test(start_paused = true)]
async fn a_lie_is_found_out_by_the_next_true_date() {
    for lie in [-80_000, 80_000] {
        let world = world();
        let client = client_behind(&world, move |number| match number {
            0 => Meddling::Refuse(lie),
            _ => Meddling::Pass,
        });
        let told = Told::default();
        assert_expired(list(&client, &told).await);
        assert_eq!(world.call_count(), 2, "once, and no more");
        list(&client, &told).await.unwrap();
        assert_eq!(world.call_count(), 2 + PAGES);
        assert_eq!(world.refused_signatures(), 1);
        let corrections = told.corrections();
        assert!(
            corrections[0].abs_diff(lie) <= 1 && corrections[1] == 0,
            "{corrections:?}"
        );
        assert_eq!(corrections.len(), 2);
    }
}

/// Where the API sends no dates, only the liar's is ever seen; it must not hold for ever.
#[tokio::test(start_paused = true)]
async fn a_lie_is_dropped_where_there_is_no_true_date() {
    let world = world();
    let client = client_behind(&world, |number| match number {
        0 => Meddling::Refuse(80_000),
        _ => Meddling::Undate,
    });
    let told = Told::default();
    assert_expired(list(&client, &told).await);
    list(&client, &told).await.unwrap();
    assert_eq!(world.call_count(), 2 + PAGES);
    assert_eq!(world.refused_signatures(), 1);
    assert_eq!(told.corrections().last(), Some(&0));
}

/// Somebody who refuses everything, with another date every time, gets two calls of every poll.
#[tokio::test(start_paused = true)]
async fn who_refuses_everything_is_asked_twice_in_a_poll() {
    let world = world();
    let client = client_behind(&world, |number| {
        let days = i64::try_from(number % 5).unwrap() - 2;
        Meddling::Refuse(days * 40_000)
    });
    for poll in 1..=20 {
        let told = Told::default();
        assert_expired(list(&client, &told).await);
        assert!(world.call_count() <= 2 * poll, "{}", world.call_count());
        assert!(told.corrections().len() <= 2);
    }
}

/// The date says that our time is right: then the time is not what is wrong.
#[tokio::test(start_paused = true)]
async fn a_date_that_agrees_is_no_reason_to_try_again() {
    for seconds in [0, 50, -50] {
        let world = world();
        let client = client_behind(&world, move |_| Meddling::Refuse(seconds));
        let told = Told::default();
        assert_expired(list(&client, &told).await);
        assert_eq!(world.call_count(), 1);
        assert!(told.corrections().is_empty());
    }
}

/// Only a refusal for its time moves the clock: not another refusal, and not a date alone.
#[tokio::test(start_paused = true)]
async fn a_date_alone_moves_nothing() {
    let world = world();
    let client = client_behind(&world, |_| Meddling::Redate(3_600));
    let told = Told::default();
    list(&client, &told).await.unwrap();
    world
        .account("100000000001")
        .unwrap()
        .remove_identity(one_key::SECRET_ID)
        .unwrap();
    let failure = list(&client, &told).await.unwrap_err();
    assert_eq!(failure.code, "AuthFailure.SecretIdNotFound");
    assert_eq!(world.call_count(), PAGES + 1, "it was not tried again");
    assert!(told.corrections().is_empty());
}
