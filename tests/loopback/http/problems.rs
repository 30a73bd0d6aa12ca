//! Everything that has an alert has a place on the page.

use cloudaudit_exporter::snapshot::Status;

use super::changes;
use super::reports::{failed, listed, report_of};
use super::scenes::{self, old, own, page_of, required, unavailable};
use super::support::Reply;

/// A section of the page; empty if it has none with this id.
pub(super) fn section<'a>(page: &'a Reply, id: &str) -> &'a str {
    let start = format!("<section id=\"{id}\">");
    let Some((_, rest)) = page.text().split_once(&start) else {
        return "";
    };
    rest.split_once("</section>").unwrap().0
}

/// The rows of a section, each as its cells without markup.
pub(super) fn rows(page: &Reply, id: &str) -> Vec<Vec<String>> {
    let rows = section(page, id).split("<tr>").skip(2);
    let cells = |row: &str| {
        let cells = row.split("<td ").skip(1);
        cells.map(|cell| text(&format!("<td {cell}"))).collect()
    };
    rows.map(cells).collect()
}

/// A text without its markup.
fn text(html: &str) -> String {
    let mut text = String::new();
    for (number, part) in html.split('<').enumerate() {
        let part = match number {
            0 => part,
            _ => part.split_once('>').map_or("", |(_, text)| text),
        };
        text.push_str(part);
    }
    text.trim().to_owned()
}

/// A row of each section, as far as its first cells.
const ROWS: [(&str, &[&str]); 21] = [
    ("off", &["without", "audit-all 1", "disabled", "ap-tokyo"]),
    ("deleted", &["prod", "audit-gone 7", "ap-guangzhou"]),
    ("without", &["without", "1", "none found"]),
    ("missing", &["prod", "audit-gone"]),
    ("foreign", &["prod", "to-a-stranger 3", "100000000099"]),
    ("stale", &["stale", "stale"]),
    (
        "exporter",
        &[
            "the last reload was refused",
            "20 min ago 2026-11-23 09:40:05 UTC",
        ],
    ),
    (
        "organizations",
        &[
            "group",
            "rejected",
            "FailedOperation",
            "no organization",
            "b1b2",
            "12",
        ],
    ),
    ("credentials", &["denied", "static"]),
    (
        "refreshes",
        &["denied", "static", "unavailable", "http_502", "no role"],
    ),
    (
        "attempts",
        &[
            "without",
            "DeleteAuditTrack",
            "denied",
            "20 min ago 2026-11-23 09:40:05 UTC",
            "4",
        ],
    ),
    (
        "throttled",
        &["without", "3 min ago 2026-11-23 09:57:05 UTC", "7"],
    ),
    (
        "searches",
        &[
            "without",
            "unauthorized",
            "unauthorized",
            "no DescribeEvents",
        ],
    ),
    (
        "mismatched",
        &[
            "prod",
            "audit-all",
            "bucket or topic: expected audit-archive, found audit-bucket",
        ],
    ),
    (
        "deliveries",
        &["partial", "cos stalled ap-guangzhou", "stalled"],
    ),
    ("not-covered", &["partial", "1"]),
    ("recreated", &["prod", "audit-all 8"]),
    ("dropped", &["dropping", "ap-guangzhou", "1", "1"]),
    ("unknown", &["waiting", "ap-guangzhou: not polled yet"]),
    ("undocumented", &["prod", "odd 4", "tape"]),
    (
        "disagreeing",
        &["disagreeing", "ap-guangzhou: 1, ap-singapore: 2"],
    ),
];

#[tokio::test]
async fn every_kind_of_problem_has_a_section_and_the_worst_comes_first() {
    let page = page_of("/", scenes::everything_wrong).await;
    let sections = page.text().split("<section id=\"").skip(1);
    let sections: Vec<&str> = sections.map(|it| it.split('"').next().unwrap()).collect();
    let expected = [
        "off",
        "deleted",
        "without",
        "missing",
        "foreign",
        "failing",
        "stale",
        "deliveries",
        "exporter",
        "organizations",
        "credentials",
        "refreshes",
        "attempts",
        "mismatched",
        "not-covered",
        "recreated",
        "dropped",
        "throttled",
        "unknown",
        "undocumented",
        "disagreeing",
        "searches",
        "changes",
        "accounts",
        "tracks",
        "checked",
    ];
    assert_eq!(sections, expected);
    for (id, row) in ROWS {
        let rows = rows(&page, id);
        assert!(
            rows.iter().any(
                |it| it.starts_with(&row.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>())
            ),
            "{id}: {rows:?}"
        );
    }
}

#[tokio::test]
async fn a_message_breaks_where_the_cloud_broke_it() {
    let page = page_of("/", scenes::everything_wrong).await;
    let failing = section(&page, "failing");
    let message = "<bdi>you are not authorized to perform operation (cloudaudit:DescribeAuditTracks)<br>resource (*) has no permission</bdi>";
    assert!(failing.contains(message), "{failing}");
    assert!(
        !page
            .text()
            .split("<script>")
            .next()
            .unwrap()
            .contains(r"\n")
    );
}

