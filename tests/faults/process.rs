//! The exporter itself: its configuration, its loops, its state file.

use std::fs;
use std::io::Write;
use std::net::TcpStream;
use std::sync::Mutex;

use crate::memory::{Memory, Setup};
use crate::play::{Look, Stage};
use crate::row::Does::{Equal, Grow, GrowAlone, GrowBy, Miss};
use crate::row::{Numbers, Recovery, Row};
use crate::wire::{LOOK, Wire};
use crate::{OTHER_REGION, REGION, account};

const RELOADED: &str = "cloudaudit_exporter_config_last_reload_successful";
const DROPPED: &str = "cloudaudit_exporter_log_lines_dropped_total";
/// More than the listener accepts.
const HALF_REQUESTS: usize = 600;
const WRITTEN: &str = "cloudaudit_exporter_state_last_write_successful";

#[tokio::test(flavor = "multi_thread")]
async fn the_new_configuration_is_wrong() {
    let row = Row::new(
        "the_new_configuration_is_wrong",
        "A reload finds a mistake in the file",
    )
    .also(RELOADED, Equal(0.0))
    .recovers(Recovery::AtOnce)
    .afterwards(RELOADED, Equal(1.0))
    .remedy("read the log, which names file, line and key; reload again. The old configuration stays in use");
    let begins = async |stage: &mut Wire| stage.reload("pol: {}\n");
    let ends = async |stage: &mut Wire| stage.reload("");
    row.play(LOOK, &mut Wire::new().await, begins, ends).await;
}

#[tokio::test(start_paused = true)]
async fn a_region_leaves_the_configuration() {
    let row = Row::new(
        "a_region_leaves_the_configuration",
        "Somebody takes a region, or an account, out of the configuration",
    )
    .also("cloudaudit_up{region=\"ap-singapore\"}", Miss)
    .also("cloudaudit_track_present{region=\"ap-singapore\"}", Miss)
    .recovers(Recovery::AtOnce)
    .afterwards("cloudaudit_up{region=\"ap-singapore\"}", Equal(1.0))
    .remedy("alert on `cloudaudit_up` that was there a week ago and is not now: there are no tombstones");
    let stage = Memory::with(Setup {
        regions: &[REGION, OTHER_REGION],
        ..Setup::default()
    });
    let begins = |stage: &Memory| stage.load(&[REGION]);
    let ends = |stage: &Memory| stage.load(&[REGION, OTHER_REGION]);
    stage.play(row, begins, ends).await;
}

