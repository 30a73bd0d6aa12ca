//! The page for people.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use cloudaudit_exporter::clock::{Clock, Moment};
use cloudaudit_exporter::failure::{Failure, Reason};
use cloudaudit_exporter::snapshot::{Past, Status, TargetReport, Tombstone};
use sha2::{Digest, Sha256};

use super::support::{Reply, Server, Shown, failed, listed, report, target, track};

/// 2026-11-23 10:00:05 UTC.
const NOW: u64 = 1_795_428_005;

fn clock() -> (Clock, Moment) {
    let clock = Clock::virtual_at(SystemTime::UNIX_EPOCH + Duration::from_secs(NOW));
    let now = clock.now();
    (clock, now)
}

async fn page(accounts: impl FnOnce(Moment) -> Vec<(&'static str, Vec<TargetReport>)>) -> Reply {
    let (clock, now) = clock();
    let accounts = accounts(now).into_iter();
    let shown = Shown {
        reports: accounts
            .map(|(name, targets)| report(name, targets))
            .collect(),
        clock,
        ..Shown::default()
    };
    Server::start(shown).await.get("/").await
}

fn denied() -> Failure {
    Failure {
        request_id: Some("req-1234".to_owned()),
        ..Failure::with_code(
            Reason::Unauthorized,
            "UnauthorizedOperation.CamNoAuth",
            "no permission",
        )
    }
}

/// The part of the page under a heading.
fn section<'a>(page: &'a Reply, heading: &str) -> &'a str {
    let (_, rest) = page
        .text()
        .split_once(&format!("<h2>{heading}</h2>"))
        .unwrap();
    rest.split_once("</section>").unwrap().0
}

#[tokio::test]
async fn what_is_wrong_comes_first() {
    let page = page(|now| {
        let tracks = vec![
            track(1, "all", Status::Enabled),
            track(2, "off", Status::Disabled),
            track(3, "odd", Status::Unknown),
        ];
        vec![
            ("prod", vec![listed("ap-guangzhou", tracks, now)]),
            ("dev", vec![failed(target("ap-beijing"), denied(), now)]),
        ]
    })
    .await;
    assert_eq!(page.status, 200);
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");

    let headings: Vec<_> = page.text().split("<h2>").skip(1).collect();
    let headings: Vec<_> = headings
        .iter()
        .filter_map(|text| text.split("</h2>").next())
        .collect();
    assert_eq!(
        headings,
        [
            "Tracks not enabled",
            "Tracks vanished",
            "Accounts without an enabled track",
            "Failing targets",
            "Accounts",
            "Tracks"
        ]
    );

    let failing = section(&page, "Failing targets");
    for word in [
        "dev",
        "ap-beijing",
        "unauthorized",
        "UnauthorizedOperation.CamNoAuth",
        "no permission",
        "req-1234",
    ] {
        assert!(
            failing.contains(&format!(">{word}<")),
            "{word} in {failing}"
        );
    }
    let off = section(&page, "Tracks not enabled");
    assert!(
        off.contains(">off<") && off.contains(">odd<") && !off.contains(">all<"),
        "{off}"
    );
    let accounts = section(&page, "Accounts");
    assert!(
        accounts.contains(">ap-guangzhou<") && accounts.contains(">failing<"),
        "{accounts}"
    );
    // Right-to-left names must not reorder the text around them.
    for section in [&off, &failing, &accounts] {
        let isolated = r#"<td data-column="Account"><bdi>"#;
        assert!(section.contains(isolated), "{section}");
    }
    let tracks = section(&page, "Tracks");
    for cell in [
        "<bdi>all</bdi>",
        "<bdi>off</bdi>",
        "<bdi>odd</bdi>",
        "<bdi>cos</bdi> <bdi>ap-guangzhou</bdi> <bdi>audit-bucket</bdi> <bdi>logs</bdi> ",
        "<bdi>*</bdi> of <bdi>*</bdi>",
    ] {
        assert!(tracks.contains(&format!(">{cell}<")), "{cell} in {tracks}");
    }
    let summary = "2 targets in 2 accounts: 1 up, 1 failing, 0 before the first poll. 3 tracks, 2 of them not enabled, 0 vanished.";
    assert!(page.text().contains(summary), "{}", page.text());
}

