//! The program: reads the command line and the environment, turns signals into futures and
//! channels, and exits.

use std::io::Write;
use std::panic::resume_unwind;
use std::process::ExitCode;
use std::thread::available_parallelism;

use clap::Parser;
use cloudaudit_exporter::cli::Cli;
use cloudaudit_exporter::commands::{Failed, Signals};
use cloudaudit_exporter::fleet::Environment;
use cloudaudit_exporter::{commands, logging};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{mpsc, watch};

/// Polling and serving wait for the network; more threads than this would only wait in parallel.
const MOST_THREADS: usize = 4;

fn main() -> ExitCode {
    let cli = Cli::parse();
    logging::start(cli.flags.log_level.into(), cli.flags.log_format);
    let lossy = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
        (
            name.to_string_lossy().into_owned(),
            value.to_string_lossy().into_owned(),
        )
    };
    let environment = std::env::vars_os().map(lossy).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(
            available_parallelism()
                .map_or(1, usize::from)
                .min(MOST_THREADS),
        )
        .enable_all()
        .build()
        .expect("a system that can start a process can start its threads");
    let code = runtime.block_on(run(cli, environment));
    // A second signal ends the process whatever its threads are at.
    runtime.shutdown_background();
    code
}

/// Runs the command until it is done, or until a second signal says that it has taken too long.
async fn run(cli: Cli, environment: Environment) -> ExitCode {
    let (stop, at_once) = stop_signals();
    let reload = match cli.command {
        None => reload_signals(),
        // Whatever else it does to a command, SIGHUP does not reload it.
        Some(_) => mpsc::channel(1).1,
    };
    let command = tokio::spawn(commands::run(cli, environment, Signals { stop, reload }));
    let failed = tokio::select! {
        ended = command => match ended {
            Ok(Ok(())) => return ExitCode::SUCCESS,
            Ok(Err(failed)) => failed,
            Err(error) => match error.try_into_panic() {
                Ok(panic) => resume_unwind(panic),
                Err(error) => Failed::new(error.to_string()),
            },
        },
        () = at_once => Failed::new("ended by a second signal, before everything was finished"),
    };
    // Where stderr is closed there is nobody to tell.
    drop(writeln!(std::io::stderr(), "error: {failed}"));
    failed.exit_code()
}

/// The first ends at SIGTERM, as service managers send it, or at Ctrl-C, the other at the second of
/// them. They are caught from this call on, so that none that arrives while the program is still
/// starting is lost.
fn stop_signals() -> (impl Future<Output = ()>, impl Future<Output = ()>) {
    let mut terminate = caught(SignalKind::terminate());
    let mut interrupt = caught(SignalKind::interrupt());
    let (count, counted) = watch::channel(0_u32);
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            count.send_modify(|count| *count += 1);
        }
    });
    let at = |number| {
        let mut counted = counted.clone();
        async move { drop(counted.wait_for(|count| *count >= number).await) }
    };
    (at(1), at(2))
}

/// A message for each SIGHUP; while one waits, another says nothing new.
fn reload_signals() -> mpsc::Receiver<()> {
    let mut hangup = caught(SignalKind::hangup());
    let (sender, reload) = mpsc::channel(1);
    tokio::spawn(async move {
        while hangup.recv().await.is_some() {
            // Full is as good as sent, and closed is nobody who wants to know.
            let _ = sender.try_send(());
        }
    });
    reload
}

fn caught(kind: SignalKind) -> Signal {
    signal(kind).expect("the runtime takes signals")
}
