//! Reports of accounts and targets, for the listener to show.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use cloudaudit_exporter::clock::Moment;
use cloudaudit_exporter::failure::Failure;
use cloudaudit_exporter::history::OverviewCache;
use cloudaudit_exporter::snapshot::{
    AccountInfo, ApiCounters, LastGood, Listing, PollEnd, Report, Status, Storage, TargetReport,
    Track,
};

/// A report of one account.
pub(crate) fn report(account: &str, targets: Vec<TargetReport>) -> Arc<Report> {
    let account = AccountInfo {
        name: account.to_owned(),
        site: "china",
        provider: "static",
        ..AccountInfo::default()
    };
    Arc::new(report_of(account, targets))
}

/// A report of this account.
pub(crate) fn report_of(account: AccountInfo, targets: Vec<TargetReport>) -> Report {
    Report {
        overviews: OverviewCache::default().overviews(&account, None, &targets),
        account: Arc::new(account),
        targets,
        api: ApiCounters::default(),
        requests_per_second: 10.0,
        credentials_changed: None,
        ..Report::default()
    }
}

/// A target before its first poll.
pub(crate) fn target(region: &str) -> TargetReport {
    TargetReport {
        region: region.to_owned(),
        interval: Duration::from_mins(1),
        last_poll: None,
        failure: None,
        last_good: None,
        ..TargetReport::default()
    }
}

/// A target whose last poll, a minute ago, listed these tracks.
pub(crate) fn listed(region: &str, tracks: Vec<Track>, now: Moment) -> TargetReport {
    let at = now.wall - Duration::from_mins(1);
    TargetReport {
        last_poll: Some(poll_end(at)),
        last_good: Some(LastGood {
            listing: Arc::new(Listing {
                reported: tracks.len() as u64,
                tracks,
                dropped: Vec::new(),
            }),
            at,
            took: Duration::ZERO,
            show_until: now + Duration::from_mins(5),
            is_complete: true,
        }),
        ..target(region)
    }
}

/// The target, after a poll a second ago that failed.
pub(crate) fn failed(target: TargetReport, failure: Failure, now: Moment) -> TargetReport {
    TargetReport {
        last_poll: Some(poll_end(now.wall - Duration::from_secs(1))),
        failure: Some(failure),
        ..target
    }
}

fn poll_end(at: SystemTime) -> PollEnd {
    PollEnd {
        at,
        took: Duration::from_millis(80),
    }
}

/// A track that records everything into a bucket.
pub(crate) fn track(id: u64, name: &str, status: Status) -> Track {
    Track {
        id,
        name: name.to_owned(),
        action_type: "*".to_owned(),
        resource_type: "*".to_owned(),
        event_names: vec!["*".to_owned()],
        status,
        storage: Storage {
            kind: "cos".to_owned(),
            region: "ap-guangzhou".to_owned(),
            name: "audit-bucket".to_owned(),
            prefix: "logs".to_owned(),
            account: String::new(),
            app_id: String::new(),
        },
        created: None,
        is_partial: false,
        details: None,
    }
}