/// A deletion leaves a page that looks no better than before.
#[tokio::test]
async fn what_has_vanished_is_shown_with_its_time_as_long_as_in_the_metrics() {
    let page = page(|now| {
        let tombstone = |name: &str, show_until| Tombstone {
            acknowledged: None,
            name: name.to_owned(),
            at: now.wall - Duration::from_hours(3),
            show_until,
        };
        let shown = tombstone("gone", now.steady + Duration::from_mins(5));
        let forgotten = tombstone("long-gone", now.steady);
        let past = Arc::new(Past {
            tombstones: BTreeMap::from([(7, shown), (8, forgotten)]),
            ..Past::default()
        });
        // Two regions show the same tracks, and the same past.
        let regions = ["ap-guangzhou", "ap-singapore"].map(|region| TargetReport {
            past: Arc::clone(&past),
            ..listed(region, vec![track(1, "all", Status::Enabled)], now)
        });
        vec![("prod", regions.to_vec())]
    })
    .await;
    let vanished = section(&page, "Tracks vanished");
    let row = r#"<td data-column="Track"><bdi>gone</bdi></td><td data-column="Id">7</td><td data-column="Vanished">3 h ago <span class="utc"><time datetime="2026-11-23T07:00:05Z">"#;
    assert_eq!(vanished.matches(row).count(), 2, "{vanished}");
    assert!(!page.text().contains("long-gone"), "{vanished}");
    let summary = "1 track, 0 of them not enabled, 1 vanished.";
    assert!(page.text().contains(summary), "{}", page.text());
}

/// The head says what `cloudaudit_account_tracks` says.
#[tokio::test]
async fn the_head_counts_a_track_once_and_as_the_worse_where_regions_differ() {
    let page = page(|now| {
        let tracks = |status| vec![track(1, "all", Status::Enabled), track(2, "odd", status)];
        let prod = vec![
            listed("ap-guangzhou", tracks(Status::Enabled), now),
            listed("ap-singapore", tracks(Status::Disabled), now),
        ];
        // The same ids in another account are other tracks.
        let dev = vec![listed("ap-guangzhou", tracks(Status::Enabled), now)];
        vec![("prod", prod), ("dev", dev)]
    })
    .await;
    let summary = "4 tracks, 1 of them not enabled, 0 vanished.";
    assert!(page.text().contains(summary), "{}", page.text());
}

#[tokio::test]
async fn times_are_ages_and_utc() {
    let page = page(|now| {
        let good = listed("ap-guangzhou", Vec::new(), now);
        vec![("prod", vec![failed(good, denied(), now)])]
    })
    .await;
    let accounts = section(&page, "Accounts");
    let poll = r#">1 s ago <span class="utc"><time datetime="2026-11-23T10:00:04Z">2026-11-23 10:00:04 UTC</time>"#;
    let success = r#">60 s ago <span class="utc"><time datetime="2026-11-23T09:59:05Z">2026-11-23 09:59:05 UTC</time>"#;
    assert!(accounts.contains(poll), "{accounts}");
    assert!(accounts.contains(success), "{accounts}");
    assert!(section(&page, "Failing targets").contains(success));
}