#[tokio::test]
async fn the_exporter_says_what_is_wrong_with_itself() {
    let page = page_of("/", scenes::everything_wrong).await;
    let own = rows(&page, "exporter");
    let what: Vec<&str> = own.iter().map(|row| row[0].as_str()).collect();
    let expected = [
        "the last reload was refused",
        "the state file cannot be written",
        "the clock is wrong",
        "the certificate of the listener expires",
    ];
    assert_eq!(what, expected);
    assert!(
        own[0][2].contains("5s is shorter than poll.timeout"),
        "{own:?}"
    );
    let (_, footer) = page.text().split_once("<footer>").unwrap();
    for part in [
        "cloudaudit-exporter 1.2.3, revision abcdef0",
        "Started: 5 h ago",
        "hash 42424242, in use since 2 h ago",
        "Running as shard 3 of 8",
        "Organization group: 12 members, last listed: 9 h ago",
        "Organization unlisted: members not known, last listed: not since the start",
        "Account prod: 2 restarts of its task",
        "Log: 17 lines dropped since the start",
    ] {
        assert!(footer.contains(part), "{part} in {footer}");
    }
}

/// Links to rows lead to where rows are.
#[tokio::test]
async fn every_tile_leads_to_a_section() {
    for scene in [
        scenes::everything_wrong,
        scenes::good,
        scenes::all_down,
        scenes::waiting,
        scenes::many_tracks,
    ] {
        let page = page_of("/", scene).await;
        let (_, tiles) = page.text().split_once("<nav id=\"tiles\"").unwrap();
        let (tiles, _) = tiles.split_once("</nav>").unwrap();
        let targets: Vec<&str> = tiles.split("href=\"./#").skip(1).collect();
        assert!(targets.len() >= 8, "{tiles}");
        for target in targets {
            let id = target.split('"').next().unwrap();
            assert_ne!(section(&page, id), "", "{id}");
        }
    }
}

#[tokio::test]
async fn every_section_has_its_own_pages_and_none_is_beyond_the_last() {
    let page = page_of("/?page.off=2&page=31", scenes::many_tracks).await;
    let off = section(&page, "off");
    assert!(off.contains("Page 2 of 2, 30 rows"), "{off}");
    assert!(
        off.contains(r#"href="?page.off=1&amp;page=31#off">Previous"#),
        "{off}"
    );
    assert_eq!(rows(&page, "off").len(), 10);
    let tracks = section(&page, "tracks");
    assert!(tracks.contains("Page 30 of 30, 3000 rows"), "{tracks}");
    assert_eq!(page_of("/?page=1000001", scenes::good).await.status, 400);
    let page = page_of("/?page.elsewhere=1", scenes::good).await;
    assert_eq!(page.status, 400);
    assert!(
        page.text()
            .starts_with("page of a section: allowed are off, deleted,")
    );
}

#[tokio::test]
async fn tracks_are_selected_by_name_or_id() {
    for wanted in ["track-0100", "100"] {
        let page = page_of(&format!("/?track={wanted}"), scenes::many_tracks).await;
        assert_eq!(rows(&page, "tracks").len(), 1);
        assert_eq!(rows(&page, "off").len(), 1);
        assert!(
            page.text()
                .contains(&format!(r#"<input name="track" value="{wanted}">"#))
        );
        // The verdict and the tiles are of everything.
        assert!(
            page.text()
                .contains("<b>30</b> <span>Tracks not enabled</span>")
        );
    }
    // A track that is missing is found by its name as well.
    let page = page_of("/?track=audit-gone", scenes::everything_wrong).await;
    assert_eq!(rows(&page, "missing").len(), 1);
    assert_eq!(rows(&page, "mismatched").len(), 0);
}

#[tokio::test]
async fn changes_say_what_changed_and_by_whom_or_why_that_is_not_known() {
    let server = changes::server().await;
    let page = server.get("/").await;
    let found = rows(&page, "changes");
    let of = |row: usize| found[row].join(" | ");
    assert_eq!(found.len(), 4);
    let what = "prod | track-41 41 | disabled | Status: enabled → disabled | alice (CAMUser)";
    assert!(of(0).contains(what), "{}", of(0));
    assert!(of(0).contains("from 203.0.113.7"), "{}", of(0));
    assert!(of(0).contains("ModifyAuditTrack 2026-11-23 09:59:35 UTC"));
    assert!(of(1).contains("one of these:bob (CAMUser)"), "{}", of(1));
    assert!(of(1).contains("carol (CAMUser)"), "{}", of(1));
    assert!(of(3).ends_with("not known: attribution is off"));
    let page = server.get("/?account=prod&track=42").await;
    assert_eq!(rows(&page, "changes").len(), 1);
}

/// What was wrong when it was last listed may have been repaired since.
#[tokio::test]
async fn old_problems_are_of_the_past() {
    let page = page_of("/", |now| {
        let off = vec![own(1, "audit-all", Status::Disabled)];
        let stale = failed(old(listed("ap-guangzhou", off, now)), unavailable(), now);
        let reports = vec![report_of(required("stale"), vec![stale])];
        (reports, scenes::exporter(now))
    })
    .await;
    for (id, words) in [
        ("off", "disabled"),
        ("tracks", "disabled"),
        ("accounts", "not covered"),
    ] {
        let section = section(&page, id);
        assert!(section.contains(&format!(">was {words}<")), "{section}");
    }
}
