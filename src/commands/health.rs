//! `health`: for images without a shell.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode};
use tokio::time::timeout;

use super::Failed;
use crate::app::Web;
use crate::tencent::{HttpTransport, Transport};

/// An exporter that takes longer is not well.
const TIMEOUT: Duration = Duration::from_secs(5);

pub(super) async fn run(web: &Web) -> Result<(), Failed> {
    let address = web.listen_addresses.first().map_or("", String::as_str);
    let url = format!("http://{}/-/healthy", reachable(address));
    let failed = |why: String| Failed::new(format!("{url}: {why}"));
    let mut request = Request::new(Bytes::new());
    *request.uri_mut() = url.parse().map_err(|error| failed(format!("{error}")))?;
    let transport = HttpTransport::plain()?;
    let answer = match timeout(TIMEOUT, transport.send(request)).await {
        Ok(answer) => answer.map_err(|error| failed(error.to_string()))?,
        Err(_) => return Err(failed(format!("no answer within {TIMEOUT:?}"))),
    };
    if answer.status() == StatusCode::OK {
        return Ok(());
    }
    let reason = String::from_utf8_lossy(answer.body());
    Err(failed(format!("{}: {}", answer.status(), reason.trim())))
}

/// Where something that listens on `address` can be asked from the same machine.
fn reachable(address: &str) -> String {
    match address.rsplit_once(':') {
        Some(("" | "0.0.0.0", port)) => format!("127.0.0.1:{port}"),
        Some(("[::]", port)) => format!("[::1]:{port}"),
        _ => address.to_owned(),
    }
}