#[tokio::test]
async fn nothing_from_outside_becomes_markup() {
    const EVIL: &str = "<script>alert('x')</script>\"onload=\"&amp;";
    const TAMED: &str =
        "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&quot;onload=&quot;&amp;amp;";
    let page = page(|now| {
        let mut evil = track(1, EVIL, Status::Disabled);
        EVIL.clone_into(&mut evil.action_type);
        EVIL.clone_into(&mut evil.resource_type);
        evil.event_names = vec![EVIL.to_owned()];
        for field in [
            &mut evil.storage.kind,
            &mut evil.storage.region,
            &mut evil.storage.name,
            &mut evil.storage.prefix,
        ] {
            EVIL.clone_into(field);
        }
        let failure = Failure {
            request_id: Some(EVIL.to_owned()),
            ..Failure::with_code(Reason::Rejected, EVIL, EVIL)
        };
        let tombstone = Tombstone {
            acknowledged: None,
            name: EVIL.to_owned(),
            at: now.wall,
            show_until: now.steady + Duration::from_mins(5),
        };
        let target = TargetReport {
            past: Arc::new(Past {
                tombstones: BTreeMap::from([(2, tombstone)]),
                ..Past::default()
            }),
            ..failed(listed(EVIL, vec![evil], now), failure, now)
        };
        vec![(EVIL, vec![target])]
    })
    .await;
    let (_, own) = page.text().split_once("</main>\n<script>").unwrap();
    assert_eq!(own.matches("<script").count(), 0);
    assert_eq!(page.text().matches("<script").count(), 1, "{}", page.text());
    assert!(!page.text().contains("\"onload"), "{}", page.text());
    // Account and region in five tables, three fields of the failure, twice the track's seven, and
    // a name.
    assert_eq!(page.text().matches(TAMED).count(), 10 + 3 + 14 + 1);
}

#[tokio::test]
async fn the_policy_allows_this_style_and_this_script_and_nothing_else() {
    let page = page(|_| Vec::new()).await;
    let hash_of = |tag: &str| {
        let (_, text) = page.text().split_once(&format!("<{tag}>")).unwrap();
        let (text, _) = text.split_once(&format!("</{tag}>")).unwrap();
        base64(&Sha256::digest(text))
    };
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; \
         connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
        hash_of("style"),
        hash_of("script")
    );
    assert_eq!(page.header("content-security-policy"), policy);
    for outside in [
        "<link", "<img", "<iframe", "style=", "url(", "@import", "src=", "on",
    ] {
        let outside = if outside == "on" {
            " onclick="
        } else {
            outside
        };
        assert!(!page.text().contains(outside), "{outside}");
    }
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let number = (0..3).fold(0, |sum, at| {
            sum << 8 | usize::from(*three.get(at).unwrap_or(&0))
        });
        for digit in 0..4 {
            let padding = digit > three.len();
            let at = number >> (18 - 6 * digit) & 63;
            text.push(if padding { '=' } else { char::from(DIGITS[at]) });
        }
    }
    text
}

#[tokio::test]
async fn long_tables_have_pages() {
    let page = page(|now| {
        let tracks = (0..1234)
            .map(|id| track(id, "t", Status::Disabled))
            .collect();
        vec![("prod", vec![listed("ap-guangzhou", tracks, now)])]
    })
    .await;
    let tracks = section(&page, "Tracks");
    assert_eq!(tracks.matches("<tr>").count(), 101); // the head is one
    assert!(tracks.contains("Page 1 of 13, 1234 rows"), "{tracks}");
    assert!(
        tracks.contains(r#"<a rel="next" href="?page=2#tracks">"#),
        "{tracks}"
    );
    assert!(section(&page, "Tracks not enabled").contains("And 1134 more."));
    assert!(section(&page, "Accounts").contains(">1234<"));
}

#[tokio::test]
async fn what_is_too_old_for_the_metrics_is_too_old_for_the_page() {
    let page = page(|now| {
        let mut old = listed("ap-guangzhou", vec![track(1, "old", Status::Disabled)], now);
        if let Some(good) = &mut old.last_good {
            good.show_until = now;
        }
        vec![("prod", vec![old, target("ap-tokyo")])]
    })
    .await;
    assert!(!page.text().contains(">old<"));
    let accounts = section(&page, "Accounts");
    assert!(
        accounts.contains(">stale<") && accounts.contains(">waiting<"),
        "{accounts}"
    );
}

#[tokio::test]
async fn without_accounts_it_says_so() {
    let page = page(|_| Vec::new()).await;
    assert!(section(&page, "Accounts").contains("There is no such account."));
    assert!(!page.text().contains("<table>"));
}
