//! Track details that listings omit.

use std::time::Duration;

use cloudaudit_exporter::sim::{Fault, Track};
use serde_json::json;

use super::stage::{HOME, ID, KEY, Stage, world};

fn config(details: &str) -> String {
    format!(
        "poll: {{{details}}}\naccounts: {{prod: {{credentials: {{secret_id: {ID}, secret_key: {KEY}}}}}}}"
    )
}

#[tokio::test(start_paused = true)]
async fn details_are_not_requested_by_default() {
    let world = world();
    let mut stage = Stage::with(&world, &[], &config(""));
    stage.pass(Duration::from_hours(3)).await;
    assert_eq!(world.call_count_of("DescribeAuditTrack"), 0);
}

#[tokio::test(start_paused = true)]
async fn each_track_is_requested_once_per_interval() {
    let world = world();
    let home = world.account(HOME).unwrap();
    home.set_for_all_members(1, true).unwrap();
    let mut stage = Stage::with(&world, &[], &config("details_interval: 1h"));
    stage.pass(Duration::from_mins(30)).await;
    assert_eq!(world.call_count_of("DescribeAuditTrack"), 1);
    let wide = |stage: &Stage| {
        let report = stage.shown.last("prod");
        let good = report.targets[0].last_good.clone().unwrap();
        let tracks = good.listing.tracks.iter();
        tracks
            .map(|track| (track.id, track.is_organization_wide()))
            .collect::<Vec<_>>()
    };
    assert_eq!(wide(&stage), [(1, Some(true))]);

    // A new track is requested immediately, the old one when it is due.
    home.create(Track::new(2, "new"));
    stage.pass(Duration::from_mins(2)).await;
    assert_eq!(world.call_count_of("DescribeAuditTrack"), 2);
    assert_eq!(wide(&stage), [(1, Some(true)), (2, Some(false))]);
    stage.pass(Duration::from_hours(1)).await;
    assert_eq!(world.call_count_of("DescribeAuditTrack"), 4);

    // Details stay valid for four intervals.
    let fault = Fault::internal_error().action("DescribeAuditTrack");
    world.inject(fault.until_cleared());
    stage.pass(Duration::from_hours(2)).await;
    assert_eq!(wide(&stage), [(1, Some(true)), (2, Some(false))]);
    stage.pass(Duration::from_hours(3)).await;
    assert_eq!(wide(&stage), [(1, None), (2, None)]);
    assert!(
        stage.shown.last("prod").targets[0].is_up(),
        "the listings still succeed"
    );
}

#[tokio::test(start_paused = true)]
async fn filters_determine_the_coverage() {
    let world = world();
    let home = world.account(HOME).unwrap();
    home.edit(1, |track| {
        for field in ["ActionType", "ResourceType", "EventNames"] {
            track[field] = serde_json::Value::Null;
        }
    })
    .unwrap();
    let all = json!({"ResourceType": "*", "ActionType": "*", "EventNames": ["*"]});
    let some = json!({"ResourceType": "cos", "ActionType": "*", "EventNames": ["*"]});
    for (filters, details, expected) in [
        (json!([all]), "", None),
        (json!([all]), "details_interval: 1m", Some(true)),
        (json!([some, all]), "details_interval: 1m", Some(true)),
        (json!([some]), "details_interval: 1m", Some(false)),
    ] {
        home.set_filters(1, json!({"ResourceFields": filters}))
            .unwrap();
        let mut stage = Stage::with(&world, &[], &config(details));
        stage.pass(Duration::from_mins(3)).await;
        let report = stage.shown.last("prod");
        let good = report.targets[0].last_good.clone().unwrap();
        assert_eq!(good.listing.tracks[0].has_full_coverage(), expected);
        assert_eq!(report.overviews[0].totals.covered, expected);
    }
}
