//! A listener with a web configuration in this process, so that its limits can be short, and TLS
//! connections to it.

use std::fs;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use cloudaudit_exporter::clock::{Clock, Moment};
use cloudaudit_exporter::http::{Content, Limits, Listener, Options, Reload};
use cloudaudit_exporter::snapshot::Report;
use cloudaudit_exporter::web_config::WebConfig;
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_rustls::client::TlsStream;

use super::exporter::folder_with;
use crate::support::pki::Authority;
use crate::support::tls;

/// A time limit that no operation of a test reaches.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// The length of `/metrics` without gzip, which exceeds the buffers of a connection.
pub const LARGE: usize = 8 << 20;

/// Content with an exposition of one piece.
struct StubContent(Bytes);

impl Content for StubContent {
    fn exposition(&self, gzip: bool) -> Vec<Bytes> {
        if gzip {
            vec![Bytes::from_static(b"zip"), Bytes::from_static(b"ped")]
        } else {
            vec![self.0.clone()]
        }
    }

    fn reports(&self) -> Vec<Arc<Report>> {
        Vec::new()
    }

    fn ready(&self) -> Result<(), Vec<String>> {
        panic!("intended by the test")
    }

    fn healthy(&self) -> Result<(), String> {
        Ok(())
    }

    fn reload(&self) -> Option<Reload> {
        None
    }

    fn record_request(&self, _: &'static str, _: u16) {}

    fn now(&self) -> Moment {
        Clock::system().now()
    }
}

/// A listener with TLS.
pub struct Secure {
    address: SocketAddr,
    authority: Authority,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<()>,
    _folder: TempDir,
}

impl Secure {
    /// Starts a listener. `more` is added to the web configuration after the certificate.
    pub async fn start(more: &str, options: Options) -> Self {
        let authority = Authority::new("ours");
        let folder = folder_with(&[]);
        authority.server(2040).write(folder.path(), "server");
        let file = folder.path().join("web.yaml");
        let tls = "tls_server_config: {cert_file: server.crt, key_file: server.key}\n";
        fs::write(&file, format!("{tls}{more}")).unwrap();
        let options = Options {
            web_config: Some(Arc::new(WebConfig::load(&file).await.unwrap())),
            ..options
        };
        let listener = Listener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let shown = Arc::new(StubContent(Bytes::from(vec![b'#'; LARGE])));
        let serving = tokio::spawn(listener.serve(shown, options, async {
            drop(stopped.await);
        }));
        Self {
            address,
            authority,
            stop,
            serving,
            _folder: folder,
        }
    }

    /// Starts a listener with these limits.
    pub async fn with(limits: Limits) -> Self {
        let options = Options {
            limits,
            ..Options::default()
        };
        Self::start("", options).await
    }

    /// Connects over TLS and offers these protocols.
    pub async fn connect(&self, protocols: &[&str]) -> TlsStream<TcpStream> {
        let connector = tls::connector(&self.authority, protocols);
        tls::connect(self.address, &connector).await
    }

    /// Stops the listener. The handle ends when it has stopped.
    pub fn stop(self) -> JoinHandle<()> {
        drop(self.stop);
        self.serving
    }
}

/// Returns the negotiated protocol.
pub fn negotiated_protocol(stream: &TlsStream<TcpStream>) -> &str {
    let (_, session) = stream.get_ref();
    str::from_utf8(session.alpn_protocol().unwrap_or_default()).unwrap()
}

/// Limits that no test reaches unless it shortens them.
pub fn long_limits() -> Limits {
    Limits {
        headers: PATIENCE,
        idle: PATIENCE,
        write_stall: PATIENCE,
        response: PATIENCE,
        drain: PATIENCE,
    }
}
