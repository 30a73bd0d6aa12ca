//! The program: catches signals, parses the command line, runs the command, and exits.
//!
//! The main thread never waits for a file, a pipe or another thread. A signal therefore ends the
//! process, whatever the command waits for.

use std::io::{self, ErrorKind, Write};
use std::panic::{catch_unwind, set_hook};
use std::process::ExitCode;
use std::thread::{self, available_parallelism};
use std::time::Duration;

use cloudaudit_exporter::cli::Cli;
use cloudaudit_exporter::commands::{self, CommandError};
use cloudaudit_exporter::fleet::Environment;
use cloudaudit_exporter::logging::{self, Log};
use cloudaudit_exporter::resources;
use cloudaudit_exporter::signals::{Request, Signals};
use tikv_jemallocator::Jemalloc;
use tokio::runtime::{self, Runtime};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinError;
use tokio::time::{Instant, sleep, sleep_until};

/// Many small texts live long among others that each poll replaces. glibc's allocator wastes a sixth
/// of the memory on the gaps between them.
#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

/// The most worker threads. Polling and serving mostly wait for the network.
const MAX_THREADS: usize = 4;

/// How long a command may take to end after the first signal, unless the grace period is longer.
const STOP_TIME: Duration = Duration::from_millis(700);

/// The time for the shutdown after a grace period.
const STOP_MARGIN: Duration = Duration::from_millis(200);

/// A second signal within this time counts as the same signal: `timeout` and terminals send it to
/// the process and to its group.
const DUPLICATE_SIGNAL_WINDOW: Duration = Duration::from_millis(100);

/// How long the last log lines may take to be written. A signal ends the wait.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(5);

/// How long the last log lines may take to be written after a signal.
const FLUSH_TIMEOUT_AFTER_SIGNAL: Duration = Duration::from_millis(100);

/// The exit code of a command that panicked, the same as of a panic on the main thread.
const PANICKED: u8 = 101;

fn main() -> ExitCode {
    let (supervisor, mut signals, log) = match prepare() {
        Ok(prepared) => prepared,
        Err(failed) => {
            // There is no log yet, and if stderr is closed, there is no other way to report.
            drop(writeln!(io::stderr(), "error: {failed}"));
            return failed.exit_code();
        }
    };
    let mut flush_timeout = FLUSH_TIMEOUT;
    let code = supervisor.block_on(async {
        let ended = match Cli::read() {
            Ok(cli) => run(cli, &log, &mut signals, &mut flush_timeout).await,
            Err(error) => print_usage(error, &mut signals, &mut flush_timeout).await,
        };
        let code = ended.unwrap_or_else(|failed| {
            log.push(format!("error: {failed}\n").as_bytes());
            failed.exit_code()
        });
        tokio::select! {
            () = log.flush(flush_timeout) => {}
            _ = signals.next() => {}
        }
        code
    });
    // Does not wait for threads that still run.
    supervisor.shutdown_background();
    code
}

/// Checks limits, builds the supervisor's runtime, which runs on the main thread, and catches signals
/// before anything else that takes time. Below the limit of the address space, the allocator would
/// abort even a command that only prints.
fn prepare() -> Result<(Runtime, Signals, Log), CommandError> {
    resources::check().map_err(|why| CommandError::new(format!("cannot start: {why}")))?;
    let supervisor = runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| cannot_start(&error))?;
    let signals = {
        let _current = supervisor.enter();
        Signals::catch().map_err(|error| cannot_start(&error))?
    };
    let log = logging::start().map_err(|error| cannot_start(&error))?;
    Ok((supervisor, signals, log))
}

fn cannot_start(error: &io::Error) -> CommandError {
    let remedy = "raise the limits of processes (ulimit -u) and open files (ulimit -n)";
    CommandError::new(format!("cannot start: {error}; {remedy}"))
}

