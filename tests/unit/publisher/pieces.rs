//! The pieces of an exposition are joined and compressed once, however often they are read.

use std::collections::BTreeSet;
use std::io::Read;
use std::sync::Arc;

use bytes::Bytes;
use cloudaudit_exporter::exposition::{Metric, Renderer, TimedFragment};
use cloudaudit_exporter::hash::stable_hash;
use cloudaudit_exporter::snapshot::Evidence;
use flate2::bufread::GzDecoder;

use super::{Account, INTERVAL, World, accounts_in_one_bucket};
use crate::support::tracks::{listing, track};

/// The addresses of the pieces in memory. They are comparable only while the pieces are held.
fn addresses(pieces: &[Bytes]) -> Vec<*const u8> {
    pieces.iter().map(|piece| piece.as_ptr()).collect()
}

#[test]
fn an_unchanged_listing_is_neither_rendered_nor_joined_nor_compressed_again() {
    let of_the_listing = |world: &World| -> Vec<Bytes> {
        let families = ["tracks", "reported_tracks", "track_enabled", "track_info"];
        let headers = families.map(|family| format!("# HELP cloudaudit_{family} "));
        let begins = |piece: &Bytes| headers.iter().any(|it| piece.starts_with(it.as_bytes()));
        world.pieces(false).into_iter().filter(begins).collect()
    };
    // Names that compress badly, so that the compressed text is long.
    let name = |id: u64| stable_hash(&id.to_string()).to_string();
    let tracks = || (0..3_000).map(|id| track(id, &name(id)));
    let mut world = World::new();
    let mut account = world.account("a", &["r"]);
    account.listed(0, listing(tracks()), world.now);
    let before = world.text();
    // They are held so that their memory is not reused.
    let (plain, gzip) = (of_the_listing(&world), world.pieces(true));
    assert_eq!(plain.len(), 4);

    world.pass(INTERVAL);
    account.listed(0, listing(tracks()), world.now);
    assert_ne!(world.text(), before, "a timestamp changed");
    assert_eq!(addresses(&of_the_listing(&world)), addresses(&plain));
    // Only long pieces are not copied to their accounts_in_one_bucket.
    let again = addresses(&world.pieces(true));
    let kept = addresses(&gzip)
        .into_iter()
        .filter(|piece| again.contains(piece))
        .count();
    assert!(
        kept >= 2,
        "{kept}: the header of the member, and track_info"
    );

    account.listed(0, listing([track(1, "y")]), world.now);
    assert!(world.text().contains("track=\"y\""));
}

#[test]
fn a_renderer_renders_a_listing_once() {
    let mut world = World::new();
    let mut account = world.account("a", &["r", "s"]);
    let mut renderer = Renderer::new(Arc::clone(&account.info));
    let mut render = |account: &Account| renderer.render(&account.report(), Evidence::default());
    let shared = |one: &[TimedFragment], other: &[TimedFragment]| {
        let is_of_a_listing =
            |part: &&TimedFragment| part.fragment.of(Metric::ReportedTracks).is_some();
        let is_in_other = |part: &&TimedFragment| {
            other
                .iter()
                .any(|it| Arc::ptr_eq(&it.fragment, &part.fragment))
        };
        one.iter()
            .filter(is_of_a_listing)
            .filter(is_in_other)
            .count()
    };
    account.listed(0, listing([track(1, "x")]), world.now);
    account.listed(1, listing([track(1, "x")]), world.now);
    let first = render(&account);
    world.pass(INTERVAL);
    account.listed(0, listing([track(1, "x")]), world.now);
    let second = render(&account);
    assert_eq!(shared(&first, &second), 2, "one for each region");
    account.listed(0, listing([track(1, "y")]), world.now);
    assert_eq!(shared(&second, &render(&account)), 1);
}

/// A poll that finds no change updates only timestamps, durations and counters.
#[test]
fn unchanged_metrics_are_not_rendered_again() {
    let mut world = World::new();
    let mut account = world.account("a", &["r", "s"]);
    let mut renderer = Renderer::new(Arc::clone(&account.info));
    account.listed(0, listing([track(1, "x")]), world.now);
    account.failed(1, world.now);
    let first = renderer.render(&account.report(), Evidence::default());
    world.pass(INTERVAL);
    account.listed(0, listing([track(1, "x")]), world.now);
    let second = renderer.render(&account.report(), Evidence::default());
    let is_new = |part: &&TimedFragment| {
        !first
            .iter()
            .any(|it| Arc::ptr_eq(&it.fragment, &part.fragment))
    };
    let moved: BTreeSet<Metric> = second
        .iter()
        .filter(is_new)
        .flat_map(|part| part.fragment.pieces().map(|(metric, _)| metric))
        .collect();
    let expected = [
        Metric::AccountCoverageChecked,
        Metric::AccountObservedSeconds,
        Metric::AccountCoveredSeconds,
        Metric::LastPollTimestamp,
        Metric::LastSuccessTimestamp,
        Metric::LastPollDuration,
        Metric::Polls,
        Metric::ApiRequests,
        Metric::RateLimiterWait,
    ];
    assert_eq!(moved, BTreeSet::from(expected));
    let known = Metric::ALL.iter().copied();
    let known = known.filter(|metric| metric.changes_with_every_poll());
    assert_eq!(known.collect::<BTreeSet<_>>(), moved, "compressed fast");
}

