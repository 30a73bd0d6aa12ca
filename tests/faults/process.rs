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
    .remedy("correct the error that the log names, and reload");
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
    .remedy("nothing, if intended; `CloudAuditAccountNoLongerWatched` fires for a removed account, not for a removed region");
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
        "An account's task panics, and a track is deleted before the task restarts",
    )
    .also("cloudaudit_exporter_account_restarts_total", GrowBy(1.0))
    .also("cloudaudit_track_present{track=\"track-3\"}", Equal(0.0))
    .also(
        "cloudaudit_track_changes_total{change=\"vanished\"}",
        GrowAlone(1.0),
    )
    .remedy("open an issue");
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
        "During an outage, the exporter restarts with a state file, and a track is deleted",
    )
    .fails("unavailable", "connect")
    .also("cloudaudit_track_changes_total", GrowBy(0.0))
    .afterwards("cloudaudit_track_present{track=\"track-3\"}", Equal(0.0))
    .afterwards(
        "cloudaudit_track_changes_total{change=\"vanished\"}",
        GrowAlone(1.0),
    )
    .remedy("find out who deleted the track");
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
        "With a state file: during an outage, `kill -9` ends the exporter, a track is deleted, and the exporter restarts",
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
        "find out what killed the exporter; changes of the last 5 s, and times and counters of the last minute, may be lost",
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
        "During an outage, the exporter restarts without a state file, and a track is deleted",
    )
    .fails("unavailable", "connect")
    .numbers(Numbers::Absent)
    .afterwards("cloudaudit_track_present{track=\"track-3\"}", Miss)
    .afterwards("cloudaudit_track_changes_total", GrowBy(0.0))
    .remedy("set `state.file`; without it, the exporter does not detect the deletion");
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
    let row = Row::new(
        "the_state_file_is_damaged",
        "The state file is damaged when the exporter starts",
    )
    .also(WRITTEN, Equal(1.0))
    .also("cloudaudit_track_changes_total", GrowBy(0.0))
    .remedy("nothing; the history is lost, and the damaged file is now `state.json.corrupt-…`");
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
        "The folder of the state file is missing or not writable, or its disk is full",
    )
    .also(WRITTEN, Equal(0.0))
    .recovers(Recovery::Seconds(20))
    .afterwards(WRITTEN, Equal(1.0))
    .remedy(
        "repair the folder, or free disk space; until then, a restart loses the changes since the last write",
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
    let row = Row::new("nothing_reads_the_log", "Nothing reads the log")
        .also(DROPPED, Grow)
        .recovers(Recovery::AtOnce)
        .remedy("restart the reader; the exporter queues 1 MiB of lines, and drops lines that do not fit");
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
        "A client sends 600 incomplete requests at once",
    )
    .recovers(Recovery::AtOnce)
    .remedy("restrict access to the listener");
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
