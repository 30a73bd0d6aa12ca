//! The page for people: problems first, then all targets and tracks.
//!
//! The server renders it, and it loads nothing from elsewhere. Its only script fetches the page every
//! few seconds; the page works without it. Texts from the cloud or the configuration are written as
//! [`Text`], hence escaped.

use std::collections::BTreeSet;
use std::fmt;

use super::html::{Badge, BadgeColor, Isolated, Number, Text, Timestamp, Utc, pluralize};
use super::query::Query;
use super::table::{Cell, Column, Section};
use super::track;
use super::view::{State, TargetRow, TrackEntry, TrackRow, VANISHED, View};
use crate::snapshot::{LastGood, Report, Status};

/// The content security policy: the browser may apply the inline style, run the inline script, and
/// fetch the page again. A test compares the hashes with the style and the script.
pub(super) const POLICY: &str = "default-src 'none'; \
     style-src 'sha256-rtJZ7fqffxLyFj+QjVyqIAgU9zHQUeFABR+AS7cs8Qw='; \
     script-src 'sha256-TR9PGvZej7E35snGes58Mx5N/1SiccSVKpSMJXvZxHg='; \
     connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// The data of the page.
pub(super) struct Page<'a> {
    pub(super) view: View<'a>,
    /// The description of this shard. `None` if there is only one.
    pub(super) shard_label: Option<String>,
    pub(super) query: &'a Query,
    pub(super) telemetry_path: &'a str,
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
        let tracks = self.view.matching_tracks(self.query);
        let targets = self.view.matching_targets(self.query);
        self.not_enabled(f, &tracks)?;
        self.vanished(f, &tracks)?;
        self.recording_nothing(f)?;
        self.failing(f, &targets)?;
        self.all_targets(f, &targets)?;
        self.all_tracks(f, &tracks)?;
        writeln!(f, "</main>\n<script>{SCRIPT}</script>\n</body>\n</html>")
    }
}