#[tokio::test(start_paused = true)]
async fn an_account_loop_panics() {
    let row = Row::new(
        "an_account_loop_panics",
        "The loop of one account panics, and a track is deleted meanwhile",
    )
    .also("cloudaudit_exporter_account_restarts_total", GrowBy(1.0))
    .also("cloudaudit_track_present{track=\"track-3\"}", Equal(0.0))
    .also(
        "cloudaudit_track_changes_total{change=\"vanished\"}",
        GrowAlone(1.0),
    )
    .remedy("report it, with the log; it goes on after ten seconds from what it had published");
    let begins = |stage: &Memory| {
        stage.panic();
        account(&stage.world).delete(3).unwrap();
    };
    Memory::new().play(row, begins, |_| ()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_exporter_restarts() {
    let row = Row::new(
        "the_exporter_restarts",
        "It is restarted, the API is not there, and a track is deleted meanwhile",
    )
    .fails("unavailable", "connect")
    .also("cloudaudit_track_changes_total", GrowBy(0.0))
    .afterwards("cloudaudit_track_present{track=\"track-3\"}", Equal(0.0))
    .afterwards(
        "cloudaudit_track_changes_total{change=\"vanished\"}",
        GrowAlone(1.0),
    )
    .remedy("nothing: `state.file` holds what was known");
    let begins = async |stage: &mut Wire| {
        stage.kill_cloud().await;
        stage.end_exporter();
        account(&stage.world).delete(3).unwrap();
        stage.start().await;
    };
    let ends = async |stage: &mut Wire| stage.revive_cloud().await;
    row.play(LOOK, &mut Wire::with_state().await, begins, ends)
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_exporter_is_killed() {
    let row = Row::new("the_exporter_is_killed", "It is ended by `kill -9` or the kernel and started again, the API is not there, and a track is deleted meanwhile")
        .fails("unavailable", "connect")
        .numbers(Numbers::Restored)
        .also("cloudaudit_track_changes_total", GrowBy(0.0))
        .afterwards("cloudaudit_track_present{track=\"track-3\"}", Equal(0.0))
        .afterwards("cloudaudit_track_changes_total{change=\"vanished\"}", GrowAlone(1.0))
        .remedy("look for the cause: changes of the last five seconds and times of the last minute may be lost");
    let begins = async |stage: &mut Wire| {
        stage.state_is_written().await;
        stage.kill_cloud().await;
        let succeeded = stage.shown().await.last_success();
        stage.kill_exporter();
        account(&stage.world).delete(3).unwrap();
        stage.start().await;
        let restored = stage.shown().await.last_success();
        assert!(
            restored <= succeeded,
            "{restored} is newer than {succeeded}"
        );
    };
    let ends = async |stage: &mut Wire| stage.revive_cloud().await;
    row.play(LOOK, &mut Wire::with_state().await, begins, ends)
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_exporter_restarts_without_a_state_file() {
    let row = Row::new(
        "the_exporter_restarts_without_a_state_file",
        "It is restarted without a state file, the API is not there, and a track is deleted meanwhile",
    )
    .fails("unavailable", "connect")
    .numbers(Numbers::Absent)
    .afterwards("cloudaudit_track_present{track=\"track-3\"}", Miss)
    .afterwards("cloudaudit_track_changes_total", GrowBy(0.0))
    .remedy("set `state.file`: without it the deletion is not seen");
    let begins = async |stage: &mut Wire| {
        stage.kill_cloud().await;
        stage.end_exporter();
        account(&stage.world).delete(3).unwrap();
        stage.start().await;
    };
    let ends = async |stage: &mut Wire| stage.revive_cloud().await;
    row.play(LOOK, &mut Wire::new().await, begins, ends).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_state_file_is_broken() {
    let row = Row::new(
        "the_state_file_is_broken",
        "At its start the exporter cannot make sense of the state file",
    )
    .also(WRITTEN, Equal(1.0))
    .also("cloudaudit_track_changes_total", GrowBy(0.0))
    .remedy(
        "nothing, but what was known is lost: the file is kept aside as `state.json.corrupt-…`",
    );
    let begins = async |stage: &mut Wire| {
        stage.end_exporter();
        fs::write(stage.path("kept/state.json"), "no state").unwrap();
        stage.start().await;
    };
    let ends = async |stage: &mut Wire| {
        let files = fs::read_dir(stage.path("kept")).unwrap();
        let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
        let aside = names.filter(|name| name.starts_with("state.json.corrupt-"));
        assert_eq!(aside.count(), 1);
    };
    let look = Look {
        seen_within: 10,
        ..LOOK
    };
    row.play(look, &mut Wire::with_state().await, begins, ends)
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_state_file_cannot_be_written() {
    let row = Row::new(
        "the_state_file_cannot_be_written",
        "The state file's folder is gone, full, or not ours",
    )
    .also(WRITTEN, Equal(0.0))
    .recovers(Recovery::Seconds(20))
    .afterwards(WRITTEN, Equal(1.0))
    .remedy("make room, or mend the folder; only a restart would lose what was not written");
    let begins = async |stage: &mut Wire| {
        stage.state_is_written().await;
        fs::rename(stage.path("kept"), stage.path("away")).unwrap();
        account(&stage.world).set_status(3, 0).unwrap();
    };
    let ends = async |stage: &mut Wire| {
        fs::rename(stage.path("away"), stage.path("kept")).unwrap();
    };
    let look = Look {
        seen_within: 10,
        ..LOOK
    };
    row.play(look, &mut Wire::with_state().await, begins, ends)
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_reads_the_log() {
    let row = Row::new(
        "nothing_reads_the_log",
        "What reads the log has stopped, or a terminal is on hold",
    )
    .also(DROPPED, Grow)
    .recovers(Recovery::AtOnce)
    .remedy("start the reader again. Up to 1 MiB of lines wait for it; further ones are counted, and lost");
    let mut stage = Wire::new().await;
    stage
        .environment
        .push(("CLOUDAUDIT_EXPORTER_WEB_ENABLE_LIFECYCLE", "true"));
    let begins = async |stage: &mut Wire| stage.leave_log_unread(true).await;
    let ends = async |stage: &mut Wire| {
        stage.leave_log_unread(false).await;
        stage.log_says("log lines were dropped").await;
    };
    row.play(LOOK, &mut stage, begins, ends).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn half_requests_fill_the_listener() {
    let row = Row::new(
        "half_requests_fill_the_listener",
        "A client opens 600 connections to the listener and sends half a request on each",
    )
    .recovers(Recovery::AtOnce)
    .remedy("nothing: a connection that waits for its client makes room for a scrape. Keep strangers away from the listener");
    let open = Mutex::new(Vec::new());
    let begins = async |stage: &mut Wire| {
        for _ in 0..HALF_REQUESTS {
            let mut connection = TcpStream::connect(stage.exporter().address()).unwrap();
            connection.write_all(b"GET /metr").unwrap();
            open.lock().unwrap().push(connection);
        }
    };
    let ends = async |_: &mut Wire| open.lock().unwrap().clear();
    row.play(LOOK, &mut Wire::new().await, begins, ends).await;
}
