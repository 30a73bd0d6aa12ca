//! Measured processes: started, paused between measurements, read from `/proc`, and killed on drop.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;
use std::thread::{sleep, spawn};
use std::time::{Duration, Instant};

/// The clock tick of `/proc/PID/stat`, which Linux shows as a hundredth of a second on every
/// machine.
const TICK: Duration = Duration::from_millis(10);

/// Whatever is waited for takes less, and this often it is looked.
const PATIENCE: Duration = Duration::from_mins(5);
const LOOK: Duration = Duration::from_millis(2);

/// A process that this program started.
pub(crate) struct Process {
    child: Child,
    /// The address that it serves.
    pub(crate) address: String,
}

impl Process {
    /// Starts a process that serves at an address.
    pub(crate) fn start(command: &mut Command, address: String) -> Self {
        command.stdin(Stdio::null());
        let child = command.spawn();
        let child = child.unwrap_or_else(|error| panic!("{command:?} cannot be started: {error}"));
        Self { child, address }
    }

    /// Starts this program in one of its roles.
    pub(crate) fn in_role(role: &str, arguments: &[String]) -> Self {
        let program = std::env::current_exe().expect("a running program has a file");
        Self::announced(Command::new(program).args(["role", role]).args(arguments))
    }

    /// Starts a process that prints its address, and waits for the address.
    pub(crate) fn announced(command: &mut Command) -> Self {
        let mut process = Self::start(command.stdout(Stdio::piped()), String::new());
        let stdout = process.child.stdout.take().expect("it is piped");
        let (sender, lines) = channel();
        spawn(move || sender.send(BufReader::new(stdout).lines().next()));
        let line = lines.recv_timeout(PATIENCE).ok().flatten();
        let address = line.and_then(Result::ok);
        process.address = address.unwrap_or_else(|| panic!("{command:?} is never ready"));
        process
    }

    /// Time on a processor since it began: of the threads that live, to the nanosecond, unless
    /// those that have ended make more of a difference than the coarse figure of all is wrong by.
    pub(crate) fn cpu(&self) -> Duration {
        self.of_live_threads().max(self.of_all_threads())
    }

    fn of_live_threads(&self) -> Duration {
        let tasks = fs::read_dir(self.file("task")).into_iter().flatten();
        let times = tasks.flatten().filter_map(|task| {
            let times = fs::read_to_string(task.path().join("schedstat")).ok()?;
            times.split_whitespace().next()?.parse::<u64>().ok()
        });
        Duration::from_nanos(times.sum())
    }

    fn of_all_threads(&self) -> Duration {
        let stat = self.read("stat");
        // The name in parentheses may hold anything; behind it, user and system time are the 12th
        // and 13th.
        let fields = stat.rsplit(')').next().unwrap_or_default();
        let ticks = fields.split_whitespace().skip(11).take(2);
        TICK * ticks.filter_map(|ticks| ticks.parse::<u32>().ok()).sum()
    }

    /// Returns the resident memory in bytes: total, peak, anonymous and of files.
    pub(crate) fn memory(&self) -> [u64; 4] {
        let status = self.read("status");
        ["VmRSS:", "VmHWM:", "RssAnon:", "RssFile:"].map(|name| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let kilobytes = line.and_then(|line| line.trim().split(' ').next()?.parse().ok());
            kilobytes.map_or_else(
                || panic!("no {name} in {status}"),
                |kilobytes: u64| kilobytes * 1024,
            )
        })
    }

    /// Stops the process with SIGSTOP, so that it does not disturb the current measurement.
    pub(crate) fn pause(&self) {
        self.signal("-STOP");
    }

    /// Ends the process with SIGTERM, and waits for its end.
    pub(crate) fn end(mut self) {
        self.signal("-TERM");
        self.child.wait().expect("it is a child");
    }

    /// Continues the process.
    pub(crate) fn resume(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        let id = self.child.id().to_string();
        let status = Command::new("kill").args([signal, &id]).status();
        assert!(status.is_ok_and(|status| status.success()), "kill {signal}");
    }

    fn read(&self, name: &str) -> String {
        let file = self.file(name);
        fs::read_to_string(&file).unwrap_or_else(|error| panic!("{file}: {error}"))
    }

    fn file(&self, name: &str) -> String {
        format!("/proc/{}/{name}", self.child.id())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // The process may have exited already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Waits until a condition holds.
pub(crate) fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < PATIENCE, "timed out waiting until {what}");
        sleep(LOOK);
    }
}
