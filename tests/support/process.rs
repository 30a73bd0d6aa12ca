//! The series of the process.

use std::time::{Duration, SystemTime};

use cloudaudit_exporter::process::Process;
use cloudaudit_exporter::tencent::{Ended, Observer};

/// Returns the series of a process in which everything has happened once, so that each of its
/// metrics has a series.
pub(crate) fn process_with_every_series() -> Process {
    let process = Process::new();
    process.ended(&Ended {
        action: "DescribeAuditTracks",
        took: Duration::ZERO,
        failure: None,
        clock_skew: Some(0.0),
    });
    process.state_written(Ok(SystemTime::UNIX_EPOCH));
    process.certificate_expires(SystemTime::UNIX_EPOCH);
    process.account_added("a");
    process.set_page_url("https://example.com/");
    process.organization_added("o", Duration::ZERO);
    process.organization_refreshed("o", Ok(0), SystemTime::UNIX_EPOCH);
    process
}

/// Returns the exposition of a process.
pub(crate) fn exposition(process: &Process) -> String {
    String::from_utf8(process.parts().concat()).unwrap()
}
