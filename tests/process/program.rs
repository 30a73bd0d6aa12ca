//! The program with the pipes, signals and limits that a test gives it.

use std::io::{PipeReader, PipeWriter, Write};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use crate::exporter::STALL_TIMEOUT;

/// A signal ends the process within this time, whatever it waits for.
pub const A_SECOND: Duration = Duration::from_secs(1);

/// How many bytes Linux keeps of a pipe that nothing reads.
const PIPE_BYTES: usize = 65_536;

/// A pipe that is full, and that nothing reads.
pub fn stuck_pipe() -> (PipeReader, PipeWriter) {
    let (reader, mut writer) = std::io::pipe().unwrap();
    writer.write_all(&vec![b'.'; PIPE_BYTES]).unwrap();
    (reader, writer)
}

/// Makes a named pipe.
pub fn fifo(path: &Path) {
    let status = Command::new("mkfifo").arg(path).status().unwrap();
    assert!(status.success());
}

/// A process that runs; killed when it is dropped.
pub struct Program(pub Child);

impl Program {
    pub fn start(command: &mut Command) -> Self {
        Self(command.stdin(Stdio::null()).spawn().unwrap())
    }

    /// Starts it with a pipe as its standard input.
    pub fn waiting_for(input: PipeReader, command: &mut Command) -> Self {
        Self(command.stdin(input).spawn().unwrap())
    }

    /// Sends a signal and measures until the process has ended.
    pub fn ends_after(&mut self, signal: &str) -> (Option<i32>, Duration) {
        let began = Instant::now();
        self.signal(signal);
        let code = self.wait();
        (code, began.elapsed())
    }

    pub fn signal(&self, signal: &str) {
        kill(signal, self.0.id());
    }

    /// Waits for the end and returns the exit code; `None` if a signal killed it.
    pub fn wait(&mut self) -> Option<i32> {
        let began = Instant::now();
        loop {
            if let Some(status) = self.0.try_wait().unwrap() {
                return status.code();
            }
            assert!(began.elapsed() < STALL_TIMEOUT, "it does not end");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    pub fn has_ended(&mut self) -> bool {
        self.0.try_wait().unwrap().is_some()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

pub fn kill(signal: &str, process: u32) {
    let status = Command::new("kill")
        .arg(format!("-{signal}"))
        .arg(process.to_string())
        .status();
    assert!(status.unwrap().success());
}

/// Runs a shell script in which `$0` is the program of `command`, with its environment.
pub fn shell(script: &str, command: &Command) -> Output {
    let mut shell = Command::new("bash");
    shell.args(["-c", script]).arg(command.get_program());
    shell.args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    shell.stdin(Stdio::null()).output().unwrap()
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