/// Decompresses the only member of `gzip`.
pub(super) fn one_member(gzip: &[u8]) -> Vec<u8> {
    let mut decoder = GzDecoder::new(gzip);
    let mut plain = Vec::new();
    decoder.read_to_end(&mut plain).expect("a complete member");
    assert_eq!(decoder.into_inner(), b"", "data after the first member");
    plain
}

/// The flush of the last piece may end exactly at the end of the buffer.
#[test]
fn text_of_every_length_can_be_compressed() {
    let world = World::new();
    let mut noise = 1_u64;
    let text: String = std::iter::repeat_with(|| {
        noise = stable_hash(&noise.to_string());
        char::from(b' ' + u8::try_from(noise >> 58).expect("six bits"))
    })
    .take(1_000)
    .collect();
    for length in 0..text.len() {
        let own = &text[..length];
        let gzip = world.publisher.exposition(true, own, world.now).concat();
        assert_eq!(one_member(&gzip), own.as_bytes(), "{length}");
    }
}

/// A back reference may span 32 KiB, and must not reach beyond its piece.
#[test]
fn large_pieces_can_be_compressed() {
    let world = World::new();
    let mut account = world.account("a", &["r"]);
    let tracks = (0..3_000).map(|id| track(id, &format!("track-{id}")));
    account.listed(0, listing(tracks), world.now);
    let gzip = world.pieces(true).concat();
    assert_eq!(one_member(&gzip), world.text().as_bytes());
    assert!(gzip.len() * 8 < world.text().len(), "{}", gzip.len());
}

/// A large piece is in memory once, even if another account of its bucket changes.
#[test]
fn a_large_listing_is_not_copied_when_it_is_joined() {
    let [name, neighbor] = accounts_in_one_bucket();
    let world = World::new();
    let mut account = world.account(&name, &["r"]);
    let mut other = world.account(&neighbor, &["r"]);
    let tracks = (0..200).map(|id| track(id, &format!("track-{id}")));
    account.listed(0, listing(tracks), world.now);
    other.listed(0, listing([track(1, "x")]), world.now);
    let large = |world: &World| -> Vec<Bytes> {
        let pieces = world.pieces(false).into_iter();
        pieces.filter(|piece| piece.len() >= 8 * 1024).collect()
    };
    let before = large(&world);
    assert!(before.len() >= 3, "{}", before.len());
    other.listed(0, listing([track(1, "y")]), world.now);
    assert_eq!(addresses(&large(&world)), addresses(&before));
    let text = world.text();
    assert!(text.contains("track=\"y\"") && !text.contains("track=\"x\""));
    assert_eq!(one_member(&world.pieces(true).concat()), text.as_bytes());
}

/// Otherwise, an unchanged metric would keep the text of the replaced listing in memory.
#[test]
fn an_unchanged_metric_does_not_keep_a_replaced_listing_in_memory() {
    let present = |world: &World| -> Bytes {
        let pieces = world.pieces(false).into_iter();
        let mut pieces =
            pieces.skip_while(|it| !it.starts_with(b"# HELP cloudaudit_track_present"));
        pieces.nth(1).expect("its samples are long")
    };
    let tracks = |name: &'static str| (0..200).map(move |id| track(id, name));
    let world = World::new();
    let mut account = world.account("a", &["r"]);
    account.listed(0, listing(tracks("x")), world.now);
    let before = present(&world);
    // Only the total changes.
    let mut short = listing(tracks("x"));
    short.reported += 1;
    account.listed(0, short, world.now);
    let after = present(&world);
    assert_eq!(after, before, "every track is still present");
    assert_ne!(
        after.as_ptr(),
        before.as_ptr(),
        "the piece of the previous listing"
    );
}

/// A slow reader holds the same memory as the other readers.
#[test]
fn an_exposition_is_in_memory_once_for_all_readers() {
    let world = World::new();
    for number in 0..400 {
        let mut account = world.account(&format!("account-{number}"), &["r"]);
        account.listed(0, listing([track(1, "x")]), world.now);
    }
    let held = world.pieces(false);
    assert!(held.iter().any(|piece| piece.len() > 128 * 1024));
    assert_eq!(addresses(&world.pieces(false)), addresses(&held));
}
