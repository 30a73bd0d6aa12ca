//! How `CloudAudit` names the objects that it delivers. The sources contradict each other, so there
//! are several ways.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use jiff::Zoned;
use jiff::tz::{Offset, TimeZone};

/// The zone of the dates in names.
const ZONE: Offset = Offset::constant(8);

/// Names objects.
#[derive(Clone)]
pub struct Layout(Arc<dyn Fn(&Arrival) -> String + Send + Sync>);

/// An object that arrives.
#[derive(Clone, Debug)]
pub struct Arrival {
    /// The name of the track.
    pub track: String,
    /// When it arrives, in the zone of the names.
    pub at: Zoned,
    /// The number of objects of this track before it.
    pub number: u64,
}

impl Layout {
    /// Any layout: a function that returns the key below the prefix of the track.
    pub fn new(key: impl Fn(&Arrival) -> String + Send + Sync + 'static) -> Self {
        Self(Arc::new(key))
    }

    /// Returns a layout with a folder for each hour: `<prefix>/2026112809/…`, as the documentation says.
    pub fn hours() -> Self {
        Self::new(|it| format!("{}/{}.gz", it.at.strftime("%Y%m%d%H"), it.file()))
    }

    /// Returns a layout with a folder for each track, and months without zeros: `<prefix>/<track>/2026/9/…`.
    pub fn track_months() -> Self {
        Self::new(|it| {
            let (track, year, month) = (&it.track, it.at.year(), it.at.month());
            format!("{track}/{year}/{month}/{}.json", it.file())
        })
    }

    /// Returns a layout with a folder for each day: `<prefix>/2026/11/28/….txt`.
    pub fn days() -> Self {
        Self::new(|it| format!("{}/{}.txt", it.at.strftime("%Y/%m/%d"), it.file()))
    }

    /// Returns the key of an object.
    pub(super) fn key(&self, prefix: &str, track: &str, at: SystemTime, number: u64) -> String {
        let at = jiff::Timestamp::try_from(at).unwrap_or_default();
        let arrival = Arrival {
            track: track.to_owned(),
            at: at.to_zoned(TimeZone::fixed(ZONE)),
            number,
        };
        let key = (self.0)(&arrival);
        if prefix.is_empty() {
            key
        } else {
            format!("{prefix}/{key}")
        }
    }
}

impl Arrival {
    fn file(&self) -> String {
        format!("{}_{}", self.at.strftime("%Y%m%d_%H%M%S"), self.number)
    }
}

impl fmt::Debug for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Layout").finish_non_exhaustive()
    }
}
