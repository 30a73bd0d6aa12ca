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
        "A reload finds an error in the configuration",
    )
    .also(RELOADED, Equal(0.0))
    .recovers(Recovery::AtOnce)
    .afterwards(RELOADED, Equal(1.0))
    .remedy(
        "correct the line that the log names, and reload; until then, the exporter keeps the previous configuration",
    );
    let begins = async |stage: &mut Wire| stage.reload("pol: {}\n");
    let ends = async |stage: &mut Wire| stage.reload("");
    row.play(LOOK, &mut Wire::new().await, begins, ends).await;
}

#[tokio::test(start_paused = true)]
async fn a_region_is_removed_from_the_configuration() {
    let row = Row::new(
        "a_region_is_removed_from_the_configuration",
        "A region or account is removed from the configuration",
    )
    .also("cloudaudit_up{region=\"ap-singapore\"}", Miss)
    .also("cloudaudit_track_present{region=\"ap-singapore\"}", Miss)
    .recovers(Recovery::AtOnce)
    .afterwards("cloudaudit_up{region=\"ap-singapore\"}", Equal(1.0))
    .remedy(
        "nothing, if the change was intended. The series of a removed region or account end without a tombstone. `CloudAuditAccountNoLongerWatched` fires for a removed account, but not for a removed region",
    );
    let stage = Memory::with(Setup {
        regions: &[REGION, OTHER_REGION],
        ..Setup::default()
    });
    let begins = |stage: &Memory| stage.load(&[REGION]);
    let ends = |stage: &Memory| stage.load(&[REGION, OTHER_REGION]);
    stage.play(row, begins, ends).await;
}

#[tokio::test(start_paused = true)]
async fn an_account_task_panics() {
    let row = Row::new(
        "an_account_task_panics",
        "The task of an account panics, and a track is deleted before the task restarts",
    )
    .also("cloudaudit_exporter_account_restarts_total", GrowBy(1.0))
    .also("cloudaudit_track_present{track=\"track-3\"}", Equal(0.0))
    .also(
        "cloudaudit_track_changes_total{change=\"vanished\"}",
        GrowAlone(1.0),
    )
    .remedy("open an issue; the exporter restarts the task after ten seconds");
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
        "The exporter restarts during an outage, and a track is deleted before the outage ends",
    )
    .fails("unavailable", "connect")
    .also("cloudaudit_track_changes_total", GrowBy(0.0))
    .afterwards("cloudaudit_track_present{track=\"track-3\"}", Equal(0.0))
    .afterwards(
        "cloudaudit_track_changes_total{change=\"vanished\"}",
        GrowAlone(1.0),
    )
    .remedy("nothing: the exporter restores the last state from `state.file`");
    let begins = async |stage: &mut Wire| {
        stage.stop_cloud().await;
        stage.stop_exporter();
        account(&stage.world).delete(3).unwrap();
        stage.start().await;
    };
    let ends = async |stage: &mut Wire| stage.start_cloud().await;
    row.play(LOOK, &mut Wire::with_state().await, begins, ends)
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_exporter_is_killed() {
    let row = Row::new(
        "the_exporter_is_killed",
        "`kill -9` ends the exporter during an outage; a track is deleted, and the exporter restarts",
    )
    .fails("unavailable", "connect")
    .numbers(Numbers::Restored)
    .also("cloudaudit_track_changes_total", GrowBy(0.0))
    .afterwards("cloudaudit_track_present{track=\"track-3\"}", Equal(0.0))
    .afterwards(
        "cloudaudit_track_changes_total{change=\"vanished\"}",
        GrowAlone(1.0),
    )
    .remedy(
        "find out what killed the exporter; the exporter may lose changes of the last 5 s before the kill, and timestamps and counters of the last minute",
    );
    let begins = async |stage: &mut Wire| {
        stage.wait_until_state_is_written().await;
        stage.stop_cloud().await;
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
    let ends = async |stage: &mut Wire| stage.start_cloud().await;
    row.play(LOOK, &mut Wire::with_state().await, begins, ends)
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_exporter_restarts_without_a_state_file() {
    let row = Row::new(
        "the_exporter_restarts_without_a_state_file",
        "The exporter has no state file and restarts during an outage, and a track is deleted before the outage ends",
    )
    .fails("unavailable", "connect")
    .numbers(Numbers::Absent)
    .afterwards("cloudaudit_track_present{track=\"track-3\"}", Miss)
    .afterwards("cloudaudit_track_changes_total", GrowBy(0.0))
    .remedy("set `state.file`; without a state file, the exporter does not detect the deletion");
    let begins = async |stage: &mut Wire| {
        stage.stop_cloud().await;
        stage.stop_exporter();
        account(&stage.world).delete(3).unwrap();
        stage.start().await;
    };
    let ends = async |stage: &mut Wire| stage.start_cloud().await;
    row.play(LOOK, &mut Wire::new().await, begins, ends).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_state_file_is_damaged() {
    let row = Row::new("the_state_file_is_damaged", "The state file is damaged")
        .also(WRITTEN, Equal(1.0))
        .also("cloudaudit_track_changes_total", GrowBy(0.0))
        .remedy(
            "nothing, but the history is lost; the exporter renames the file to `state.json.corrupt-…`",
        );
    let begins = async |stage: &mut Wire| {
        stage.stop_exporter();
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
        "The folder of the state file is missing, is full, or belongs to another user",
    )
    .also(WRITTEN, Equal(0.0))
    .recovers(Recovery::Seconds(20))
    .afterwards(WRITTEN, Equal(1.0))
    .remedy(
        "free space, or repair the folder; if the exporter restarts first, it loses the changes since the last write",
    );
    let begins = async |stage: &mut Wire| {
        stage.wait_until_state_is_written().await;
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
        "Nothing reads the log: the reader has stopped, or a terminal is paused",
    )
    .also(DROPPED, Grow)
    .recovers(Recovery::AtOnce)
    .remedy("restart the reader; the exporter keeps 1 MiB of log lines and drops the rest");
    let mut stage = Wire::new().await;
    stage
        .environment
        .push(("CLOUDAUDIT_EXPORTER_WEB_ENABLE_LIFECYCLE", "true"));
    let begins = async |stage: &mut Wire| stage.leave_log_unread(true).await;
    let ends = async |stage: &mut Wire| {
        stage.leave_log_unread(false).await;
        stage.wait_for_log("log lines were dropped").await;
    };
    row.play(LOOK, &mut stage, begins, ends).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn incomplete_requests_fill_the_listener() {
    let row = Row::new(
        "incomplete_requests_fill_the_listener",
        "A client opens 600 connections and sends an incomplete request on each",
    )
    .recovers(Recovery::AtOnce)
    .remedy(
        "restrict access to the listener; the exporter closes such connections to make room for a scrape",
    );
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
