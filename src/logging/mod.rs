//! The log: on stderr, one line an event. Nothing that logs ever waits for what reads it.

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
/// The system has no thread for it.
pub fn start() -> io::Result<Log> {
    Log::start(io::stderr(), |lines| {
        warn!(
            lines,
            "log lines were dropped: the reader of the log is too slow or has left"
        );
    })
}

/// Sends the events of the whole process to `log`.
///
/// # Panics
///
/// If the process has a subscriber already.
pub fn subscribe(log: &Log, level: LevelFilter, format: LogFormat) {
    // Libraries log warnings and errors only: their lower levels may show requests with secrets.
    let ours = env!("CARGO_CRATE_NAME");
    let filter = Targets::new()
        .with_default(level.min(LevelFilter::WARN))
        .with_target(ours, level);
    let registry = registry().with(filter).with(LimitRepeats::default());
    let once = "the log is set up once";
    let log = log.clone();
    let writer = move || log.clone();
    match format {
        LogFormat::Logfmt => {
            let lines = tracing_logfmt::builder().layer().with_writer(writer);
            tracing::subscriber::set_global_default(registry.with(lines)).expect(once);
        }
        LogFormat::Json => {
            let lines = tracing_subscriber::fmt::layer()
                .json()
                .flatten_event(true)
                .with_writer(writer);
            tracing::subscriber::set_global_default(registry.with(lines)).expect(once);
        }
    }
}

/// Sends the messages of panics to `log`: the default hook would wait for stderr.
pub fn report_panics(log: &Log) {
    let log = log.clone();
    panic::set_hook(Box::new(move |panic| log.push(words(panic).as_bytes())));
}

fn words(panic: &PanicHookInfo<'_>) -> String {
    let current = thread::current();
    let name = current.name().unwrap_or("<unnamed>");
    let backtrace = Backtrace::capture();
    match backtrace.status() {
        BacktraceStatus::Captured => format!("thread '{name}' {panic}\n{backtrace}\n"),
        _ => format!("thread '{name}' {panic}\n"),
    }
}
