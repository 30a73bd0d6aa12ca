//! The command line.

// The values of flags.
mod values;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use tracing::level_filters::LevelFilter;

use self::values::{
    Ordinal, external_path, grace_period, one_of, ordinal, path, route_prefix, switch,
    telemetry_path, total_shards,
};
use crate::app::Web;

const ABOUT: &str = "\
Prometheus exporter for Tencent Cloud CloudAudit tracks: it lists the tracks of every configured
account and region, and serves what it saw on /metrics.

Without a command it runs the daemon. Without --config.file it polls one account, named default, in
TENCENTCLOUD_REGION or ap-guangzhou, with the first key that it finds: TENCENTCLOUD_SECRET_ID and
TENCENTCLOUD_SECRET_KEY, a profile, the identity of a TKE pod, the role of a CVM.";

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
    after_help = "Exit codes: 0 done, 1 failed, or ended by a second signal, 2 wrong usage, 78 bad configuration."
)]
pub struct Cli {
    /// What to do; without one, run the daemon.
    #[command(subcommand)]
    pub command: Option<Command>,

    /// Taken before and after the command.
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
    /// The configuration file (YAML)
    #[arg(
        long = "config.file",
        value_name = "FILE",
        env = "CLOUDAUDIT_EXPORTER_CONFIG_FILE",
        value_parser = path,
        global = true
    )]
    config_file: Option<PathBuf>,

    /// Take a changed configuration file up without being told
    #[arg(
        long = "config.enable-auto-reload",
        env = "CLOUDAUDIT_EXPORTER_CONFIG_ENABLE_AUTO_RELOAD",
        value_parser = switch,
        global = true
    )]
    pub enable_auto_reload: bool,

    /// An address to listen on, host:port or unix:PATH; may be given several times [default:
    /// :10629, for the demo 127.0.0.1:10629]
    #[arg(
        long = "web.listen-address",
        value_name = "ADDRESS",
        env = "CLOUDAUDIT_EXPORTER_WEB_LISTEN_ADDRESS",
        value_delimiter = ',',
        global = true
    )]
    listen_addresses: Vec<String>,

    /// Listen on the sockets that systemd hands over, in the place of addresses
    #[arg(
        long = "web.systemd-socket",
        env = "CLOUDAUDIT_EXPORTER_WEB_SYSTEMD_SOCKET",
        value_parser = switch,
        global = true
    )]
    systemd_socket: bool,

    /// The path of the metrics
    #[arg(
        long = "web.telemetry-path",
        value_name = "PATH",
        env = "CLOUDAUDIT_EXPORTER_WEB_TELEMETRY_PATH",
        default_value = DEFAULT_PATH,
        value_parser = telemetry_path,
        global = true
    )]
    telemetry_path: String,

    /// A file with TLS and passwords for the listener, as other Prometheus exporters take it
    #[arg(
        long = "web.config.file",
        value_name = "FILE",
        env = "CLOUDAUDIT_EXPORTER_WEB_CONFIG_FILE",
        value_parser = path,
        global = true
    )]
    web_config_file: Option<PathBuf>,

    /// The path below which everything is served, where a proxy does not take it away [default: the
    /// path of --web.external-url]
    #[arg(
        long = "web.route-prefix",
        value_name = "PATH",
        env = "CLOUDAUDIT_EXPORTER_WEB_ROUTE_PREFIX",
        value_parser = route_prefix,
        global = true
    )]
    route_prefix: Option<String>,

    /// The URL that people reach the exporter by, where a proxy is in between
    #[arg(
        long = "web.external-url",
        value_name = "URL",
        env = "CLOUDAUDIT_EXPORTER_WEB_EXTERNAL_URL",
        value_parser = external_path,
        global = true
    )]
    external_path: Option<String>,

    /// Let whoever can reach the listener ask for a reload, by POST to /-/reload
    #[arg(
        long = "web.enable-lifecycle",
        env = "CLOUDAUDIT_EXPORTER_WEB_ENABLE_LIFECYCLE",
        value_parser = switch,
        global = true
    )]
    enable_lifecycle: bool,

    /// How long requests in flight may take after a signal to stop; everything else ends within a
    /// second
    #[arg(
        long = "web.shutdown-grace-period",
        value_name = "DURATION",
        env = "CLOUDAUDIT_EXPORTER_WEB_SHUTDOWN_GRACE_PERIOD",
        default_value = DEFAULT_GRACE,
        value_parser = grace_period,
        global = true
    )]
    grace_period: Duration,

    /// The least severe level that is logged: debug, info, warn or error
    #[arg(
        long = "log.level",
        value_name = "LEVEL",
        env = "CLOUDAUDIT_EXPORTER_LOG_LEVEL",
        default_value = DEFAULT_LEVEL,
        value_parser = |text: &str| one_of::<LogLevel>(text, DEFAULT_LEVEL),
        global = true
    )]
    pub log_level: LogLevel,

    /// The form of the log, on stderr: logfmt or json
    #[arg(
        long = "log.format",
        value_name = "FORMAT",
        env = "CLOUDAUDIT_EXPORTER_LOG_FORMAT",
        default_value = DEFAULT_FORMAT,
        value_parser = |text: &str| one_of::<LogFormat>(text, DEFAULT_FORMAT),
        global = true
    )]
    pub log_format: LogFormat,

    /// Which shard this process is, counted from 0 [default: where there are several, the number at
    /// the end of the host name]
    #[arg(
        long = "shard",
        value_name = "NUMBER",
        env = "CLOUDAUDIT_EXPORTER_SHARD",
        value_parser = ordinal,
        global = true
    )]
    shard: Option<Ordinal>,

    /// How many shards the accounts are divided among: processes with the same configuration, each
    /// of which polls its own accounts
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
    /// Whether the command polls accounts.
    pub fn polls(&self) -> bool {
        matches!(
            self.command,
            None | Some(Command::Demo | Command::Once { .. })
        )
    }

    /// How long the command may go on answering requests after a signal to stop.
    pub fn grace_period(&self) -> Duration {
        match self.command {
            None | Some(Command::Demo) => self.flags.grace_period,
            Some(_) => Duration::ZERO,
        }
    }
}

