//! The output of `check` as text: aligned tables with a line per target and per organization, which fit a
//! terminal.

use super::{Selection, sorted};
use crate::config::{Account, Endpoint, Glob, Organization, Site};
use crate::duration::format_duration;
use crate::escape::escaped;

pub(super) fn text(selection: &Selection, warnings: &[String]) -> String {
    let accounts = accounts(&selection.accounts);
    let organizations = organizations(&selection.organizations);
    let targets = accounts.len() - 1;
    let mut counts = vec![
        count(selection.accounts.len(), "account"),
        count(targets, "target"),
    ];
    if !selection.organizations.is_empty() {
        counts.push(count(selection.organizations.len(), "organization"));
    }
    let tables = [accounts, organizations].into_iter();
    let filled = tables.filter(|rows| rows.len() > 1);
    let mut parts: Vec<String> = filled.map(|rows| table(&rows)).collect();
    if !selection.organizations.is_empty() {
        // An empty line before the counts of both tables.
        parts.push(String::new());
    }
    let mut end = vec![format!("{}\n", counts.join(", "))];
    end.extend(selection.part.iter().map(|part| format!("{part}\n")));
    let warnings = warnings.iter();
    end.extend(warnings.map(|warning| format!("warning: {warning}\n")));
    parts.join("\n") + &end.concat()
}

type Row = Vec<String>;

fn accounts(accounts: &[&Account]) -> Vec<Row> {
    let head = [
        "ACCOUNT",
        "REGION",
        "SITE",
        "INTERVAL",
        "CREDENTIALS",
        "ROLE",
        "UIN",
        "REQUIRED",
        "EXPECTED",
        "LABELS",
    ];
    let mut rows = vec![Row::from(head.map(str::to_owned))];
    for account in accounts {
        for region in sorted(&account.regions) {
            let role = account.assume_role.as_ref();
            rows.push(Row::from([
                account.name.clone(),
                region.clone(),
                site(account.site, &account.endpoint, &account.site.endpoint()),
                format_duration(account.interval),
                account.credentials.kind().to_owned(),
                role.map_or_else(nothing, |role| role_name(&role.arn).to_owned()),
                account.uin.clone().unwrap_or_else(nothing),
                required(account),
                expected(account),
                labels(account),
            ]));
        }
    }
    rows
}

fn organizations(organizations: &[&Organization]) -> Vec<Row> {
    let head = [
        "ORGANIZATION",
        "REGIONS",
        "SITE",
        "REFRESH",
        "INTERVAL",
        "CREDENTIALS",
        "ROLE",
        "INCLUDE",
        "EXCLUDE",
        "REQUIRED",
        "EXPECTED",
        "LABELS",
    ];
    let mut rows = vec![Row::from(head.map(str::to_owned))];
    for organization in organizations {
        let member = &organization.member;
        let regions = sorted(&member.regions).into_iter().map(String::as_str);
        rows.push(Row::from([
            organization.name.clone(),
            several(regions),
            site(
                member.site,
                &organization.endpoint,
                &member.site.organization_endpoint(),
            ),
            format_duration(organization.refresh),
            format_duration(member.interval),
            member.credentials.kind().to_owned(),
            organization.role_name.clone(),
            several(organization.include.iter().map(Glob::as_str)),
            several(organization.exclude.iter().map(Glob::as_str)),
            required(member),
            expected(member),
            labels(member),
        ]));
    }
    rows
}

/// The widest table, in characters.
const MAX_WIDTH: usize = 120;

/// The space between two columns.
const GAP: &str = "  ";

/// Marks a cell that is cut.
const CUT: &str = "…";

/// Aligns the columns that a row fills.
fn table(rows: &[Row]) -> String {
    let is_filled = |column: &usize| {
        let cells = rows.iter().skip(1).map(|row| row[*column].as_str());
        cells.into_iter().any(|cell| !matches!(cell, "" | NOTHING))
    };
    let columns: Vec<usize> = (0..rows[0].len()).filter(is_filled).collect();
    let width = |column: &usize| rows.iter().map(|row| row[*column].chars().count()).max();
    let full: Vec<usize> = columns.iter().filter_map(width).collect();
    let widths = fit(full.clone());
    let mut text = String::new();
    for row in rows {
        let cells = columns
            .iter()
            .zip(&widths)
            .map(|(column, width)| format!("{:width$}", cut(&row[*column], *width)));
        let line = cells.collect::<Vec<_>>().join(GAP);
        text.push_str(line.trim_end());
        text.push('\n');
    }
    if widths != full {
        text.push_str("(… marks a truncated value; --output json prints complete values)\n");
    }
    text
}

/// Narrows the widest columns until the table fits.
fn fit(mut widths: Vec<usize>) -> Vec<usize> {
    let gaps = GAP.len() * widths.len().saturating_sub(1);
    while widths.iter().sum::<usize>() + gaps > MAX_WIDTH
        && let Some(widest) = widths.iter_mut().max()
    {
        *widest -= 1;
    }
    widths
}

fn cut(cell: &str, width: usize) -> String {
    if cell.chars().count() <= width {
        return cell.to_owned();
    }
    let kept = cell.chars().take(width.saturating_sub(1));
    kept.chain(CUT.chars()).collect()
}

/// Returns the site, or the endpoint if it is another than the site's.
fn site(site: Site, endpoint: &Endpoint, of_site: &Endpoint) -> String {
    if endpoint == of_site {
        site.as_str().to_owned()
    } else {
        endpoint.to_string()
    }
}

/// Returns the name in the ARN of a role. The column UIN shows its account.
fn role_name(arn: &str) -> &str {
    arn.rsplit_once("roleName/").map_or(arn, |(_, name)| name)
}

pub(super) fn count(number: usize, thing: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {thing}{plural}")
}

/// A cell without a value.
const NOTHING: &str = "-";

fn nothing() -> String {
    NOTHING.to_owned()
}

fn required(account: &Account) -> String {
    if account.track_required { "yes" } else { "no" }.to_owned()
}

fn expected(account: &Account) -> String {
    several(
        account
            .expected_tracks
            .iter()
            .map(|track| track.name.as_str()),
    )
}

/// Joins the first few texts, so that the line stays readable.
fn several<'t>(texts: impl ExactSizeIterator<Item = &'t str>) -> String {
    const SHOWN: usize = 3;
    if texts.len() == 0 {
        return nothing();
    }
    let more = (texts.len() > SHOWN).then_some("…");
    let texts: Vec<&str> = texts.take(SHOWN).chain(more).collect();
    escaped(&texts.join(","))
}

fn labels(account: &Account) -> String {
    let pairs = account
        .labels
        .iter()
        .map(|(name, value)| format!("{name}={value}"));
    escaped(&pairs.collect::<Vec<_>>().join(","))
}
