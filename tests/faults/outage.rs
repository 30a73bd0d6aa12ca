//! Changes to tracks during an outage.

use std::time::Duration;

use cloudaudit_exporter::sim::{Fault, Track};
use serde_json::json;

use crate::account;
use crate::memory::Memory;
use crate::play::Look;
use crate::row::Does::{Equal, GrowAlone, GrowBy, Miss};
use crate::row::{Numbers, Row};

/// Stops all responses until `start_cloud`.
fn stop_cloud(stage: &Memory) {
    stage.world.inject(Fault::hang().until_cleared());
}

fn start_cloud(stage: &Memory) {
    stage.world.clear_faults();
}

#[tokio::test(start_paused = true)]
async fn a_track_is_deleted_in_an_outage() {
    let row = Row::new(
        "a_track_is_deleted_in_an_outage",
        "A track is deleted during an outage",
    )
    .fails("unavailable", "timeout")
    .afterwards("cloudaudit_track_present{track=\"track-3\"}", Equal(0.0))
    .afterwards("cloudaudit_track_enabled{track=\"track-3\"}", Miss)
    .afterwards(
        "cloudaudit_track_changes_total{change=\"vanished\"}",
        GrowAlone(1.0),
    )
    .remedy("find out who deleted the track");
    let begins = |stage: &Memory| {
        stop_cloud(stage);
        account(&stage.world).delete(3).unwrap();
    };
    Memory::new().play(row, begins, start_cloud).await;
}

#[tokio::test(start_paused = true)]
async fn a_track_is_switched_off_in_an_outage() {
    let row = Row::new(
        "a_track_is_switched_off_in_an_outage",
        "A track is switched off during an outage",
    )
    .fails("unavailable", "timeout")
    .also("cloudaudit_track_enabled{track=\"track-3\"}", Equal(1.0))
    .afterwards("cloudaudit_track_enabled{track=\"track-3\"}", Equal(0.0))
    .afterwards(
        "cloudaudit_track_changes_total{change=\"disabled\"}",
        GrowAlone(1.0),
    )
    .remedy(
        "find out who switched the track off; values from before an outage do not prove the present state",
    );
    let begins = |stage: &Memory| {
        stop_cloud(stage);
        account(&stage.world).set_status(3, 0).unwrap();
    };
    Memory::new().play(row, begins, start_cloud).await;
}

#[tokio::test(start_paused = true)]
async fn a_track_is_renamed_in_an_outage() {
    let row = Row::new(
        "a_track_is_renamed_in_an_outage",
        "A track is renamed during an outage",
    )
    .fails("unavailable", "timeout")
    .afterwards(
        "cloudaudit_track_present{track_id=\"3\",track=\"renamed\"}",
        Equal(1.0),
    )
    .afterwards("cloudaudit_track_present{track=\"track-3\"}", Miss)
    .afterwards(
        "cloudaudit_track_changes_total{change=\"modified\"}",
        GrowAlone(1.0),
    )
    .remedy("nothing, if intended");
    let begins = |stage: &Memory| {
        stop_cloud(stage);
        let rename = |track: &mut serde_json::Value| track["Name"] = json!("renamed");
        account(&stage.world).edit(3, rename).unwrap();
    };
    Memory::new().play(row, begins, start_cloud).await;
}

#[tokio::test(start_paused = true)]
async fn a_track_is_recreated_in_an_outage() {
    let row = Row::new(
        "a_track_is_recreated_in_an_outage",
        "During an outage, a track is deleted and recreated with the same name",
    )
    .fails("unavailable", "timeout")
    .afterwards("cloudaudit_track_present{track_id=\"3\"}", Equal(0.0))
    .afterwards("cloudaudit_track_present{track_id=\"30\"}", Equal(1.0))
    .afterwards(
        "cloudaudit_track_changes_total{change=\"vanished\"}",
        GrowBy(1.0),
    )
    .afterwards(
        "cloudaudit_track_changes_total{change=\"created\"}",
        GrowBy(1.0),
    )
    .remedy("compare the settings of the two tracks");
    let begins = |stage: &Memory| {
        stop_cloud(stage);
        account(&stage.world).delete(3).unwrap();
        account(&stage.world).create(Track::new(30, "track-3"));
    };
    Memory::new().play(row, begins, start_cloud).await;
}

#[tokio::test(start_paused = true)]
async fn an_outage_is_longer_than_stale_after() {
    let row = Row::new(
        "an_outage_is_longer_than_stale_after",
        "A track is deleted during an outage that lasts longer than `poll.stale_after`",
    )
    .fails("unavailable", "timeout")
    .numbers(Numbers::Hidden)
    .also("cloudaudit_account_tracks", Miss)
    .also("cloudaudit_account_covered", Miss)
    .afterwards("cloudaudit_track_present{track=\"track-3\"}", Equal(0.0))
    .afterwards(
        "cloudaudit_track_changes_total{change=\"vanished\"}",
        GrowAlone(1.0),
    )
    .remedy("find the cause of the outage");
    let begins = |stage: &Memory| {
        stop_cloud(stage);
        account(&stage.world).delete(3).unwrap();
    };
    let look = Look {
        seen_within: 12,
        ..Look::default()
    };
    Memory::new()
        .play_seen(row, look, begins, start_cloud)
        .await;
}

#[tokio::test(start_paused = true)]
async fn the_wall_clock_jumps_in_an_outage() {
    let row = Row::new(
        "the_wall_clock_jumps_in_an_outage",
        "During an outage, the wall clock jumps one hour ahead",
    )
    .fails("unavailable", "timeout")
    .numbers(Numbers::Hidden)
    .also("cloudaudit_account_tracks", Miss)
    .also("cloudaudit_account_covered", Miss)
    .remedy("correct the clock, and find the cause of the outage");
    let begins = |stage: &Memory| {
        stop_cloud(stage);
        stage.set_wall_clock_ahead(Duration::from_hours(1));
    };
    let ends = |stage: &Memory| {
        start_cloud(stage);
        stage.set_wall_clock_ahead(Duration::ZERO);
    };
    Memory::new().play(row, begins, ends).await;
}
