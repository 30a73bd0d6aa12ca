//! The command line.

// The values of flags.
mod values;

use std::path::PathBuf;
use std::time::Duration;

use clap::error::{ContextKind, ContextValue};
use clap::{Args, Parser, Subcommand, ValueEnum};
use tracing::level_filters::LevelFilter;

use self::values::{
    ExternalUrl, Ordinal, RoutePrefix, external_url, grace_period, one_of, ordinal, path,
    route_prefix, switch, telemetry_path, total_shards,
};
use crate::app::Web;
use crate::escape::visible;

const ABOUT: &str = "\
Prometheus exporter for Tencent Cloud CloudAudit tracks. It lists the tracks of every configured
account and region on a schedule, and serves their state on /metrics.

Without a command, it runs as a daemon. Without --config.file, it polls one account, named default. The
region is TENCENTCLOUD_REGION, or ap-guangzhou if this variable is unset. The key is the first that the
exporter finds, in this order: TENCENTCLOUD_SECRET_ID and TENCENTCLOUD_SECRET_KEY, a profile, the
identity of a TKE pod, the role of a CVM.";

/// The command line, parsed.
#[derive(Debug, Parser)]
#[command(
    name = "cloudaudit-exporter",
    version,
    about = ABOUT,
    long_version = concat!(
        env!("CARGO_PKG_VERSION"),
        " (revision ", env!("BUILD_REVISION"),
        ", rustc ", env!("BUILD_RUSTC"),
        ", target ", env!("BUILD_TARGET"), ")"
    ),
    after_help = "Exit codes: 0 success, 1 failure or a second signal, 2 wrong usage, 78 bad configuration."
)]
pub struct Cli {
    /// The command; without one, the daemon runs.
    #[command(subcommand)]
    pub command: Option<Command>,

    /// The flags, accepted before and after the command.
    #[command(flatten)]
    pub flags: Flags,
}

const DEFAULT_PATH: &str = "/metrics";
const DEFAULT_GRACE: &str = "500ms";
const DEFAULT_LEVEL: &str = "info";
const DEFAULT_FORMAT: &str = "logfmt";
const DEFAULT_SHARDS: &str = "1";

