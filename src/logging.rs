//! The log: on stderr, one line an event.

mod repeats;

use std::io;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry;

use self::repeats::LimitRepeats;
use crate::cli::LogFormat;

/// Sets the log up for the whole process.
///
/// # Panics
///
/// Where it was set up before.
pub fn start(level: LevelFilter, format: LogFormat) {
    // What libraries say below a warning is theirs, and their requests may hold what is ours alone.
    let ours = env!("CARGO_CRATE_NAME");
    let filter = Targets::new()
        .with_default(level.min(LevelFilter::WARN))
        .with_target(ours, level);
    let registry = registry().with(filter).with(LimitRepeats::default());
    let once = "the log is set up once";
    match format {
        LogFormat::Logfmt => {
            let lines = tracing_logfmt::builder().layer().with_writer(io::stderr);
            tracing::subscriber::set_global_default(registry.with(lines)).expect(once);
        }
        LogFormat::Json => {
            let lines = tracing_subscriber::fmt::layer()
                .json()
                .flatten_event(true)
                .with_writer(io::stderr);
            tracing::subscriber::set_global_default(registry.with(lines)).expect(once);
        }
    }
}
