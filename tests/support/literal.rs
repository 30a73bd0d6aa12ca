//! An HTTP server that returns the response of a closure. It shares nothing with the client or the
//! simulator, so it cannot share their mistakes.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};

/// The response of STS for every key.
pub const IDENTITY: &str = r#"{"Arn":"qcs::cam::uin/100000000001:uin/100000000099","AccountId":"100000000001",
 "UserId":"100000000099","PrincipalId":"100000000099","Type":"CAMUser","RequestId":"r-identity"}"#;

/// A server on loopback, with its connections.
pub struct LiteralServer {
    pub address: SocketAddr,
    serving: JoinHandle<()>,
}

impl LiteralServer {
    pub async fn start<F>(answer: F) -> Self
    where
        F: Fn(&Request<Bytes>) -> Response<Bytes> + Send + Sync + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let answer = Arc::new(answer);
        let serving = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let answer = Arc::clone(&answer);
                let service = service_fn(move |request: Request<Incoming>| {
                    let answer = Arc::clone(&answer);
                    async move {
                        let (head, body) = request.into_parts();
                        let body = body.collect().await.unwrap().to_bytes();
                        let response = answer(&Request::from_parts(head, body));
                        Ok::<_, Infallible>(response.map(Full::new))
                    }
                });
                let connection = http1::Builder::new();
                connections.spawn(connection.serve_connection(TokioIo::new(stream), service));
            }
        });
        Self { address, serving }
    }

    /// Closes the listener and every connection, as `kill -9` would.
    pub fn kill(self) {
        self.serving.abort();
    }
}

/// A server and the state that it answers from, which a test changes.
pub struct LiteralCloud<S> {
    pub state: Arc<Mutex<S>>,
    server: LiteralServer,
}

impl<S: Send + 'static> LiteralCloud<S> {
    pub async fn start<F>(state: S, answer: F) -> Self
    where
        F: Fn(&mut S, &Request<Bytes>) -> Response<Bytes> + Send + Sync + 'static,
    {
        let state = Arc::new(Mutex::new(state));
        let own = Arc::clone(&state);
        let server = LiteralServer::start(move |request| answer(&mut own.lock().unwrap(), request));
        Self {
            state,
            server: server.await,
        }
    }

    pub fn address(&self) -> SocketAddr {
        self.server.address
    }

    /// Closes the listener and every connection.
    pub fn kill(self) {
        self.server.kill();
    }
}

/// Replaces each `{name}` in a text by its value.
pub fn fill(text: &str, values: &[(&str, &str)]) -> String {
    let replace =
        |text: String, (name, value): &(&str, &str)| text.replace(&format!("{{{name}}}"), value);
    values.iter().fold(text.to_owned(), replace)
}

/// Returns an error in `Response`.
pub fn error(code: &str, message: &str) -> String {
    format!(r#"{{"Error":{{"Code":"{code}","Message":"{message}"}},"RequestId":"r-error"}}"#)
}

/// Returns the secret id in the signature of a request to the API or to COS.
pub fn secret_id(request: &Request<Bytes>) -> &str {
    let authorization = request.headers()["authorization"].to_str().unwrap();
    let id = authorization.split(['=', '/', '&']);
    id.skip_while(|part| !part.ends_with("Credential") && *part != "q-ak")
        .nth(1)
        .unwrap()
}