/// The flags of every command.
#[derive(Args, Clone, Debug)]
pub struct Flags {
    /// Configuration file (YAML)
    #[arg(
        long = "config.file",
        value_name = "FILE",
        env = "CLOUDAUDIT_EXPORTER_CONFIG_FILE",
        value_parser = path,
        global = true
    )]
    config_file: Option<PathBuf>,

    /// Reload the configuration file when it changes
    #[arg(
        long = "config.enable-auto-reload",
        env = "CLOUDAUDIT_EXPORTER_CONFIG_ENABLE_AUTO_RELOAD",
        value_parser = switch,
        global = true
    )]
    pub enable_auto_reload: bool,

    /// Address to listen on: host:port or unix:PATH; repeatable [default: :10629, or
    /// 127.0.0.1:10629 for the command demo]
    #[arg(
        long = "web.listen-address",
        value_name = "ADDRESS",
        env = "CLOUDAUDIT_EXPORTER_WEB_LISTEN_ADDRESS",
        value_delimiter = ',',
        global = true
    )]
    listen_addresses: Vec<String>,

    /// Listen on the sockets that systemd passes, and ignore --web.listen-address
    #[arg(
        long = "web.systemd-socket",
        env = "CLOUDAUDIT_EXPORTER_WEB_SYSTEMD_SOCKET",
        value_parser = switch,
        global = true
    )]
    systemd_socket: bool,

    /// URL path of the metrics
    #[arg(
        long = "web.telemetry-path",
        value_name = "PATH",
        env = "CLOUDAUDIT_EXPORTER_WEB_TELEMETRY_PATH",
        default_value = DEFAULT_PATH,
        value_parser = telemetry_path,
        global = true
    )]
    telemetry_path: String,

    /// File with the TLS and basic authentication settings of the listener, in the format of the
    /// Prometheus exporter toolkit
    #[arg(
        long = "web.config.file",
        value_name = "FILE",
        env = "CLOUDAUDIT_EXPORTER_WEB_CONFIG_FILE",
        value_parser = path,
        global = true
    )]
    web_config_file: Option<PathBuf>,

    /// Path prefix of all endpoints; set it to / if a reverse proxy removes the prefix [default:
    /// the path of --web.external-url]
    #[arg(
        long = "web.route-prefix",
        value_name = "PATH",
        env = "CLOUDAUDIT_EXPORTER_WEB_ROUTE_PREFIX",
        value_parser = route_prefix,
        global = true
    )]
    route_prefix: Option<RoutePrefix>,

    /// URL at which users reach the exporter; if set, alerts link to the page of the exporter
    #[arg(
        long = "web.external-url",
        value_name = "URL",
        env = "CLOUDAUDIT_EXPORTER_WEB_EXTERNAL_URL",
        value_parser = external_url,
        global = true
    )]
    external_url: Option<ExternalUrl>,

    /// Enable POST /-/reload and POST /api/v1/tracks/ID/forget
    #[arg(
        long = "web.enable-lifecycle",
        env = "CLOUDAUDIT_EXPORTER_WEB_ENABLE_LIFECYCLE",
        value_parser = switch,
        global = true
    )]
    enable_lifecycle: bool,

    /// Time limit for HTTP requests in flight after a signal to stop; everything else stops within
    /// a second
    #[arg(
        long = "web.shutdown-grace-period",
        value_name = "DURATION",
        env = "CLOUDAUDIT_EXPORTER_WEB_SHUTDOWN_GRACE_PERIOD",
        default_value = DEFAULT_GRACE,
        value_parser = grace_period,
        global = true
    )]
    grace_period: Duration,

    /// Lowest level to log: debug, info, warn or error
    #[arg(
        long = "log.level",
        value_name = "LEVEL",
        env = "CLOUDAUDIT_EXPORTER_LOG_LEVEL",
        default_value = DEFAULT_LEVEL,
        value_parser = |text: &str| one_of::<LogLevel>(text, DEFAULT_LEVEL),
        global = true
    )]
    pub log_level: LogLevel,

    /// Format of the log on stderr: logfmt or json
    #[arg(
        long = "log.format",
        value_name = "FORMAT",
        env = "CLOUDAUDIT_EXPORTER_LOG_FORMAT",
        default_value = DEFAULT_FORMAT,
        value_parser = |text: &str| one_of::<LogFormat>(text, DEFAULT_FORMAT),
        global = true
    )]
    pub log_format: LogFormat,

    /// Number of this shard, from 0 [default: with several shards, the number at the end of the
    /// host name]
    #[arg(
        long = "shard",
        value_name = "NUMBER",
        env = "CLOUDAUDIT_EXPORTER_SHARD",
        value_parser = ordinal,
        global = true
    )]
    shard: Option<Ordinal>,

    /// Number of shards: processes with the same configuration that divide the accounts
    #[arg(
        long = "total-shards",
        value_name = "NUMBER",
        env = "CLOUDAUDIT_EXPORTER_TOTAL_SHARDS",
        default_value = DEFAULT_SHARDS,
        value_parser = total_shards,
        global = true
    )]
    pub total_shards: u32,
}

impl Cli {
    /// Parses the command line and its environment variables.
    ///
    /// # Errors
    ///
    /// Wrong usage, or a request for the help or the version. A value that the message quotes is
    /// escaped.
    pub fn read() -> Result<Self, clap::Error> {
        Self::try_parse().map_err(with_visible_values)
    }

    /// How long the command may finish requests after a signal to stop.
    pub fn grace_period(&self) -> Duration {
        match self.command {
            None | Some(Command::Demo) => self.flags.grace_period,
            Some(_) => Duration::ZERO,
        }
    }
}

