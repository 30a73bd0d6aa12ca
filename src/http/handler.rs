//! Which handler responds to a path.

use super::query::FILTERS;

/// The handler of a path.
#[derive(Clone, Copy)]
pub(super) enum Handler {
    Metrics,
    Page,
    Targets,
    Tracks,
    Changes,
    Deliveries,
    /// Browsers request it on their own.
    Icon,
    Healthy,
    Ready,
    Reload,
    Forget,
    /// `OPTIONS *`, which concerns the server as a whole.
    Server,
    NotFound,
}

impl Handler {
    /// Returns the handler of a path, which is below the prefix.
    pub(super) fn of(path: &str, telemetry_path: &str) -> Self {
        match path {
            path if path == telemetry_path => Self::Metrics,
            "/" => Self::Page,
            "/api/v1/targets" => Self::Targets,
            "/api/v1/tracks" => Self::Tracks,
            "/api/v1/changes" => Self::Changes,
            "/api/v1/delivery" => Self::Deliveries,
            "/favicon.ico" => Self::Icon,
            "/-/healthy" => Self::Healthy,
            "/-/ready" => Self::Ready,
            "/-/reload" => Self::Reload,
            path if forgotten_track(path).is_some() => Self::Forget,
            "*" => Self::Server,
            _ => Self::NotFound,
        }
    }

    /// Returns the value of the label `handler`, from a bounded set.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Metrics => "metrics",
            Self::Page => "page",
            Self::Targets | Self::Tracks | Self::Changes | Self::Deliveries | Self::Forget => "api",
            Self::Healthy => "healthy",
            Self::Ready => "ready",
            Self::Reload => "reload",
            Self::Icon | Self::Server | Self::NotFound => "other",
        }
    }

    /// Returns the filters of what it shows. The page has a section for each, and thus all of them.
    pub(super) fn filters(self) -> &'static [&'static str] {
        match self {
            Self::Targets => &["account", "region", "state"],
            Self::Tracks => &[
                "account",
                "region",
                "state",
                "status",
                "storage_type",
                "track",
            ],
            Self::Changes => &["account", "region", "track", "change", "since", "result"],
            Self::Deliveries => &["account", "state", "storage_type"],
            _ => &FILTERS,
        }
    }

    /// Returns the allowed methods, for the header `Allow`.
    pub(super) fn allow(self) -> &'static str {
        match self {
            Self::Reload | Self::Forget => "POST, OPTIONS",
            Self::Server => "GET, HEAD, POST, OPTIONS",
            _ => "GET, HEAD, OPTIONS",
        }
    }
}

/// Returns the text for the id of the track in the path of a request to forget it.
pub(super) fn forgotten_track(path: &str) -> Option<&str> {
    path.strip_prefix("/api/v1/tracks/")?
        .strip_suffix("/forget")
}