impl Page<'_> {
    fn header(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "<header>\n<h1>CloudAudit exporter</h1>")?;
        self.summary(f)?;
        // Relative, so that the links work behind a path prefix.
        writeln!(
            f,
            "<nav aria-label=\"More\"><a href=\"./{}\">Metrics</a> <a href=\"./api/v1/targets\">Targets as JSON</a> \
             <a href=\"./api/v1/tracks\">Tracks as JSON</a> <a href=\"./-/ready\">Ready?</a> \
             <a href=\"./-/healthy\">Healthy?</a> <a href=\"{DOCUMENTATION}\">Documentation</a></nav>",
            Text(self.telemetry_path.trim_start_matches('/')),
        )?;
        self.form(f)?;
        writeln!(f, "</header>")
    }

    fn summary(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let in_state = |state| self.view.targets().filter(|it| it.state == state).count();
        let [total, enabled] = self.distinct_tracks();
        let shard = self.shard_label.iter().map(|label| format!("; {label}"));
        let shard: String = shard.collect();
        writeln!(
            f,
            "<p id=\"now\">{} in {}: {} up, {} failing, {} before the first poll. \
             {}, {} of them not enabled, {} vanished. As of {}{}.</p>",
            pluralize(self.view.targets().count() as u64, "target"),
            pluralize(self.view.reports.len() as u64, "account"),
            in_state(State::Up),
            in_state(State::Failing),
            in_state(State::Waiting),
            pluralize(total, "track"),
            total - enabled,
            self.tracks_vanished(),
            Utc(self.view.now.wall),
            Text(&shard),
        )
    }

    fn form(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "<form method=\"get\" action=\"./\">")?;
        for (key, label) in [("account", "Account"), ("region", "Region")] {
            writeln!(
                f,
                "<label>{label} <input name=\"{key}\" value=\"{}\"></label>",
                Text(self.query.filter_value(key))
            )?;
        }
        let statuses = Status::ALL.iter().map(|status| status.as_str());
        let statuses: Vec<&str> = statuses.chain([VANISHED]).collect();
        let states = State::ALL.map(State::as_str);
        self.choice(f, "status", "Status", &statuses)?;
        self.choice(f, "state", "State", &states)?;
        self.choice(f, "storage_type", "Storage", &["cos", "cls", "ckafka"])?;
        writeln!(f, "<button>Show</button>")?;
        if !self.query.has_no_filters() {
            writeln!(f, "<a href=\"./\">Show everything</a>")?;
        }
        writeln!(f, "</form>")
    }

    fn choice(
        &self,
        f: &mut fmt::Formatter<'_>,
        key: &str,
        label: &str,
        values: &[&str],
    ) -> fmt::Result {
        write!(
            f,
            "<label>{label} <select name=\"{key}\"><option value=\"\">any</option>"
        )?;
        for value in values {
            let selected = if self.query.filter_value(key) == *value {
                " selected"
            } else {
                ""
            };
            write!(f, "<option{selected}>{}</option>", Text(value))?;
        }
        writeln!(f, "</select></label>")
    }

    fn section(
        &self,
        id: &'static str,
        heading: &'static str,
        empty_text: &'static str,
    ) -> Section<'_> {
        Section {
            id,
            heading,
            empty_text,
            query: self.query,
            is_paged: matches!(id, "accounts" | "tracks"),
        }
    }

    fn not_enabled(&self, f: &mut fmt::Formatter<'_>, tracks: &[TrackRow<'_>]) -> fmt::Result {
        let is_off = |row: &&TrackRow<'_>| matches!(row.track, TrackEntry::Listed(track) if track.status != Status::Enabled);
        let off: Vec<_> = tracks.iter().filter(is_off).copied().collect();
        let empty_text = "No track that is listed is switched off.";
        let section = self.section("off", "Tracks not enabled", empty_text);
        section.write(f, track::COLUMNS, &off, |row| self.track_cells(row))
    }

    fn vanished(&self, f: &mut fmt::Formatter<'_>, tracks: &[TrackRow<'_>]) -> fmt::Result {
        let columns = ["Account", "Region", "Track", "Id", "Vanished"].map(|it| Column(it, None));
        let gone = |row: &&TrackRow<'_>| matches!(row.track, TrackEntry::Vanished(_));
        let gone: Vec<_> = tracks.iter().filter(gone).copied().collect();
        let empty_text = "No track is known to have vanished.";
        let section = self.section("vanished", "Tracks vanished", empty_text);
        section.write(f, columns, &gone, |row| {
            let at = match row.track {
                TrackEntry::Vanished(tombstone) => Some(tombstone.at),
                TrackEntry::Listed(_) => None,
            };
            [
                Box::new(Isolated(&row.report.account.name)),
                Box::new(Text(&row.target.region)),
                Box::new(Isolated(row.name())),
                Box::new(Number(row.id)),
                Box::new(self.when(at)),
            ]
        })
    }

    fn recording_nothing(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns = ["Account", "Tracks", "Covered"].map(|it| Column(it, None));
        let wanted = |report: &&Report| self.query.matches("account", &report.account.name);
        let reports: Vec<_> = self.view.recording_nothing().filter(wanted).collect();
        let empty_text = "Every account that needs an enabled track has one, as far as is known.";
        let section = self.section("nothing", "Accounts without an enabled track", empty_text);
        section.write(f, columns, &reports, |report| {
            let totals = self.view.totals(report);
            let tracks = totals.map_or(0, |it| it.tracks.values().sum());
            let covered = match totals.and_then(|it| it.covered) {
                Some(true) => "by its organisation",
                Some(false) => "no",
                None => "not known",
            };
            [
                Box::new(Isolated(&report.account.name)),
                Box::new(Number(tracks)),
                Box::new(Text(covered)),
            ]
        })
    }

    fn failing(&self, f: &mut fmt::Formatter<'_>, targets: &[TargetRow<'_>]) -> fmt::Result {
        let columns = [
            "Account",
            "Region",
            "State",
            "Reason",
            "Code",
            "Message",
            "RequestId",
            "Last success",
        ];
        let is_wrong = |it: &&TargetRow<'_>| matches!(it.state, State::Failing | State::Stale);
        let wrong: Vec<_> = targets.iter().filter(is_wrong).copied().collect();
        let section = self.section("failing", "Failing targets", "No target is failing.");
        let columns = columns.map(|it| Column(it, None));
        section.write(f, columns, &wrong, |it| {
            let failure = it.target.failure.as_ref();
            let request_id = failure.and_then(|failure| failure.request_id.as_deref());
            [
                Box::new(Isolated(&it.report.account.name)),
                Box::new(Text(&it.target.region)),
                Box::new(badge(it.state)),
                Box::new(Text(failure.map_or("–", |failure| failure.reason.as_str()))),
                Box::new(Text(failure.map_or("–", |failure| &failure.code))),
                Box::new(Isolated(failure.map_or("–", |failure| &failure.message))),
                Box::new(Text(request_id.unwrap_or("–"))),
                Box::new(self.last_success(it)),
            ]
        })
    }

    fn all_targets(&self, f: &mut fmt::Formatter<'_>, targets: &[TargetRow<'_>]) -> fmt::Result {
        let columns = [
            Column("Account", Some("account")),
            Column("Region", Some("region")),
            Column("State", Some("state")),
            Column("Tracks", None),
            Column("Last poll", None),
            Column("Next poll", None),
            Column("Last success", None),
        ];
        let section = self.section("accounts", "Accounts", "There is no such account.");
        section.write(f, columns, targets, |it| {
            let tracks: Cell<'_> = match self.view.shown(it.target) {
                Some(tracks) => Box::new(Number(tracks.len() as u64)),
                None => Box::new(Text("–")),
            };
            let last = it.target.last_poll;
            // The time of a poll is its end, and an interval lies between two beginnings.
            let next = last.and_then(|poll| (poll.at - poll.took).checked_add(it.target.interval));
            [
                Box::new(Isolated(&it.report.account.name)),
                Box::new(Text(&it.target.region)),
                Box::new(badge(it.state)),
                tracks,
                Box::new(self.when(last.map(|poll| poll.at))),
                Box::new(self.when(next)),
                Box::new(self.last_success(it)),
            ]
        })
    }

    fn all_tracks(&self, f: &mut fmt::Formatter<'_>, tracks: &[TrackRow<'_>]) -> fmt::Result {
        let listed = |row: &&TrackRow<'_>| matches!(row.track, TrackEntry::Listed(_));
        let listed: Vec<_> = tracks.iter().filter(listed).copied().collect();
        let section = self.section("tracks", "Tracks", "No such track is listed.");
        section.write(f, track::COLUMNS, &listed, |row| self.track_cells(row))
    }

    fn track_cells<'r>(&self, row: &'r TrackRow<'_>) -> [Cell<'r>; 8] {
        let good = row.target.last_good.as_ref();
        track::cells(row, self.when(good.map(|good| good.at)))
    }

    /// Returns the number of tracks and the number of enabled tracks. A track counts once for its
    /// account even if several regions list it, as in `cloudaudit_account_tracks`.
    fn distinct_tracks(&self) -> [u64; 2] {
        let reports = self.view.reports.iter();
        let totals = reports.filter_map(|report| self.view.totals(report));
        totals.fold([0, 0], |[total, enabled], totals| {
            let all: u64 = totals.tracks.values().sum();
            [total + all, enabled + totals.tracks[Status::Enabled]]
        })
    }

    /// Returns the number of vanished tracks, each once for its account.
    fn tracks_vanished(&self) -> usize {
        let gone = self.view.tracks().filter(|row| row.status() == VANISHED);
        let ids = gone.map(|row| (&row.report.account.name, row.id));
        ids.collect::<BTreeSet<_>>().len()
    }

    fn last_success(&self, it: &TargetRow<'_>) -> Timestamp {
        self.when(it.target.last_good.as_ref().and_then(LastGood::known_at))
    }

    fn when(&self, at: Option<std::time::SystemTime>) -> Timestamp {
        Timestamp {
            at,
            now: self.view.now.wall,
        }
    }
}

/// The documentation.
const DOCUMENTATION: &str = "https://github.com/cloudaudit-exporter/cloudaudit-exporter#readme";

fn badge(state: State) -> Badge {
    let color = match state {
        State::Up => BadgeColor::Good,
        State::Failing | State::Stale => BadgeColor::Bad,
        State::Waiting => BadgeColor::Unsure,
    };
    Badge {
        color,
        word: state.as_str(),
    }
}
