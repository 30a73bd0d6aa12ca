//! The page for people.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use cloudaudit_exporter::clock::Moment;
use cloudaudit_exporter::failure::{Failure, Reason};
use cloudaudit_exporter::snapshot::{Past, Status, TargetReport, Tombstone};
use sha2::{Digest, Sha256};

use super::problems::section;
use super::reports::{failed, listed, report, target, track};
use super::scenes::clock;
use super::support::{Reply, Server, Shown};

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

#[tokio::test]
async fn what_is_wrong_comes_before_accounts_and_tracks() {
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

    let failing = section(&page, "failing");
    for word in [
        "dev",
        "ap-beijing",
        "unauthorized",
        "UnauthorizedOperation.CamNoAuth",
        "no permission",
        "req-1234",
        "never",
    ] {
        assert!(
            failing.contains(&format!(">{word}<")),
            "{word} in {failing}"
        );
    }
    let off = section(&page, "off");
    assert!(
        off.contains(">off<") && off.contains(">odd<") && !off.contains(">all<"),
        "{off}"
    );
    let accounts = section(&page, "accounts");
    assert!(
        accounts.contains(">ap-guangzhou<") && accounts.contains(">failing<"),
        "{accounts}"
    );
    // Right-to-left names must not reorder the text around them.
    for section in [&off, &failing, &accounts] {
        let isolated = r#"<td data-column="Account"><a href="./?account="#;
        assert!(section.contains(isolated), "{section}");
        assert!(
            section.contains(r#"?account=prod"><bdi>prod</bdi></a>"#)
                || section.contains(r#"?account=dev"><bdi>dev</bdi></a>"#)
        );
    }
    let tracks = section(&page, "tracks");
    for cell in [
        r#"data-column="Track"><bdi>all</bdi> <span class="soft">1</span>"#,
        r#"data-column="Track"><bdi>off</bdi> <span class="soft">2</span>"#,
        r#"data-column="Records">all actions, all products"#,
        r#"data-column="Storage"><bdi>cos</bdi>"#,
        r#"data-column="Storage region"><bdi>ap-guangzhou</bdi>"#,
        r#"data-column="Bucket or topic"><bdi>audit-bucket</bdi>"#,
        r#"data-column="Prefix"><bdi>logs</bdi>"#,
    ] {
        assert!(
            tracks.contains(&format!("{cell}</td>")),
            "{cell} in {tracks}"
        );
    }
}

#[tokio::test]
async fn what_a_track_records_is_said_in_words() {
    let page = page(|now| {
        let mut tracks = vec![track(1, "all", Status::Enabled); 3];
        tracks[1].id = 2;
        "Write".clone_into(&mut tracks[1].action_type);
        "cvm".clone_into(&mut tracks[1].resource_type);
        tracks[1].event_names = vec!["RunInstances".to_owned(), "StopInstances".to_owned()];
        tracks[2].id = 3;
        tracks[2].action_type.clear();
        tracks[2].resource_type.clear();
        tracks[2].event_names.clear();
        vec![("prod", vec![listed("ap-guangzhou", tracks, now)])]
    })
    .await;
    let tracks = section(&page, "tracks");
    for words in [
        ">all actions, all products<",
        "><bdi>Write</bdi> actions, product <bdi>cvm</bdi>, 2 events<",
        ">actions not known, products not known, events not known<",
    ] {
        assert!(tracks.contains(words), "{words} in {tracks}");
    }
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
    let deleted = section(&page, "deleted");
    let row = r#"<bdi>gone</bdi> <span class="soft">7</span></td><td data-column="Regions"><span class="region">ap-guangzhou</span>, <span class="region">ap-singapore</span></td><td data-column="Seen deleted">3 h ago <span class="soft"><time datetime="2026-11-23T07:00:05Z">"#;
    assert_eq!(deleted.matches(row).count(), 1, "{deleted}");
    assert!(!page.text().contains("long-gone"), "{deleted}");
    assert!(page.text().contains("<b>1</b> <span>Seen deleted</span>"));
}

/// The tile counts what `cloudaudit_account_tracks` counts, and regions are joined only if they
/// agree.
#[tokio::test]
async fn a_track_counts_once_and_has_a_row_for_each_way_in_which_regions_show_it() {
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
    assert!(page.text().contains("<b>4</b> <span>Tracks</span>"));
    assert!(
        page.text()
            .contains("<b>1</b> <span>Tracks not enabled</span>")
    );
    let tracks = section(&page, "tracks");
    assert_eq!(tracks.matches("<tr><td").count(), 5, "{tracks}");
    let both =
        r#"<span class="region">ap-guangzhou</span>, <span class="region">ap-singapore</span>"#;
    assert!(tracks.contains(both), "{tracks}");
}

#[tokio::test]
async fn an_account_has_one_row_with_its_regions_in_it() {
    let page = page(|now| {
        let tracks = vec![track(1, "all", Status::Enabled)];
        let regions = vec![
            listed("ap-guangzhou", tracks, now),
            failed(target("ap-singapore"), denied(), now),
        ];
        vec![("prod", regions)]
    })
    .await;
    let accounts = section(&page, "accounts");
    assert_eq!(accounts.matches("<tr><td").count(), 1, "{accounts}");
    for part in [
        r#"data-column="State"><span class="badge bad">failing</span>"#,
        r#"ap-guangzhou <span class="badge good">up</span></span>"#,
        r#"ap-singapore <span class="badge bad">failing</span></span> unauthorized"#,
        r#"data-column="Enabled tracks">not known, was 1 of 1<"#,
        r#"data-column="Last success">never<"#,
    ] {
        assert!(accounts.contains(part), "{part} in {accounts}");
    }
}

#[tokio::test]
async fn times_are_ages_and_utc() {
    let page = page(|now| {
        let good = listed("ap-guangzhou", Vec::new(), now);
        vec![("prod", vec![failed(good, denied(), now)])]
    })
    .await;
    let accounts = section(&page, "accounts");
    let poll = r#">1 s ago <span class="soft"><time datetime="2026-11-23T10:00:04Z"><span>2026-11-23</span> <span>10:00:04 UTC</span></time>"#;
    let success = r#">60 s ago <span class="soft"><time datetime="2026-11-23T09:59:05Z"><span>2026-11-23</span> <span>09:59:05 UTC</span></time>"#;
    assert!(accounts.contains(poll), "{accounts}");
    assert!(accounts.contains(success), "{accounts}");
    assert!(section(&page, "failing").contains(success));
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
    let (_, own) = page.text().split_once("</footer>\n<script>").unwrap();
    assert_eq!(own.matches("<script").count(), 0);
    assert_eq!(page.text().matches("<script").count(), 1, "{}", page.text());
    assert!(!page.text().contains("\"onload"), "{}", page.text());
    // The account in six tables; the region in five of them; three fields of the failure; the name of
    // the track in three tables, its actions and products in two, its storage as four fields and as
    // its type; the name of the deleted track.
    assert_eq!(
        page.text().matches(TAMED).count(),
        6 + 5 + 3 + 3 + 4 + 5 + 1
    );
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
    let tracks = section(&page, "tracks");
    assert_eq!(tracks.matches("<tr>").count(), 101); // the head is one
    assert!(tracks.contains("Page 1 of 13, 1234 rows"), "{tracks}");
    assert!(
        tracks.contains(r#"<a rel="next" href="?page=2#tracks">"#),
        "{tracks}"
    );
    let off = section(&page, "off");
    assert_eq!(off.matches("<tr>").count(), 21);
    assert!(off.contains("Page 1 of 62, 1234 rows"), "{off}");
    assert!(off.contains(r#"<a rel="next" href="?page.off=2#off">"#));
    assert!(section(&page, "accounts").contains(">0 of 1234<"));
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
    let accounts = section(&page, "accounts");
    assert!(
        accounts.contains(">stale<") && accounts.contains(">waiting<"),
        "{accounts}"
    );
}

#[tokio::test]
async fn without_accounts_it_says_so() {
    let page = page(|_| Vec::new()).await;
    for id in ["accounts", "tracks"] {
        assert!(section(&page, id).contains("No account is polled."), "{id}");
    }
    assert!(!page.text().contains("<table>"));
}
