//! The page for people: what is wrong first, then everything.
//!
//! It is written by the server and asks for nothing else: no script, no outside resource. What the
//! cloud or the configuration says gets onto it as [`Text`] only, hence escaped.

use std::fmt;
use std::sync::Arc;

use super::html::{Badge, Html, Mood, Number, Text, Utc, When};
use crate::clock::Moment;
use crate::failure::Failure;
use crate::snapshot::{Report, Status, TargetReport, Track};

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

/// Rows of each table. Beyond it the page says how many more there are: a browser takes long over
/// a hundred thousand.
const MAX_ROWS: usize = 500;

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
        writeln!(f, "<header>\n<h1>CloudAudit exporter</h1>")?;
        writeln!(
            f,
            "<p>{} in {}: {up} up, {failing} failing, {} before the first poll. \
             {}, {} of them not enabled. As of {}.</p>",
            counted(targets().count(), "target"),
            counted(self.reports.len(), "account"),
            waiting.count(),
            counted(self.tracks().count(), "track"),
            self.tracks_not_enabled().count(),
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
            TRACK_COLUMNS,
            rows,
            track_cells,
        )
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
        section(f, "Tracks", none, TRACK_COLUMNS, rows, track_cells)
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

type Cell<'a> = Box<dyn Html + 'a>;
type Row<'a> = (&'a Report, &'a TargetReport);
type Row3<'a, T> = (&'a Report, &'a TargetReport, &'a T);

const TRACK_COLUMNS: [&str; 7] = [
    "Account", "Region", "Track", "Id", "Status", "Records", "Storage",
];

fn track_cells((report, target, track): Row3<'_, Track>) -> [Cell<'_>; 7] {
    let mood = match track.status {
        Status::Enabled => Mood::Good,
        Status::Disabled => Mood::Bad,
        Status::Unknown => Mood::Unsure,
    };
    [
        Box::new(Text(&report.account.name)),
        Box::new(Text(&target.region)),
        Box::new(Text(&track.name)),
        Box::new(Number(track.id)),
        Box::new(Badge {
            mood,
            word: track.status.as_str(),
        }),
        Box::new(Scope(track)),
        Box::new(Destination(track)),
    ]
}

/// What a track records: the kind of action, the product, and how many of its events.
struct Scope<'a>(&'a Track);

impl Html for Scope<'_> {}

impl fmt::Display for Scope<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let track = self.0;
        write!(
            f,
            "{} of {}",
            Text(&track.action_type),
            Text(&track.resource_type)
        )?;
        match track.event_names.as_slice() {
            [all] if all == "*" => Ok(()),
            some => write!(f, ", {}", counted(some.len(), "event")),
        }
    }
}

/// Where a track delivers to.
struct Destination<'a>(&'a Track);

impl Html for Destination<'_> {}

impl fmt::Display for Destination<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let storage = &self.0.storage;
        let parts = [
            &storage.kind,
            &storage.region,
            &storage.name,
            &storage.prefix,
        ];
        for part in parts.into_iter().filter(|part| !part.is_empty()) {
            write!(f, "{} ", Text(part))?;
        }
        Ok(())
    }
}

/// A heading and a table with up to [`MAX_ROWS`] rows, or a sentence where there is none.
fn section<'a, R, const N: usize>(
    f: &mut fmt::Formatter<'_>,
    heading: &str,
    none: &str,
    columns: [&str; N],
    mut rows: impl Iterator<Item = R>,
    cells: impl Fn(R) -> [Cell<'a>; N],
) -> fmt::Result {
    writeln!(f, "<section>\n<h2>{}</h2>", Text(heading))?;
    let mut shown = rows.by_ref().take(MAX_ROWS).peekable();
    if shown.peek().is_none() {
        return writeln!(f, "<p>{}</p>\n</section>", Text(none));
    }
    writeln!(f, "<table>\n<thead><tr>")?;
    for column in columns {
        write!(f, "<th scope=\"col\">{}</th>", Text(column))?;
    }
    writeln!(f, "</tr></thead>\n<tbody>")?;
    for row in shown {
        write!(f, "<tr>")?;
        // The column's name again, for narrow screens, where every row becomes a card.
        for (column, cell) in columns.iter().zip(cells(row)) {
            write!(f, "<td data-column=\"{}\">{cell}</td>", Text(column))?;
        }
        writeln!(f, "</tr>")?;
    }
    writeln!(f, "</tbody>\n</table>")?;
    match rows.count() {
        0 => {}
        more => writeln!(f, "<p>And {more} more.</p>")?,
    }
    writeln!(f, "</section>")
}

fn counted(number: usize, noun: &str) -> String {
    match number {
        1 => format!("1 {noun}"),
        _ => format!("{number} {noun}s"),
    }
}