impl Flags {
    /// Which shard this process is, where the command line or the environment says so.
    pub fn shard(&self) -> Option<u32> {
        self.shard.and_then(|Ordinal(ordinal)| ordinal)
    }

    /// The configuration file. An empty variable in the environment is one that is not set.
    pub fn config_file(&self) -> Option<&PathBuf> {
        self.config_file
            .as_ref()
            .filter(|file| !file.as_os_str().is_empty())
    }

    /// The file with TLS and passwords. An empty variable in the environment is one that is not
    /// set.
    pub fn web_config_file(&self) -> Option<&PathBuf> {
        self.web_config_file
            .as_ref()
            .filter(|file| !file.as_os_str().is_empty())
    }

    /// Where and under which name to be scraped; on `default_address` where nothing else is said.
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
                .clone()
                .or_else(|| self.external_path.clone())
                .unwrap_or_default(),
            web_config: None,
            grace_period: self.grace_period,
            log: None,
        }
    }
}

/// What to do.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Run the exporter against a simulated Tencent Cloud on loopback; needs nothing
    Demo,
    /// Load the configuration, without any secret, and say what would be polled
    Check {
        /// The form of the answer
        #[arg(long, value_name = "FORM", default_value = "text")]
        output: CheckOutput,
        /// Print the least that CAM must allow, as policies (JSON) for its console
        #[arg(long)]
        policy: bool,
        /// Ask the cloud once for every target, and say what is in the way; exit code 1 if anything
        /// is
        #[arg(long, conflicts_with = "policy")]
        online: bool,
    },
    /// Poll every target once and print the metrics; exit code 1 if a target failed
    Once {
        /// Replace this file, all at once, instead of printing to stdout; a device or a pipe is
        /// written to, and - is stdout
        #[arg(long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Ask a running exporter whether it is healthy; exit code 0 or 1
    Health,
}

/// The forms of `check`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum CheckOutput {
    /// A line for each target.
    Text,
    /// For scripts and reviews.
    Json,
}

/// The levels of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogLevel {
    /// Requests and skipped polls too.
    Debug,
    /// Changes for the better too.
    Info,
    /// What somebody should look at.
    Warn,
    /// What broke.
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

/// The forms of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// `key=value`, as most exporters write it.
    Logfmt,
    /// One object a line.
    Json,
}
