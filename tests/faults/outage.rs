//! What happens to tracks while nobody can see them.

use std::time::Duration;

use cloudaudit_exporter::sim::{Fault, Track};
use serde_json::json;

use crate::account;
use crate::memory::Memory;
use crate::play::Look;
use crate::row::Does::{Equal, GrowAlone, GrowBy, Miss};
use crate::row::{Numbers, Row};

/// The cloud is dark until the end of it.
fn darken(stage: &Memory) {
    stage.world.inject(Fault::hang().until_cleared());
}

fn light_up(stage: &Memory) {
    stage.world.clear_faults();
}

#[tokio::test(start_paused = true)]
async fn a_track_vanishes_in_an_outage() {
    let row = Row::new(
        "a_track_vanishes_in_an_outage",
        "A track is deleted while the API is silent",
    )
    .fails("unavailable", "timeout")
    .afterwards("cloudaudit_track_present{track=\"track-3\"}", Equal(0.0))
    .afterwards("cloudaudit_track_enabled{track=\"track-3\"}", Miss)
    .afterwards(
        "cloudaudit_track_changes_total{change=\"vanished\"}",
        GrowAlone(1.0),
    )
    .remedy("find out who deleted it: its last series stay until the outage is over");
    let begins = |stage: &Memory| {
        darken(stage);
        account(&stage.world).delete(3).unwrap();
    };
    Memory::new().play(row, begins, light_up).await;
}

#[tokio::test(start_paused = true)]
async fn a_track_is_switched_off_in_an_outage() {
    let row = Row::new(
        "a_track_is_switched_off_in_an_outage",
        "A track is switched off while the API is silent",
    )
    .fails("unavailable", "timeout")
    .also("cloudaudit_track_enabled{track=\"track-3\"}", Equal(1.0))
    .afterwards("cloudaudit_track_enabled{track=\"track-3\"}", Equal(0.0))
    .afterwards(
        "cloudaudit_track_changes_total{change=\"disabled\"}",
        GrowAlone(1.0),
    )
    .remedy("find out who did it; alert on old data too, for an old 1 proves nothing");
    let begins = |stage: &Memory| {
        darken(stage);
        account(&stage.world).set_status(3, 0).unwrap();
    };
    Memory::new().play(row, begins, light_up).await;
}

#[tokio::test(start_paused = true)]
async fn a_track_is_renamed_in_an_outage() {
    let row = Row::new(
        "a_track_is_renamed_in_an_outage",
        "A track gets another name while the API is silent",
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
    .remedy("nothing, if it was meant: it is the same track, by its id");
    let begins = |stage: &Memory| {
        darken(stage);
        let rename = |track: &mut serde_json::Value| track["Name"] = json!("renamed");
        account(&stage.world).edit(3, rename).unwrap();
    };
    Memory::new().play(row, begins, light_up).await;
}

#[tokio::test(start_paused = true)]
async fn a_track_is_recreated_in_an_outage() {
    let row = Row::new(
        "a_track_is_recreated_in_an_outage",
        "A track is deleted and created under the same name while the API is silent",
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
    .remedy("compare the two: they are two tracks, by their ids");
    let begins = |stage: &Memory| {
        darken(stage);
        account(&stage.world).delete(3).unwrap();
        account(&stage.world).create(Track::new(30, "track-3"));
    };
    Memory::new().play(row, begins, light_up).await;
}

#[tokio::test(start_paused = true)]
async fn an_outage_is_longer_than_stale_after() {
    let row = Row::new(
        "an_outage_is_longer_than_stale_after",
        "The API is silent for longer than `poll.stale_after`, and a track is deleted meanwhile",
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
    .remedy(
        "end the outage: what was hidden is not forgotten, and compared with what is there then",
    );
    let begins = |stage: &Memory| {
        darken(stage);
        account(&stage.world).delete(3).unwrap();
    };
    let look = Look {
        seen_within: 12,
        ..Look::default()
    };
    Memory::new().play_seen(row, look, begins, light_up).await;
}

#[tokio::test(start_paused = true)]
async fn the_wall_clock_jumps_in_an_outage() {
    let row = Row::new(
        "the_wall_clock_jumps_in_an_outage",
        "The API is silent, and the wall clock is set an hour ahead, or the machine was suspended",
    )
    .fails("unavailable", "timeout")
    .numbers(Numbers::Hidden)
    .also("cloudaudit_account_tracks", Miss)
    .also("cloudaudit_account_covered", Miss)
    .remedy("set the clock and end the outage: numbers are hidden if either clock says that they are older than `poll.stale_after`");
    let begins = |stage: &Memory| {
        darken(stage);
        stage.set_wall_clock_ahead(Duration::from_hours(1));
    };
    let ends = |stage: &Memory| {
        light_up(stage);
        stage.set_wall_clock_ahead(Duration::ZERO);
    };
    Memory::new().play(row, begins, ends).await;
}
