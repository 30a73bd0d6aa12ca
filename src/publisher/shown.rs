//! What scrapes show: the families of all accounts, and the series of the process.

use std::mem::replace;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use enum_map::EnumMap;
use tokio::time::Instant;

use super::chunk::Chunk;
use super::family::MetricFamily;
use super::gzip::{Deflater, Effort, concat, member};
use super::segment::Segment;
use crate::exposition::Metric;
use crate::snapshot::Report;

/// The longest change that is hidden until its end. Later, scrapes show a part of
/// the change, because the state from before it would be too old.
const MAX_CHANGE: Duration = Duration::from_secs(30);

/// The families of accounts, and the versions of the buckets that they were made of.
#[derive(Clone, Debug, Default)]
pub(super) struct Families {
    pub(super) versions: Vec<u64>,
    pub(super) families: EnumMap<Metric, Arc<MetricFamily>>,
}

/// What the last scrape has shown, and what scrapes show while accounts change.
#[derive(Debug, Default)]
pub(super) struct Shown {
    pub(super) families: Families,
    /// The series of the process.
    pub(super) own: Vec<Arc<Segment>>,
    /// `None` unless accounts change.
    frozen: Option<Frozen>,
}

/// What was shown when the accounts began to change, apart from the families and the process's series.
#[derive(Debug)]
struct Frozen {
    since: Instant,
    reports: Vec<Arc<Report>>,
    /// The families and the series of the process after the change. `None` until they are prepared.
    next: Option<(Families, Vec<Arc<Segment>>)>,
}

impl Shown {
    /// Replaces the series of the process. A text that is the same as before is not compressed again.
    pub(super) fn set_own(&mut self, own: Vec<Bytes>) {
        self.own = own_segments(&self.own, own);
    }

    /// Keeps what is shown until [`Self::thaw`], with these reports.
    pub(super) fn freeze(&mut self, reports: Vec<Arc<Report>>, now: Instant) {
        self.frozen = Some(Frozen {
            since: now,
            reports,
            next: None,
        });
    }

    /// Sets what to show after the change.
    pub(super) fn set_next(&mut self, families: Families, own: Vec<Arc<Segment>>) {
        if let Some(frozen) = &mut self.frozen {
            frozen.next = Some((families, own));
        }
    }

    /// Shows what [`Self::set_next`] has set. Returns what is no longer shown: to free the memory of
    /// thousands of accounts takes milliseconds, so the caller does that when it holds no lock.
    pub(super) fn thaw(&mut self) -> impl Sized + use<> {
        let frozen = self.frozen.take()?;
        let replaced = frozen.next.map(|(families, own)| {
            let families = replace(&mut self.families, families);
            (families, replace(&mut self.own, own))
        });
        Some((replaced, frozen.reports))
    }

    /// Returns the reports from before the change. `None` unless accounts change.
    pub(super) fn frozen_reports(&self) -> Option<&Vec<Arc<Report>>> {
        self.frozen.as_ref().map(|frozen| &frozen.reports)
    }

    pub(super) fn is_frozen(&self, now: Instant) -> bool {
        let frozen = self.frozen.as_ref();
        frozen.is_some_and(|frozen| now - frozen.since < MAX_CHANGE)
    }

    pub(super) fn scrape(&self) -> Scrape {
        Scrape {
            families: self.families.families.clone(),
            own: self.own.clone(),
        }
    }
}

/// Returns the segments of the series of the process. Those of `before` with the same text are kept.
pub(super) fn own_segments(before: &[Arc<Segment>], own: Vec<Bytes>) -> Vec<Arc<Segment>> {
    let mut before = before.iter();
    let segments = own.into_iter().map(|text| match before.next() {
        Some(segment) if segment.is_of(&text) => Arc::clone(segment),
        _ => {
            let chunk = Arc::new(Chunk::of(vec![text]));
            Arc::new(Segment::of(vec![chunk], Effort::Fast))
        }
    });
    segments.collect()
}

/// What one scrape shows.
pub(super) struct Scrape {
    families: EnumMap<Metric, Arc<MetricFamily>>,
    own: Vec<Arc<Segment>>,
}

impl Scrape {
    pub(super) fn plain(&self) -> Vec<Bytes> {
        let families = self.families.values().flat_map(|family| family.plain());
        let own = self.own.iter().flat_map(|segment| segment.chunks());
        let own = own.flat_map(|chunk| chunk.pieces()).cloned();
        families.chain(own).collect()
    }

    /// Returns the pieces of one gzip member.
    pub(super) fn gzip(&self, deflater: &Deflater) -> Vec<Bytes> {
        let families = self.families.values();
        let families = families.map(|family| family.deflated(deflater));
        let own = self.own.iter().map(|segment| segment.deflated(deflater));
        member(concat(families.chain(own)))
    }
}
