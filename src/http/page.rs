//! The page for people: what is wrong first, then everything.
//!
//! It is written by the server and asks for nothing else: no script, no outside resource. What the
//! cloud or the configuration says gets onto it as [`Text`] only, hence escaped.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use super::html::{Badge, Mood, Number, Text, Utc, When, counted};
use super::table::{Cell, section};
use super::track;
use crate::clock::Moment;
use crate::failure::Failure;
use crate::snapshot::{Overview, Report, Status, TargetReport, Tombstone, Track};

/// What a browser may do with the page: nothing but show it, in the one style it carries (whose
/// hash a test compares with the style).
pub(super) const POLICY: &str = "default-src 'none'; \
     style-src 'sha256-znJGxupc9vY8yhEjf4OI5XKlFIb92EsGM+Yn7+RhnNY='; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The page.
pub(super) fn render(reports: &[Arc<Report>], now: Moment, telemetry_path: &str) -> String {
    Page {
        reports,
        now,
        telemetry_path,
    }
    .to_string()
}

struct Page<'a> {
    reports: &'a [Arc<Report>],
    now: Moment,
    telemetry_path: &'a str,
}

impl fmt::Display for Page<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>")?;
        writeln!(f, "<meta charset=\"utf-8\">")?;
        writeln!(
            f,
            "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">"
        )?;
        writeln!(f, "<title>CloudAudit exporter</title>")?;
        writeln!(f, "<style>{STYLE}</style>\n</head>\n<body>")?;
        self.header(f)?;
        writeln!(f, "<main>")?;
        self.failing(f)?;
        self.not_enabled(f)?;
        self.vanished(f)?;
        self.all_targets(f)?;
        self.all_tracks(f)?;
        writeln!(f, "</main>\n</body>\n</html>")
    }
}

const STYLE: &str = include_str!("page.css");