/// Prints the help, the version, or an error of the command line.
async fn print_usage(
    error: clap::Error,
    signals: &mut Signals,
    flush_timeout: &mut Duration,
) -> Result<ExitCode, CommandError> {
    let code = u8::try_from(error.exit_code()).unwrap_or(u8::MAX);
    let is_error = error.use_stderr();
    let (printed, printing) = oneshot::channel();
    let print = move || printed.send(error.print()).unwrap_or_default();
    let thread = thread::Builder::new().spawn(print);
    thread.map_err(|error| cannot_start(&error))?;
    let written = tokio::select! {
        written = printing => written.unwrap_or_else(|error| Err(io::Error::other(error))),
        _ = signals.next() => {
            *flush_timeout = FLUSH_TIMEOUT_AFTER_SIGNAL;
            return Err(CommandError::new("stopped by a signal before everything was printed"));
        }
        // Only stderr has a timeout: a pager may read stdout for long.
        () = sleep(FLUSH_TIMEOUT), if is_error => Ok(()),
    };
    match written {
        // The reader, such as `head`, has read enough.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(ExitCode::from(code)),
        Err(error) if !is_error => Err(CommandError::new(format!(
            "cannot write to stdout: {error}"
        ))),
        _ => Ok(ExitCode::from(code)),
    }
}

/// Runs the command until it is done, until its time after a signal is over, or until a second
/// signal.
async fn run(
    cli: Cli,
    log: &Log,
    signals: &mut Signals,
    flush_timeout: &mut Duration,
) -> Result<ExitCode, CommandError> {
    let runtime = start_runtime(log).map_err(|error| cannot_start(&error))?;
    logging::subscribe(log, cli.flags.log_level.into(), cli.flags.log_format);
    let stop_time = cli.grace_period().max(STOP_TIME) + STOP_MARGIN;
    // SIGHUP reloads the daemon and ends every other command.
    let hangup_reloads = cli.command.is_none();
    let (stop, stopped) = oneshot::channel::<()>();
    let (reload, reloads) = mpsc::channel(1);
    let command_signals = commands::Signals {
        // Dropping the sender stops the command.
        stop: async { drop(stopped.await) },
        reload: reloads,
    };
    let command = commands::run(cli, environment(), log.clone(), command_signals);
    let mut command = runtime.spawn(command);
    let mut stop = Some(stop);
    let (mut first, mut deadline) = (Instant::now(), None);
    let ended = loop {
        let deadline_passed = async {
            match deadline {
                Some(deadline) => sleep_until(deadline).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            ended = &mut command => break result(ended),
            request = signals.next() => match request {
                // If a reload is pending already, this one adds nothing.
                Request::Hangup if hangup_reloads => drop(reload.try_send(())),
                _ if stop.take().is_some() => {
                    *flush_timeout = FLUSH_TIMEOUT_AFTER_SIGNAL;
                    first = Instant::now();
                    deadline = Some(first + stop_time);
                }
                _ if first.elapsed() < DUPLICATE_SIGNAL_WINDOW => {}
                _ => break Err(CommandError::new(
                    "ended by a second signal before the shutdown was complete",
                )),
            },
            () = deadline_passed => break Err(CommandError::new(
                "ended by a signal before the shutdown was complete: a system call did not return, for example on a hanging file system, or the machine is too busy",
            )),
        }
    };
    runtime.shutdown_background();
    ended
}

fn result(ended: Result<Result<(), CommandError>, JoinError>) -> Result<ExitCode, CommandError> {
    match ended {
        Ok(result) => result.map(|()| ExitCode::SUCCESS),
        // The panic hook has reported it.
        Err(error) if error.is_panic() => Ok(ExitCode::from(PANICKED)),
        Err(error) => Err(CommandError::new(error.to_string())),
    }
}

/// Builds the command's runtime. From then on, panics are reported in the log.
fn start_runtime(log: &Log) -> io::Result<Runtime> {
    let threads = available_parallelism().map_or(1, usize::from);
    let start = || {
        runtime::Builder::new_multi_thread()
            .worker_threads(threads.min(MAX_THREADS))
            .enable_all()
            .build()
            // Reading files needs a blocking thread, so one must start.
            .inspect(|runtime| drop(runtime.spawn_blocking(|| {})))
    };
    // Tokio panics if the system has no thread left. The panic becomes an error, reported once.
    set_hook(Box::new(|_| {}));
    let built = catch_unwind(start);
    logging::report_panics(log);
    built.unwrap_or_else(|panic| {
        let message = panic.downcast_ref::<String>().cloned();
        Err(io::Error::other(
            message.unwrap_or_else(|| "cannot start a thread".to_owned()),
        ))
    })
}

fn environment() -> Environment {
    let variables = std::env::vars_os().map(|(name, value)| {
        (
            name.to_string_lossy().into_owned(),
            value.to_string_lossy().into_owned(),
        )
    });
    variables.collect()
}
