//! The log on stderr, one line per event. Logging never waits for the reader of the log.

mod format;
mod queue;
mod repeats;

use std::backtrace::{Backtrace, BacktraceStatus};
use std::io;
use std::panic::{self, PanicHookInfo};
use std::thread;

use tracing::level_filters::LevelFilter;
use tracing::warn;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry;

pub use self::queue::Log;
use self::repeats::LimitRepeats;
use crate::cli::LogFormat;

/// Starts the thread that writes the log to stderr.
///
/// # Errors
///
/// Returns an error if the system cannot start the thread.
pub fn start() -> io::Result<Log> {
    Log::start(io::stderr(), |lines| {
        warn!(
            lines,
            "log lines were dropped: the reader of stderr is too slow or has closed it"
        );
    })
}

/// Sends the events of the whole process to `log`.
///
/// # Panics
///
/// Panics if the process has a subscriber already.
pub fn subscribe(log: &Log, level: LevelFilter, format: LogFormat) {
    // Libraries log warnings and errors only: lower levels may show requests with secrets.
    let ours = env!("CARGO_CRATE_NAME");
    let filter = Targets::new()
        .with_default(level.min(LevelFilter::WARN))
        .with_target(ours, level);
    let registry = registry().with(filter).with(LimitRepeats::default());
    let once = "the subscriber is set once";
    let log = log.clone();
    let writer = move || log.clone();
    tracing::subscriber::set_global_default(registry.with(format::layer(format, writer)))
        .expect(once);
}

/// Sends the messages of panics to `log`: the default hook would wait for stderr.
pub fn report_panics(log: &Log) {
    let log = log.clone();
    panic::set_hook(Box::new(move |panic| log.push(message(panic).as_bytes())));
}

fn message(panic: &PanicHookInfo<'_>) -> String {
    let current = thread::current();
    let name = current.name().unwrap_or("<unnamed>");
    let backtrace = Backtrace::capture();
    match backtrace.status() {
        BacktraceStatus::Captured => format!("thread '{name}' {panic}\n{backtrace}\n"),
        _ => format!("thread '{name}' {panic}\n"),
    }
}
