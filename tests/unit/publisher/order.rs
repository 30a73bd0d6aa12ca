//! What a scrape reads does not depend on the order of the earlier events.

use std::sync::Arc;

use cloudaudit_exporter::publisher::Publisher;
use proptest::prelude::*;

use super::pieces::one_member;
use super::{Account, INTERVAL, World, accounts_in_one_bucket, with_status};
use crate::support::tracks::{listing, track};

/// An event in a world with four accounts, two of them in the same bucket.
#[derive(Clone, Copy, Debug)]
enum Event {
    Pass {
        minutes: u32,
    },
    Listed {
        account: usize,
        target: usize,
        kind: u64,
    },
    Failed {
        account: usize,
        target: usize,
    },
    Scraped {
        gzip: bool,
    },
}

fn any_event() -> impl Strategy<Value = Event> {
    let target = (0..4_usize, 0..2_usize);
    prop_oneof![
        2 => (1..40_u32).prop_map(|minutes| Event::Pass { minutes }),
        4 => (target.clone(), 0..3_u64).prop_map(|((account, target), kind)| {
            Event::Listed { account, target, kind }
        }),
        1 => target.prop_map(|(account, target)| Event::Failed { account, target }),
        3 => any::<bool>().prop_map(|gzip| Event::Scraped { gzip }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    /// After any events, a scrape equals that of a new publisher with the same reports, plain and
    /// compressed.
    #[test]
    fn a_scrape_depends_only_on_the_latest_reports(
        events in prop::collection::vec(any_event(), 1..40),
    ) {
        let mut world = World::new();
        let [name, neighbor] = accounts_in_one_bucket();
        let mut accounts: Vec<Account> = [&name, &neighbor, "c", "d"]
            .map(|name| world.account(name, &["r", "s"]))
            .into();
        for event in events.into_iter().chain([Event::Scraped { gzip: true }]) {
            match event {
                Event::Pass { minutes } => world.pass(minutes * INTERVAL),
                Event::Listed { account, target, kind } => {
                    let tracks = (0..kind).map(|id| with_status(track(id, "x"), id > 0));
                    accounts[account].listed(target, listing(tracks), world.now);
                }
                Event::Failed { account, target } => accounts[account].failed(target, world.now),
                Event::Scraped { gzip } => {
                    let fresh = Publisher::new();
                    for report in world.publisher.reports() {
                        let mut handle = fresh.account(Arc::clone(&report.account));
                        handle.publish(Arc::clone(&report), report.evidence, world.now);
                    }
                    let expected = fresh.exposition(false, "own 1\n", world.now).concat();
                    let shown = world.publisher.exposition(gzip, "own 1\n", world.now).concat();
                    let shown = if gzip { one_member(&shown) } else { shown };
                    prop_assert_eq!(String::from_utf8(shown), String::from_utf8(expected));
                }
            }
        }
    }
}
