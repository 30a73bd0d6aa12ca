//! The commands, and what their failures mean for the exit code.

pub use self::failed::Failed;

// The daemon, and a round of it.
mod daemon;
mod once;

// Without polling.
mod check;
mod health;

// What a failure means.
mod failed;

// Which part of the accounts is this process's.
mod shard;

use tokio::sync::mpsc;

use crate::cli::{Cli, Command, Flags};
use crate::clock::Clock;
use crate::config::Config;
use crate::demo;
use crate::files::ReadSlot;
use crate::fleet::Environment;

/// What the operating system says to a command that runs.
#[derive(Debug)]
pub struct Signals<S> {
    /// Ends when the command should.
    pub stop: S,
    /// A message for each time that the configuration should be loaded again.
    pub reload: mpsc::Receiver<()>,
}

/// Does what the command line says, until it is done or `signals` stops it.
///
/// # Errors
///
/// What failed, with its exit code.
pub async fn run(
    cli: Cli,
    environment: Environment,
    signals: Signals<impl Future<Output = ()>>,
) -> Result<(), Failed> {
    let flags = &cli.flags;
    let clock = Clock::system();
    match cli.command {
        None => daemon::run(environment, flags, clock, signals).await,
        Some(Command::Demo) => {
            if shard::of(flags, &environment)?.has_others() {
                return Err(Failed::usage(
                    "the demo is one process, without --total-shards",
                ));
            }
            let mut web = flags.web(demo::LISTEN_ADDRESS);
            web.gate = daemon::gate(flags).await?;
            Ok(demo::run(&web, clock, signals.stop).await?)
        }
        Some(Command::Check { policy: true, .. }) => {
            check::policy(&config(flags, &environment).await?)
        }
        Some(Command::Check {
            output,
            online: true,
            ..
        }) => {
            let config = config(flags, &environment).await?;
            let check = check::online(&config, &environment, &clock, output);
            tokio::select! {
                result = check => result,
                () = signals.stop => Err(Failed::new("stopped before every target was asked")),
            }
        }
        Some(Command::Check { output, .. }) => {
            check::run(&config(flags, &environment).await?, output)
        }
        Some(Command::Once { output }) => {
            let config = config(flags, &environment).await?;
            let once = once::run(&config, &environment, output.as_deref(), clock);
            tokio::select! {
                result = once => result,
                () = signals.stop => Err(Failed::new("stopped before every target was polled")),
            }
        }
        Some(Command::Health) => health::run(flags).await,
    }
}

async fn config(flags: &Flags, environment: &Environment) -> Result<Config, Failed> {
    let file = flags.config_file().cloned();
    let shard = shard::of(flags, environment)?;
    let (path, environment) = (file.clone(), environment.clone());
    let load = move || Config::load(path.as_deref(), &environment);
    let config = Config::load_in(&ReadSlot::default(), file.as_deref(), load).await;
    let config = config.map_err(|error| Failed::configuration(&error))?;
    Ok(Config { shard, ..config })
}
