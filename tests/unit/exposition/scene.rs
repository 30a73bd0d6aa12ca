//! An account whose state the test controls.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use cloudaudit_exporter::clock::Moment;
use cloudaudit_exporter::failure::{Failure, Reason};
use cloudaudit_exporter::history::{OverviewCache, Retention, TargetHistory, accrue, is_covered};
use cloudaudit_exporter::publisher::Publisher;
use cloudaudit_exporter::snapshot::{
    AccountInfo, ApiCounters, AttributionReport, DESCRIBE_AUDIT_TRACKS, DeliveryReport, Evidence,
    Listing, Renewals, Report, TargetReport,
};
use tokio::time::Instant;

use super::{INTERVAL, RETENTION};
use crate::support::text_format::{Family, parse};
use crate::support::tracks::listing;

/// An account whose polls end when the test decides.
pub(crate) struct Scene {
    pub(crate) publisher: Arc<Publisher>,
    pub(crate) info: AccountInfo,
    pub(crate) targets: Vec<TargetHistory>,
    api: ApiCounters,
    evidence: Evidence,
    pub(crate) renewals: Option<Renewals>,
    pub(crate) deliveries: Option<Vec<Arc<DeliveryReport>>>,
    pub(crate) attribution: Option<Arc<AttributionReport>>,
    pub(crate) now: Moment,
}

impl Scene {
    pub(crate) fn new(regions: &[&str]) -> Self {
        Self::with(RETENTION, regions)
    }

    pub(crate) fn with(retention: Retention, regions: &[&str]) -> Self {
        let history = |region: &&str| TargetHistory::new((*region).to_owned(), INTERVAL, retention);
        Self {
            publisher: Publisher::new(),
            info: AccountInfo {
                name: "prod".to_owned(),
                labels: BTreeMap::new(),
                uin: String::new(),
                site: "international",
                organization: String::new(),
                provider: "env",
                ..AccountInfo::default()
            },
            targets: regions.iter().map(history).collect(),
            api: ApiCounters::default(),
            evidence: Evidence::default(),
            renewals: None,
            deliveries: None,
            attribution: None,
            now: Moment {
                wall: UNIX_EPOCH + Duration::from_millis(1_795_392_000_250),
                steady: Instant::now(),
            },
        }
    }

    pub(crate) fn listed(&mut self, target: usize, listing: Listing) {
        self.count_request(None);
        self.targets[target].listed(listing, self.now, Duration::from_millis(120));
        let covered = is_covered(
            &mut OverviewCache::default(),
            &self.info,
            None,
            self.reports(),
            INTERVAL,
            self.now,
        );
        self.evidence = accrue(self.evidence, self.now, INTERVAL, covered);
    }

    pub(crate) fn failed(&mut self, target: usize, failure: Failure) {
        self.count_request(Some(&failure));
        self.targets[target].failed(failure, self.now, Duration::from_millis(80));
    }

    /// Ends a poll that saw only these tracks.
    pub(crate) fn seen(&mut self, target: usize, listing: Listing) {
        self.count_request(None);
        let failure = Failure::new(Reason::Incomplete, "not all");
        let took = Duration::from_millis(140);
        self.targets[target].seen(listing.tracks, failure, self.now, took);
    }

    /// Acknowledges the deletion of a track.
    pub(crate) fn acknowledge(&mut self, target: usize, track_id: u64) {
        let mut known = self.targets[target].report().clone();
        assert!(known.past.tombstones.contains_key(&track_id));
        Arc::make_mut(&mut known.past).acknowledge(track_id, self.now.wall);
        self.targets[target] = TargetHistory::resume(known, INTERVAL, RETENTION, self.now);
    }

    pub(crate) fn empty() -> Self {
        let mut scene = Self::new(&["ap-guangzhou"]);
        scene.listed(0, listing([]));
        scene.publish();
        scene
    }

    pub(crate) fn denied() -> Self {
        let mut scene = Self::new(&["ap-guangzhou"]);
        scene.failed(0, denied());
        scene.publish();
        scene
    }

    fn count_request(&mut self, failure: Option<&Failure>) {
        *self.api.requests.entry(DESCRIBE_AUDIT_TRACKS).or_default() += 1;
        if let Some(failure) = failure {
            self.api.failures[failure.reason] += 1;
            let code = (DESCRIBE_AUDIT_TRACKS, failure.code.to_string());
            *self.api.errors.entry(code).or_default() += 1;
        }
    }

    pub(crate) fn pass(&mut self, time: Duration) {
        self.now.wall += time;
        self.now.steady += time;
    }

    pub(crate) fn publish(&self) {
        let info = Arc::new(self.info.clone());
        let report = Report {
            account: Arc::clone(&info),
            overviews: OverviewCache::default().overviews(&info, None, self.reports()),
            owner: None,
            targets: self.reports().cloned().collect(),
            api: self.api.clone(),
            requests_per_second: 10.0,
            credentials_changed: Some(UNIX_EPOCH + Duration::from_secs(1_795_391_000)),
            renewals: self.renewals.clone(),
            evidence: self.evidence,
            deliveries: self.deliveries.clone(),
            delivery_queries: Vec::new(),
            attribution: self.attribution.clone(),
        };
        let mut account = self.publisher.account(info);
        account.publish(Arc::new(report), self.evidence, self.now);
    }

    fn reports(&self) -> impl Iterator<Item = &TargetReport> {
        self.targets.iter().map(TargetHistory::report)
    }

    pub(crate) fn parsed(&self) -> Vec<Family> {
        parse(&shown(&self.publisher, self.now))
    }
}

pub(crate) fn shown(publisher: &Publisher, now: Moment) -> String {
    String::from_utf8(publisher.exposition(false, "", now).concat()).expect("valid UTF-8")
}

pub(crate) fn denied() -> Failure {
    Failure {
        request_id: Some("7c1b2f0e".to_owned()),
        ..Failure::with_code(
            Reason::Unauthorized,
            "AuthFailure.UnauthorizedOperation",
            "you are not authorized",
        )
    }
}
