//! Reads state files, valid or damaged, without a panic. The restored state can be resumed, published
//! and saved again.

use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use cloudaudit_exporter::clock::Moment;
use cloudaudit_exporter::history::{OverviewCache, Retention, TargetHistory};
use cloudaudit_exporter::publisher::Publisher;
use cloudaudit_exporter::snapshot::{AccountInfo, Report, TargetReport};
use cloudaudit_exporter::state::{Saved, decode, encode};
use tokio::time::Instant;

use crate::support::text_format::parse;

const INTERVAL: Duration = Duration::from_mins(1);

const RETENTION: Retention = Retention {
    stale_after: Duration::from_mins(10),
    tombstone_for: Duration::from_hours(168),
    max_tracks: 1_000,
};

/// Takes the input for a file, and for what a file holds.
pub fn state(input: &[u8]) {
    if let Ok(payload) = decode(input) {
        assert!(input.ends_with(payload));
    }
    let sealed = encode(input);
    assert_eq!(decode(&sealed), Ok(input), "what is sealed is whole");
    if !input.is_empty() {
        let (_, cut) = sealed.split_last().expect("a header at least");
        decode(cut).expect_err("a byte is missing");
    }
    if let Ok(saved) = serde_json::from_slice::<Saved>(input) {
        resume(&saved);
    }
}

/// Resumes from the saved state twice. The second time, nothing is lost.
fn resume(saved: &Saved) {
    let now = Moment {
        wall: UNIX_EPOCH + Duration::from_hours(498_720),
        steady: Instant::now(),
    };
    let publisher = Publisher::new();
    let reports = reports(saved, now);
    for report in &reports {
        let account = Arc::clone(&report.account);
        let mut account = publisher.account(account);
        account.publish(Arc::clone(report), report.evidence, now);
    }
    let text = publisher.exposition(false, "", now).concat();
    parse(str::from_utf8(&text).expect("the text format is UTF-8"));

    let written = |saved: &Saved| serde_json::to_string(saved).expect("it can be written");
    let again = written(&Saved::from_reports(&reports));
    let read: Saved = serde_json::from_str(&again).expect("it can be read");
    assert_eq!(written(&read), again);
    let same = Saved::from_reports(&self::reports(&read, now));
    assert_eq!(written(&same), again, "nothing is lost");
}

/// A time may be older than the truth and never newer than now.
fn is_of_the_past(report: &TargetReport, now: Moment) {
    let listed = report.last_good.iter().map(|good| good.at);
    let polled = report.last_poll.iter().map(|poll| poll.at);
    let vanished = report.past.tombstones.values().map(|it| it.at);
    let times = report.past.changes.values();
    let changed = times.flat_map(|it| it.at.values().flatten().copied());
    for at in listed.chain(polled).chain(vanished).chain(changed) {
        assert!(at <= now.wall, "{at:?} is to come");
    }
}

/// What histories that resume know.
fn reports(saved: &Saved, now: Moment) -> Vec<Arc<Report>> {
    let restored = saved.clone().into_reports(now).into_values();
    let accounts = restored.map(|restored| {
        // The configuration lets no region through that would be cut.
        let targets = restored.targets.into_iter();
        let targets = targets.filter(|target| target.region.len() <= 64);
        let targets = targets.map(|known| {
            let history = TargetHistory::resume(known, INTERVAL, RETENTION, now);
            let report = history.report().clone();
            is_of_the_past(&report, now);
            report
        });
        let targets: Vec<_> = targets.collect();
        let account = Arc::new(AccountInfo {
            name: restored.account.name.clone(),
            ..AccountInfo::default()
        });
        let evidence = restored.evidence;
        assert!(evidence.covered <= evidence.observed);
        Arc::new(Report {
            overviews: OverviewCache::default().overviews(&account, None, &targets),
            account,
            targets,
            evidence,
            ..Report::default()
        })
    });
    accounts.collect()
}
