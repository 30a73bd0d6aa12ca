//! The program: reads the command line and the environment, turns signals into a future, and exits.

use std::io::Write;
use std::process::ExitCode;
use std::thread::available_parallelism;

use clap::Parser;
use cloudaudit_exporter::cli::Cli;
use cloudaudit_exporter::{commands, logging};
use tokio::signal::unix::{SignalKind, signal};

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
    match runtime.block_on(async { commands::run(cli, environment, stop_signal()).await }) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failed) => {
            // Where stderr is closed there is nobody to tell.
            drop(writeln!(std::io::stderr(), "error: {failed}"));
            failed.exit_code()
        }
    }
}

/// Ends at SIGTERM, as service managers send it, or at Ctrl-C. Both are caught from this call on, so
/// that none that arrives while the program is still starting is lost.
fn stop_signal() -> impl Future<Output = ()> {
    let mut terminate = signal(SignalKind::terminate()).expect("the runtime takes signals");
    let mut interrupt = signal(SignalKind::interrupt()).expect("the runtime takes signals");
    async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    }
}
