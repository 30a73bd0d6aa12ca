//! A receiver of Alertmanager's webhooks that records every notification.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Response;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpListener;

/// How long a notification may take.
const PATIENCE: Duration = Duration::from_mins(1);

/// One alert in one notification.
#[derive(Clone, Debug)]
pub struct SentAlert {
    pub at: Instant,
    /// The number of the notification that contained the alert.
    pub notification: usize,
    /// The receiver in Alertmanager's configuration.
    pub receiver: String,
    /// `firing` or `resolved`.
    pub status: String,
    pub labels: BTreeMap<String, String>,
    pub annotations: BTreeMap<String, String>,
}

impl SentAlert {
    pub fn is(&self, status: &str, labels: &[(&str, &str)]) -> bool {
        self.status == status
            && labels
                .iter()
                .all(|(name, value)| self.labels.get(*name).map(String::as_str) == Some(value))
    }
}

pub struct Receiver {
    pub address: SocketAddr,
    sent: Arc<Mutex<Vec<SentAlert>>>,
}

impl Receiver {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let sent = Arc::new(Mutex::new(Vec::new()));
        let all = Arc::clone(&sent);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let all = Arc::clone(&all);
                let service = service_fn(move |request: http::Request<Incoming>| {
                    let all = Arc::clone(&all);
                    async move {
                        let body = request.into_body().collect().await.unwrap().to_bytes();
                        let mut all = all.lock().unwrap();
                        let number = all
                            .last()
                            .map_or(0, |last: &SentAlert| last.notification + 1);
                        all.extend(read(number, &body));
                        Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
                    }
                });
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
        Self { address, sent }
    }

    /// Returns every alert that was notified since `start`.
    pub fn since(&self, start: Instant) -> Vec<SentAlert> {
        let sent = self.sent.lock().unwrap();
        sent.iter().filter(|one| one.at >= start).cloned().collect()
    }

    /// Waits for a notification of an alert with these labels, and returns it.
    pub async fn wait_for(
        &self,
        start: Instant,
        status: &str,
        labels: &[(&str, &str)],
    ) -> SentAlert {
        loop {
            let since = self.since(start);
            if let Some(sent) = since.iter().find(|sent| sent.is(status, labels)) {
                return sent.clone();
            }
            assert!(
                start.elapsed() < PATIENCE,
                "no notification of {status} {labels:?}, but these: {since:#?}"
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

fn read(number: usize, body: &[u8]) -> Vec<SentAlert> {
    let notification: Value = serde_json::from_slice(body).unwrap();
    let texts = |value: &Value| -> BTreeMap<String, String> {
        let pairs = value.as_object().unwrap().iter();
        pairs
            .map(|(name, text)| (name.clone(), text.as_str().unwrap().to_owned()))
            .collect()
    };
    let alerts = notification["alerts"].as_array().unwrap().iter();
    alerts
        .map(|alert| SentAlert {
            at: Instant::now(),
            notification: number,
            receiver: notification["receiver"].as_str().unwrap().to_owned(),
            status: alert["status"].as_str().unwrap().to_owned(),
            labels: texts(&alert["labels"]),
            annotations: texts(&alert["annotations"]),
        })
        .collect()
}
