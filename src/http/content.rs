//! What the listener is given to show.

use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;

use crate::clock::Moment;
use crate::snapshot::Report;

/// A reload that is on its way; in the end it may say why the old configuration is kept.
pub type Reload = Pin<Box<dyn Future<Output = Result<(), String>> + Send>>;

/// What the listener shows, of each request again. The exposition, the reports and readiness may
/// take their time and wait for locks: the listener gets them on a thread that may be blocked. The
/// rest must return at once.
pub trait Content: Send + Sync + 'static {
    /// The whole exposition in pieces, ready to be sent; one gzip member where `gzip`.
    fn exposition(&self, gzip: bool) -> Vec<Bytes>;

    /// The reports of all accounts, for the page.
    fn reports(&self) -> Vec<Arc<Report>>;

    /// Which part of all accounts these are, for the page; none where they are all.
    fn shard_label(&self) -> Option<String> {
        None
    }

    /// Whether every target has been asked; otherwise the reasons why not.
    fn ready(&self) -> Result<(), Vec<String>>;

    /// Whether the scheduler ticks; otherwise what stands still.
    fn healthy(&self) -> Result<(), String>;

    /// Has a changed configuration taken up; none where that may not be asked for here.
    fn reload(&self) -> Option<Reload>;

    /// Hears of one answered request, for `cloudaudit_exporter_http_requests_total{handler, code}`.
    /// Both come from bounded sets.
    fn record_request(&self, handler: &'static str, code: u16);

    /// What time it is, for the ages on the page.
    fn now(&self) -> Moment;
}
