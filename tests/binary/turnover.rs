//! Scrapes while the configuration changes.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::support::exporter::Exporter;
use crate::support::site::{LIFECYCLE, Site, reload, with};

/// Enough accounts that a reload takes longer than a scrape.
const ACCOUNTS: usize = 400;

/// How often the configuration changes.
const CHANGES: usize = 12;

#[tokio::test(flavor = "multi_thread")]
async fn a_scrape_sees_all_of_a_configuration_or_nothing_of_it() {
    let site = Site::start().await;
    site.write("only: {}");
    let exporter = Arc::new(Exporter::start(Some(&site.file), &with(&[LIFECYCLE])));
    let over = Arc::new(AtomicBool::new(false));
    let scrapes = (0..2).map(|_| {
        let (exporter, over) = (Arc::clone(&exporter), Arc::clone(&over));
        tokio::spawn(async move {
            let mut seen = Vec::new();
            while !over.load(Ordering::Relaxed) {
                let samples = exporter.metrics().await;
                let restarts = "cloudaudit_exporter_account_restarts_total";
                seen.push([
                    samples.values("cloudaudit_up", &[]).len() as f64,
                    samples.values(restarts, &[]).len() as f64,
                    samples.sum("cloudaudit_exporter_targets", &[]),
                ]);
            }
            seen
        })
    });
    let scrapes: Vec<_> = scrapes.collect();
    let many = (0..ACCOUNTS).fold(String::new(), |mut many, number| {
        write!(many, "account-{number}: {{}}, ").unwrap();
        many
    });
    for change in 0..CHANGES {
        site.write(if change % 2 == 0 { &many } else { "only: {}" });
        assert_eq!(reload(&exporter).await.0, 200);
    }
    over.store(true, Ordering::Relaxed);
    let mut seen = Vec::new();
    for scraping in scrapes {
        seen.extend(scraping.await.unwrap());
    }
    let many = [ACCOUNTS as f64; 3];
    let torn: Vec<_> = seen
        .iter()
        .filter(|seen| **seen != many && **seen != [1.0; 3])
        .collect();
    assert!(torn.is_empty(), "of {} scrapes: {torn:?}", seen.len());
    assert!(seen.contains(&many), "no scrape was early enough");
}