impl Page<'_> {
    fn header(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let targets = || self.targets().map(|(_, target)| target);
        let up = targets().filter(|target| target.is_up()).count();
        let failing = targets().filter(|target| target.failure.is_some()).count();
        let waiting = targets().filter(|target| target.last_poll.is_none());
        let [total, enabled] = self.distinct_tracks();
        writeln!(f, "<header>\n<h1>CloudAudit exporter</h1>")?;
        writeln!(
            f,
            "<p>{} in {}: {up} up, {failing} failing, {} before the first poll. \
             {}, {} of them not enabled, {} vanished. As of {}.</p>",
            counted(targets().count() as u64, "target"),
            counted(self.reports.len() as u64, "account"),
            waiting.count(),
            counted(total, "track"),
            total - enabled,
            self.tracks_vanished(),
            Utc(self.now.wall),
        )?;
        // Relative, so that the links hold behind a path prefix.
        writeln!(
            f,
            "<nav><a href=\"./{}\">Metrics</a> <a href=\"./-/ready\">Ready?</a> \
             <a href=\"./-/healthy\">Healthy?</a></nav>\n</header>",
            Text(self.telemetry_path.trim_start_matches('/')),
        )
    }

    fn failing(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns = [
            "Account",
            "Region",
            "Reason",
            "Code",
            "Message",
            "RequestId",
            "Last success",
        ];
        let rows = self
            .targets()
            .filter_map(|(report, target)| Some((report, target, target.failure.as_ref()?)));
        let none = "No target is failing.";
        section(f, "Failing targets", none, columns, rows, |row| {
            self.failing_cells(row)
        })
    }

    fn failing_cells<'a>(&self, (report, target, failure): Row3<'a, Failure>) -> [Cell<'a>; 7] {
        [
            Box::new(Text(&report.account.name)),
            Box::new(Text(&target.region)),
            Box::new(Badge {
                mood: Mood::Bad,
                word: failure.reason.as_str(),
            }),
            Box::new(Text(&failure.code)),
            Box::new(Text(&failure.message)),
            Box::new(Text(failure.request_id.as_deref().unwrap_or("–"))),
            Box::new(self.last_success(target)),
        ]
    }

    fn not_enabled(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let none = "No track that is listed is switched off.";
        let rows = self.tracks_not_enabled();
        section(
            f,
            "Tracks not enabled",
            none,
            track::COLUMNS,
            rows,
            track::cells,
        )
    }

    fn vanished(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns = ["Account", "Region", "Track", "Id", "Vanished"];
        let none = "No track is known to have vanished.";
        section(
            f,
            "Tracks vanished",
            none,
            columns,
            self.tombstones(),
            |row| self.vanished_cells(row),
        )
    }

    fn vanished_cells<'a>(&self, (report, target, (id, tombstone)): Vanished<'a>) -> [Cell<'a>; 5] {
        [
            Box::new(Text(&report.account.name)),
            Box::new(Text(&target.region)),
            Box::new(Text(&tombstone.name)),
            Box::new(Number(id)),
            Box::new(When {
                at: Some(tombstone.at),
                now: self.now.wall,
            }),
        ]
    }

    fn all_targets(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns = [
            "Account",
            "Region",
            "State",
            "Tracks",
            "Last poll",
            "Last success",
        ];
        let none = "There is no account.";
        section(f, "Accounts", none, columns, self.targets(), |row| {
            self.target_cells(row)
        })
    }

    fn target_cells<'a>(&self, (report, target): Row<'a>) -> [Cell<'a>; 6] {
        let tracks: Cell<'a> = match self.shown(target) {
            Some(tracks) => Box::new(Number(tracks.len() as u64)),
            None => Box::new(Text("–")),
        };
        [
            Box::new(Text(&report.account.name)),
            Box::new(Text(&target.region)),
            Box::new(self.state(target)),
            tracks,
            Box::new(When {
                at: target.last_poll.map(|poll| poll.at),
                now: self.now.wall,
            }),
            Box::new(self.last_success(target)),
        ]
    }

    fn all_tracks(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let none = "No track is listed.";
        let rows = self.tracks();
        section(f, "Tracks", none, track::COLUMNS, rows, track::cells)
    }

    fn targets(&self) -> impl Iterator<Item = Row<'_>> {
        let reports = self.reports.iter().map(Arc::as_ref);
        reports.flat_map(|report| report.targets.iter().map(move |target| (report, target)))
    }

    fn tracks(&self) -> impl Iterator<Item = Row3<'_, Track>> {
        self.targets().flat_map(|(report, target)| {
            let tracks = self.shown(target).unwrap_or_default().iter();
            tracks.map(move |track| (report, target, track))
        })
    }

    fn tracks_not_enabled(&self) -> impl Iterator<Item = Row3<'_, Track>> {
        self.tracks()
            .filter(|(_, _, track)| track.status != Status::Enabled)
    }

    /// The tracks that were listed once and no longer are, as long as `/metrics` shows them too.
    fn tombstones(&self) -> impl Iterator<Item = Vanished<'_>> {
        self.targets().flat_map(|(report, target)| {
            let tombstones = target.past.tombstones.iter();
            let shown = tombstones.filter(|(_, tombstone)| self.now.steady < tombstone.show_until);
            shown.map(move |(id, tombstone)| (report, target, (*id, tombstone)))
        })
    }

    /// How many tracks there are, and how many of them are enabled: each once for its account, in however many regions
    /// it is listed, as in `cloudaudit_account_tracks`.
    fn distinct_tracks(&self) -> [u64; 2] {
        let now = self.now.steady;
        let is_now = |overview: &&Overview| {
            overview.from.is_none_or(|from| from <= now) && now < overview.until
        };
        let reports = self.reports.iter();
        let overviews = reports.filter_map(|report| report.overviews.iter().find(is_now));
        overviews.fold([0, 0], |[total, enabled], Overview { tracks, .. }| {
            let all: u64 = tracks.iter().sum();
            [total + all, enabled + tracks[Status::Enabled as usize]]
        })
    }

    /// How many tracks have vanished, each once for its account.
    fn tracks_vanished(&self) -> usize {
        let ids = self
            .tombstones()
            .map(|(report, _, (id, _))| (&report.account.name, id));
        ids.collect::<BTreeSet<_>>().len()
    }

    /// The tracks of the last listing, until it is too old to be shown: as on `/metrics`.
    fn shown<'a>(&self, target: &'a TargetReport) -> Option<&'a [Track]> {
        let good = target.last_good.as_ref()?;
        (self.now.steady < good.show_until).then_some(good.listing.tracks.as_slice())
    }

    fn state(&self, target: &TargetReport) -> Badge {
        let (mood, word) = if target.last_poll.is_none() {
            (Mood::Unsure, "waiting")
        } else if target.failure.is_some() {
            (Mood::Bad, "failing")
        } else if self.shown(target).is_none() {
            // Its last poll went well, but that was long ago.
            (Mood::Bad, "stale")
        } else {
            (Mood::Good, "up")
        };
        Badge { mood, word }
    }

    fn last_success(&self, target: &TargetReport) -> When {
        When {
            at: target.last_good.as_ref().map(|good| good.at),
            now: self.now.wall,
        }
    }
}

type Row<'a> = (&'a Report, &'a TargetReport);
type Row3<'a, T> = (&'a Report, &'a TargetReport, &'a T);
type Vanished<'a> = (&'a Report, &'a TargetReport, (u64, &'a Tombstone));