fn with_visible_values(mut error: clap::Error) -> clap::Error {
    let escaped = |text: &String| visible(text).into_owned();
    let values: Vec<(ContextKind, ContextValue)> = error
        .context()
        .filter_map(|(kind, value)| match value {
            ContextValue::String(text) => Some((kind, ContextValue::String(escaped(text)))),
            ContextValue::Strings(texts) => {
                let texts = texts.iter().map(escaped).collect();
                Some((kind, ContextValue::Strings(texts)))
            }
            _ => None,
        })
        .collect();
    for (kind, value) in values {
        error.insert(kind, value);
    }
    error
}

impl Flags {
    /// Returns the number of this shard, if the command line or the environment sets it.
    pub fn shard(&self) -> Option<u32> {
        self.shard.and_then(|Ordinal(ordinal)| ordinal)
    }

    /// Returns the configuration file. An empty environment variable counts as unset.
    pub fn config_file(&self) -> Option<&PathBuf> {
        self.config_file
            .as_ref()
            .filter(|file| !file.as_os_str().is_empty())
    }

    /// Returns the file with TLS and basic authentication. An empty environment variable counts as
    /// unset.
    pub fn web_config_file(&self) -> Option<&PathBuf> {
        self.web_config_file
            .as_ref()
            .filter(|file| !file.as_os_str().is_empty())
    }

    /// Returns the settings of the listener. Without addresses on the command line, it listens on
    /// `default_address`.
    pub fn web(&self, default_address: &str) -> Web {
        let given = self
            .listen_addresses
            .iter()
            .filter(|address| !address.is_empty());
        let mut listen_addresses: Vec<String> = given.cloned().collect();
        if listen_addresses.is_empty() {
            listen_addresses.push(default_address.to_owned());
        }
        Web {
            listen_addresses,
            systemd_socket: self.systemd_socket,
            telemetry_path: self.telemetry_path.clone(),
            enable_lifecycle: self.enable_lifecycle,
            route_prefix: self
                .route_prefix
                .as_ref()
                .and_then(|prefix| prefix.0.clone())
                .or_else(|| Some(self.external_url.as_ref()?.path.clone()))
                .unwrap_or_default(),
            page_url: self.external_url.as_ref().and_then(|url| url.page.clone()),
            web_config: None,
            grace_period: self.grace_period,
            log: None,
        }
    }
}

/// A command.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Run the exporter against a simulated Tencent Cloud on loopback; needs no account and no
    /// configuration file
    Demo,
    /// Check the configuration and print what the exporter would poll; without --online, it needs
    /// no keys and sends no requests
    Check {
        /// Output format
        #[arg(long, value_name = "FORMAT", default_value = "text")]
        output: CheckOutput,
        /// Print the least-privilege CAM policies as JSON, for the CAM console
        #[arg(long)]
        policy: bool,
        /// Try each kind of request that the configuration needs and print what fails; exit with 1
        /// if one fails
        #[arg(long, conflicts_with = "policy")]
        online: bool,
        /// Also exit with 1 if a track is not enabled, an expected track is missing or different,
        /// or a storage target does not exist
        #[arg(long, requires = "online")]
        strict: bool,
    },
    /// Poll each target once and print the metrics; exit with 1 if a poll failed
    Once {
        /// File for the metrics, instead of stdout (-); the command replaces a regular file
        /// atomically and writes directly to a device or pipe
        #[arg(long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Check whether a running exporter is healthy; exit with 1 if not
    Health,
}

/// The output formats of `check`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum CheckOutput {
    /// A line for each target.
    Text,
    /// JSON, for scripts and reviews.
    Json,
}

/// The log levels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogLevel {
    /// Also requests and skipped polls.
    Debug,
    /// Also normal events, such as a recovery.
    Info,
    /// Problems that need attention.
    Warn,
    /// Failures of the exporter itself.
    Error,
}

impl From<LogLevel> for LevelFilter {
    fn from(level: LogLevel) -> Self {
        match level {
            LogLevel::Debug => Self::DEBUG,
            LogLevel::Info => Self::INFO,
            LogLevel::Warn => Self::WARN,
            LogLevel::Error => Self::ERROR,
        }
    }
}

/// The log formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// `key=value`, as most exporters write it.
    Logfmt,
    /// One JSON object per line.
    Json,
}
