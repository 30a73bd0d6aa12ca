//! The interface between the listener and the rest of the process.

use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;

use crate::clock::Moment;
use crate::snapshot::{ChangeRecord, ExporterInfo, Report};

/// A reload in progress. Its error says why the previous configuration stays in use.
pub type Reload = Pin<Box<dyn Future<Output = Result<(), String>> + Send>>;

/// The acknowledgment of a deleted track in progress. The result is a line for the client, or else why
/// there is no such track. `None` if the exporter is stopping.
pub type Forget = Pin<Box<dyn Future<Output = Option<Result<String, String>>> + Send>>;

/// Provides what the listener serves. The listener calls it for each request. `exposition`, `reports`,
/// `exporter_info` and `ready` may block, because the listener calls them on a thread for blocking
/// work. The other methods must return at once.
pub trait Content: Send + Sync + 'static {
    /// Returns the whole exposition in pieces, as one gzip member if `gzip` is set.
    fn exposition(&self, gzip: bool) -> Vec<Bytes>;

    /// Returns the reports of all accounts, for the page and the API.
    fn reports(&self) -> Vec<Arc<Report>>;

    /// Returns facts about the exporter itself, for the page.
    fn exporter_info(&self) -> ExporterInfo {
        ExporterInfo::default()
    }

    /// Returns the change feed, newest first, for the page and the API.
    fn changes(&self) -> Arc<[Arc<ChangeRecord>]> {
        Arc::from([])
    }

    /// Returns an error with the reasons if the exporter is not ready: a target has not been polled
    /// yet, or the members of an organization are not known yet.
    fn ready(&self) -> Result<(), Vec<String>>;

    /// Returns an error that names every stalled loop.
    fn healthy(&self) -> Result<(), String>;

    /// Starts a reload. `None` if reloading over HTTP is not enabled.
    fn reload(&self) -> Option<Reload>;

    /// Starts to forget a deleted track of an account. `None` if changes over HTTP are not enabled.
    fn forget(&self, _account: String, _track_id: u64) -> Option<Forget> {
        None
    }

    /// Counts one request, for `cloudaudit_exporter_http_requests_total{handler, code}`. Both values
    /// come from bounded sets.
    fn record_request(&self, handler: &'static str, code: u16);

    /// Returns the current time, for the ages on the page.
    fn now(&self) -> Moment;
}
