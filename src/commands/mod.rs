//! The commands, and what their failures mean for the exit code.

pub use self::failed::Failed;

// The daemon, and a round of it.
mod daemon;
mod once;

// Without polling.
mod check;
mod health;

// Where results go.
mod output;

// What a failure means.
mod failed;

// Which part of the accounts is this process's.
mod shard;

use std::panic::resume_unwind;

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;

use crate::cli::{Cli, Command, Flags};
use crate::clock::Clock;
use crate::config::{Config, Sources};
use crate::demo;
use crate::files::ReadSlot;
use crate::fleet::Environment;
use crate::logging::Log;
use crate::stdio;

/// What the operating system says to a command that runs.
#[derive(Debug)]
pub struct Signals<S> {
    /// Ends when the command should.
    pub stop: S,
    /// A message for each time that the configuration should be loaded again.
    pub reload: mpsc::Receiver<()>,
}

/// Runs the command until it is done or `signals` stops it. `log` is the log of the process.
///
/// # Errors
///
/// What failed, with its exit code.
pub async fn run(
    cli: Cli,
    environment: Environment,
    log: Log,
    signals: Signals<impl Future<Output = ()>>,
) -> Result<(), Failed> {
    let flags = cli.flags;
    let clock = Clock::system();
    match cli.command {
        None => daemon::run(environment, flags, clock, log, signals).await,
        Some(Command::Demo) => demo(environment, flags, clock, log, signals.stop).await,
        Some(command) => tokio::select! {
            result = finite(command, environment, flags, clock) => result,
            () = signals.stop => Err(Failed::new("stopped by a signal before it was done")),
        },
    }
}

/// A command that ends by itself.
async fn finite(
    command: Command,
    environment: Environment,
    flags: Flags,
    clock: Clock,
) -> Result<(), Failed> {
    if matches!(command, Command::Health) {
        return health::run(&flags).await;
    }
    let config = config(&flags, &environment).await?;
    match command {
        Command::Check { policy: true, .. } => check::policy(&config).await,
        Command::Check {
            output,
            online: true,
            ..
        } => check::online(&config, &environment, &clock, output).await,
        Command::Check { output, .. } => check::run(&config, output).await,
        Command::Once { output } => {
            once::run(&config, &environment, output.as_deref(), clock).await
        }
        // These two have ended above.
        Command::Demo | Command::Health => Ok(()),
    }
}

async fn demo(
    environment: Environment,
    flags: Flags,
    clock: Clock,
    log: Log,
    stop: impl Future<Output = ()>,
) -> Result<(), Failed> {
    if shard::of(&flags, &environment)?.has_others() {
        return Err(Failed::usage(
            "the demo is one process, without --total-shards",
        ));
    }
    let mut web = flags.web(demo::LISTEN_ADDRESS);
    web.log = Some(log);
    tokio::pin!(stop);
    web.gate = tokio::select! {
        biased;
        () = &mut stop => return Ok(()),
        gate = daemon::gate(&flags) => gate?,
    };
    Ok(demo::run(&web, clock, stop).await?)
}

async fn config(flags: &Flags, environment: &Environment) -> Result<Config, Failed> {
    let file = flags.config_file().cloned();
    let shard = shard::of(flags, environment)?;
    let (path, environment) = (file.clone(), environment.clone());
    let read = move || Sources::read(path.as_deref(), &environment);
    let config = Config::load_in(&ReadSlot::default(), file.as_deref(), read).await;
    let config = config.map_err(|error| Failed::configuration(&error))?;
    Ok(Config { shard, ..config })
}

/// Runs blocking file access on a thread that the shutdown does not wait for.
async fn off_runtime<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Failed> + Send + 'static,
) -> Result<T, Failed> {
    match spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => resume_unwind(panic),
            Err(error) => Err(Failed::new(error.to_string())),
        },
    }
}

/// Prints a result.
async fn print(pieces: Vec<Bytes>) -> Result<(), Failed> {
    let printed = stdio::print(pieces).await;
    printed.map_err(|error| Failed::new(format!("cannot write to stdout: {error}")))
}
