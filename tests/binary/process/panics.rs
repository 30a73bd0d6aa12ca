//! A panic is reported through the log, so that its thread does not wait for the log's reader.

use std::process::{Command, Stdio};
use std::time::Duration;

use cloudaudit_exporter::logging;

use super::program::{Program, stuck_pipe, text};

/// Set where this test is run to panic.
const CHILD: &str = "CLOUDAUDIT_TEST_PANICS";

const NAME: &str = "process::panics::a_panic_does_not_wait_for_the_reader_of_the_log";

fn child() -> Command {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", NAME, "--nocapture"]).env(CHILD, "1");
    child
}

#[tokio::test]
async fn a_panic_does_not_wait_for_the_reader_of_the_log() {
    if std::env::var_os(CHILD).is_some() {
        let log = logging::start().unwrap();
        logging::report_panics(&log);
        let panics = || panic!("on purpose");
        let panicking = std::thread::Builder::new().name("some thread".to_owned());
        assert!(panicking.spawn(panics).unwrap().join().is_err());
        log.flush(Duration::from_millis(500)).await;
        return;
    }
    let (_reader, writer) = stuck_pipe();
    let mut program = Program::start(child().stdout(Stdio::null()).stderr(writer));
    assert_eq!(program.wait(), Some(0));

    let read = child().output().unwrap();
    let said = text(&read.stderr);
    assert!(said.contains("thread 'some thread' panicked at "), "{said}");
    assert!(said.contains("on purpose"), "{said}");
}
