//! The program: catches signals, reads the command line and the environment, runs the command, and
//! exits.
//!
//! The main thread does nothing that can wait for a file, a pipe or another thread, so a signal ends
//! the process whatever the command waits for.

use std::io::{self, ErrorKind, Write};
use std::panic::{catch_unwind, set_hook};
use std::process::ExitCode;
use std::thread::{self, available_parallelism};
use std::time::Duration;

use clap::Parser;
use cloudaudit_exporter::cli::Cli;
use cloudaudit_exporter::commands::{self, CommandError};
use cloudaudit_exporter::fleet::Environment;
use cloudaudit_exporter::logging::{self, Log};
use cloudaudit_exporter::resources;
use cloudaudit_exporter::signals::{Request, Signals};
use tokio::runtime::{self, Runtime};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinError;
use tokio::time::{Instant, sleep, sleep_until};

/// Polling and serving wait for the network; more threads than this would only wait in parallel.
const MAX_THREADS: usize = 4;

/// From the first signal on, a command has this time to end; the daemon's grace period if that is
/// longer.
const STOP_TIME: Duration = Duration::from_millis(700);

/// What else the end takes beyond a grace period.
const STOP_MARGIN: Duration = Duration::from_millis(200);

/// A signal that comes so soon after the first is the same one: `timeout` and terminals send it to
/// the process and to its group.
const DUPLICATE_SIGNAL_WINDOW: Duration = Duration::from_millis(100);

/// How long the last lines wait for the reader of the log. A signal ends the wait.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(5);

/// The same after a signal.
const FLUSH_TIMEOUT_AFTER_SIGNAL: Duration = Duration::from_millis(100);

/// The exit code of a command that panicked, as of a main thread that does.
const PANICKED: u8 = 101;

fn main() -> ExitCode {
    let (supervisor, mut signals, log) = match prepare() {
        Ok(prepared) => prepared,
        Err(error) => {
            let failed = cannot_start(&error);
            // There is no log yet, and nothing to be done if stderr is closed.
            drop(writeln!(io::stderr(), "error: {failed}"));
            return failed.exit_code();
        }
    };
    let mut flush_timeout = FLUSH_TIMEOUT;
    let code = supervisor.block_on(async {
        let ended = match Cli::try_parse() {
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
    // Even if its threads still run.
    supervisor.shutdown_background();
    code
}

/// Catches signals before anything that may take time. What watches over the command has a runtime
/// of its own, on the main thread.
fn prepare() -> io::Result<(Runtime, Signals, Log)> {
    let supervisor = runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let signals = {
        let _current = supervisor.enter();
        Signals::catch()?
    };
    Ok((supervisor, signals, logging::start()?))
}

fn cannot_start(error: &io::Error) -> CommandError {
    let remedy = "raise the limits of processes (ulimit -u) and of open files (ulimit -n)";
    CommandError::new(format!("cannot start: {error}; {remedy}"))
}

/// Prints what the command line asks for, such as help, or what is wrong with it.
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
        // A reader of standard output may take its time, as a pager does.
        () = sleep(FLUSH_TIMEOUT), if is_error => Ok(()),
    };
    match written {
        // What reads the output, such as `head`, has read enough.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(ExitCode::from(code)),
        Err(error) if !is_error => Err(CommandError::new(format!(
            "cannot write to stdout: {error}"
        ))),
        _ => Ok(ExitCode::from(code)),
    }
}

/// Runs the command until it is done, until it has taken too long after a signal, or until a second
/// signal.
async fn run(
    cli: Cli,
    log: &Log,
    signals: &mut Signals,
    flush_timeout: &mut Duration,
) -> Result<ExitCode, CommandError> {
    if cli.polls() {
        resources::check().map_err(|why| CommandError::new(format!("cannot start: {why}")))?;
    }
    let runtime = start_runtime(log).map_err(|error| cannot_start(&error))?;
    logging::subscribe(log, cli.flags.log_level.into(), cli.flags.log_format);
    let stop_time = cli.grace_period().max(STOP_TIME) + STOP_MARGIN;
    // A daemon reloads by it; everything else ends.
    let hangup_reloads = cli.command.is_none();
    let (stop, stopped) = oneshot::channel::<()>();
    let (reload, reloads) = mpsc::channel(1);
    let command_signals = commands::Signals {
        // Dropping the sender is the signal.
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
                // While one waits, another says nothing new.
                Request::Hangup if hangup_reloads => drop(reload.try_send(())),
                _ if stop.take().is_some() => {
                    *flush_timeout = FLUSH_TIMEOUT_AFTER_SIGNAL;
                    first = Instant::now();
                    deadline = Some(first + stop_time);
                }
                _ if first.elapsed() < DUPLICATE_SIGNAL_WINDOW => {}
                _ => break Err(CommandError::new(
                    "ended by a second signal, before everything was finished",
                )),
            },
            () = deadline_passed => break Err(CommandError::new(
                "ended by a signal while it waited for the system, such as for a file that hangs",
            )),
        }
    };
    runtime.shutdown_background();
    ended
}

fn result(ended: Result<Result<(), CommandError>, JoinError>) -> Result<ExitCode, CommandError> {
    match ended {
        Ok(result) => result.map(|()| ExitCode::SUCCESS),
        // The hook has reported it.
        Err(error) if error.is_panic() => Ok(ExitCode::from(PANICKED)),
        Err(error) => Err(CommandError::new(error.to_string())),
    }
}

/// The runtime of the command. Its panics, and those of everything after it, go to the log.
fn start_runtime(log: &Log) -> io::Result<Runtime> {
    let threads = available_parallelism().map_or(1, usize::from);
    let start = || {
        runtime::Builder::new_multi_thread()
            .worker_threads(threads.min(MAX_THREADS))
            .enable_all()
            .build()
            // Files are read on such a thread: there has to be one.
            .inspect(|runtime| drop(runtime.spawn_blocking(|| {})))
    };
    // It panics if the system has no thread left. This is reported as an error, and only once.
    set_hook(Box::new(|_| {}));
    let built = catch_unwind(start);
    logging::report_panics(log);
    built.unwrap_or_else(|panic| {
        let message = panic.downcast_ref::<String>().cloned();
        Err(io::Error::other(
            message.unwrap_or_else(|| "no thread".to_owned()),
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
