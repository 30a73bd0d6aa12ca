//! The demo under the restrictions of the unit, as far as they can be applied without systemd.

use std::fs;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::run::{BINARY, ended, file};
use crate::support::address::free_address;

const UNIT: &str = "deploy/systemd/cloudaudit-exporter.service";

/// The time limit for the demo to start and to poll.
const PATIENCE: Duration = Duration::from_secs(30);

#[tokio::test]
async fn the_demo_works_and_shows_all_process_metrics() {
    let folder = TempDir::new().unwrap();
    let address = free_address();
    // Each step replaces its process by exec, so the child process is the exporter.
    let mut demo = KillOnDrop(
        confined(&folder)
            .args([BINARY, "demo", "--web.listen-address"])
            .arg(address.to_string())
            .stdout(Stdio::null())
            .spawn()
            .unwrap(),
    );
    let client = reqwest::Client::builder().tls_certs_only([]).no_proxy();
    let client = client.build().unwrap();
    let start = Instant::now();
    let metrics = loop {
        let response = client.get(format!("http://{address}/metrics")).send().await;
        let metrics = match response {
            Ok(response) => response.text().await.unwrap(),
            Err(_) => String::new(),
        };
        let is_up = |line: &str| line.starts_with("cloudaudit_up{") && line.ends_with(" 1");
        if metrics.lines().any(is_up) {
            break metrics;
        }
        assert!(start.elapsed() < PATIENCE, "no account is up:\n{metrics}");
        assert!(demo.0.try_wait().unwrap().is_none(), "the demo ended");
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    for (name, at_least) in [
        ("process_cpu_seconds_total", 0.0), // in whole seconds
        ("process_max_fds", 1.0),
        ("process_open_fds", 1.0),
        ("process_resident_memory_bytes", 1.0),
        ("process_start_time_seconds", 1.0),
        ("process_threads", 1.0),
        ("process_virtual_memory_bytes", 1.0),
    ] {
        let line = metrics
            .lines()
            .find(|line| line.starts_with(&format!("{name} ")));
        let line = line.unwrap_or_else(|| panic!("{name} is missing"));
        let value: f64 = line.rsplit(' ').next().unwrap().parse().unwrap();
        assert!(value >= at_least, "{line}");
    }
    let status = fs::read_to_string(format!("/proc/{}/status", demo.0.id())).unwrap();
    for line in ["NoNewPrivs:\t1", "CapEff:\t0000000000000000", "Seccomp:\t2"] {
        assert!(status.lines().any(|has| has == line), "{line}:\n{status}");
    }
    let pid = demo.0.id().to_string();
    assert!(Command::new("kill").arg(pid).status().unwrap().success());
    assert_eq!(demo.0.wait().unwrap().code(), Some(0));
}

#[test]
fn restricted_operations_are_refused() {
    let allowed = |script: &str| {
        let folder = TempDir::new().unwrap();
        ended(confined(&folder).args(["python3", "-c", script])).success
    };
    assert!(allowed("import os; open(os.environ['TMPDIR'] + '/x', 'w')"));
    assert!(allowed("import socket; socket.socket(socket.AF_INET)"));
    for refused in [
        "open('/var/x', 'w')",
        "open('/dev/shm/x', 'w')",
        "import socket; socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)",
        "import mmap; mmap.mmap(-1, 4096, prot=mmap.PROT_WRITE | mmap.PROT_EXEC)",
        "import os; os.setpriority(os.PRIO_PROCESS, 0, 5)",
    ] {
        assert!(!allowed(refused), "{refused}");
    }
}

/// Returns a command that confines the program appended to it, with one writable folder.
fn confined(folder: &TempDir) -> Command {
    let mut command = Command::new(file("tests/packaging/confine"));
    command.arg(file(UNIT)).arg(folder.path());
    command.env("TMPDIR", folder.path());
    command
}

struct KillOnDrop(Child);

impl Drop for KillOnDrop {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}
