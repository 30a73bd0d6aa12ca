//! The commands, and the exit codes of their failures.

pub use self::error::CommandError;

// Commands that poll.
mod daemon;
mod once;

// Commands that do not poll.
mod check;
mod health;

// The file of a result.
mod output;

// Errors with their exit code.
mod error;

// The shard of this process.
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

/// The signals for a running command.
#[derive(Debug)]
pub struct Signals<S> {
    /// Resolves when the command should stop.
    pub stop: S,
    /// Has a message for each reload of the configuration.
    pub reload: mpsc::Receiver<()>,
}

/// Runs the command until it is done or `signals` stops it. `log` is the log of the process.
///
/// # Errors
///
/// Returns the error with its exit code.
pub async fn run(
    cli: Cli,
    environment: Environment,
    log: Log,
    signals: Signals<impl Future<Output = ()>>,
) -> Result<(), CommandError> {
    let flags = cli.flags;
    let clock = Clock::system();
    match cli.command {
        None => daemon::run(environment, flags, clock, log, signals).await,
        Some(Command::Demo) => demo(environment, flags, clock, log, signals.stop).await,
        Some(command) => tokio::select! {
            result = finite(command, environment, flags, clock) => result,
            () = signals.stop => Err(CommandError::new("stopped by a signal before the command was done")),
        },
    }
}

/// Runs a command that ends by itself.
async fn finite(
    command: Command,
    environment: Environment,
    flags: Flags,
    clock: Clock,
) -> Result<(), CommandError> {
    if matches!(command, Command::Health) {
        return health::run(&flags).await;
    }
    let mut config = config(&flags, &environment).await?;
    if matches!(command, Command::Check { policy: false, .. }) {
        let warnings = check::file_warnings(&config, &flags, &environment).await?;
        config.warnings.extend(warnings);
    }
    match command {
        Command::Check { policy: true, .. } => check::policy(&config).await,
        Command::Check {
            output,
            online: true,
            strict,
            ..
        } => check::online(&config, &environment, &clock, output, strict).await,
        Command::Check { output, .. } => check::run(&config, output).await,
        Command::Once { output } => {
            once::run(&config, &environment, output.as_deref(), clock).await
        }
        // Handled above.
        Command::Demo | Command::Health => Ok(()),
    }
}

async fn demo(
    environment: Environment,
    flags: Flags,
    clock: Clock,
    log: Log,
    stop: impl Future<Output = ()>,
) -> Result<(), CommandError> {
    if shard::of(&flags, &environment)?.is_sharded() {
        return Err(CommandError::usage(
            "the demo does not support shards; remove --total-shards and --shard",
        ));
    }
    let mut web = flags.web(demo::LISTEN_ADDRESS);
    web.log = Some(log);
    tokio::pin!(stop);
    web.web_config = tokio::select! {
        biased;
        () = &mut stop => return Ok(()),
        web_config = daemon::load_web_config(&flags) => web_config?,
    };
    Ok(demo::run(&web, clock, stop).await?)
}

async fn config(flags: &Flags, environment: &Environment) -> Result<Config, CommandError> {
    let file = flags.config_file().cloned();
    let shard = shard::of(flags, environment)?;
    let (path, environment) = (file.clone(), environment.clone());
    let read = move || Sources::read(path.as_deref(), &environment);
    let config = Config::load_in(&ReadSlot::default(), file.as_deref(), read).await;
    let config = config.map_err(|error| CommandError::configuration(&error))?;
    Ok(Config { shard, ..config })
}

/// Runs blocking file access on a thread that the shutdown does not wait for.
async fn off_runtime<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, CommandError> + Send + 'static,
) -> Result<T, CommandError> {
    match spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => resume_unwind(panic),
            Err(error) => Err(CommandError::new(error.to_string())),
        },
    }
}

/// Prints a result.
async fn print(pieces: Vec<Bytes>) -> Result<(), CommandError> {
    let printed = stdio::print(pieces).await;
    printed.map_err(|error| CommandError::new(format!("cannot write to stdout: {error}")))
}
