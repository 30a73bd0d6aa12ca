//! What a call sends, and the key that signs it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use cloudaudit_exporter::tencent::credentials::{
    Credential, CredentialFuture, FixedProvider, Provider, ProviderState,
};
use cloudaudit_exporter::tencent::{Client, ClientParts, Endpoint};
use tokio::time::sleep;

use super::{CHINA, clock_at};
use crate::support::recorded::{
    HOUR, REGION, TOKEN, assert_signed, cloud, credential, empty, header, list,
};
use crate::support::scripted::{EVENING, HOST, SECRET_ID, SECRET_KEY, options};

#[tokio::test(start_paused = true)]
async fn a_request_has_the_documented_headers_and_body() {
    let (parts, arrived) = cloud(|_| empty());
    let client = Client::new(parts, options(50));
    list(&client, HOUR).await.0.unwrap();
    let (_, request) = arrived.lock().unwrap().remove(0);
    assert_eq!(request.method(), "POST");
    assert_eq!(
        request.uri(),
        "https://cloudaudit.intl.tencentcloudapi.com/"
    );
    assert_eq!(&request.body()[..], br#"{"PageNumber":1,"PageSize":50}"#);
    let mut names: Vec<&str> = request
        .headers()
        .keys()
        .map(http::HeaderName::as_str)
        .collect();
    names.sort_unstable();
    let expected = [
        "authorization",
        "content-type",
        "host",
        "x-tc-action",
        "x-tc-language",
        "x-tc-region",
        "x-tc-requestclient",
        "x-tc-timestamp",
        "x-tc-version",
    ];
    assert_eq!(names, expected);
    assert_eq!(header(&request, "host"), HOST);
    let json = "application/json; charset=utf-8";
    assert_eq!(header(&request, "content-type"), json);
    assert_eq!(header(&request, "x-tc-action"), "DescribeAuditTracks");
    assert_eq!(header(&request, "x-tc-version"), "2019-03-19");
    assert_eq!(header(&request, "x-tc-region"), REGION);
    assert_eq!(header(&request, "x-tc-language"), "en-US");
    assert_eq!(header(&request, "x-tc-timestamp"), EVENING.to_string());
    let caller = header(&request, "x-tc-requestclient");
    assert!(caller.starts_with("cloudaudit-exporter"), "{caller}");
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-_,;.".contains(c);
    assert!(
        caller.len() <= 128 && caller.chars().all(allowed),
        "{caller}"
    );
    assert_signed(&request, SECRET_ID, SECRET_KEY);
}

/// The recomputed vector C1, through the whole client.
#[tokio::test(start_paused = true)]
async fn the_client_reproduces_an_independent_signature() {
    let (parts, arrived) = cloud(|_| empty());
    let clock = clock_at(1_551_113_065);
    let client = Client::new(ClientParts { clock, ..parts }, options(50));
    list(&client, HOUR).await.0.unwrap();
    let authorization = header(&arrived.lock().unwrap()[0].1, "authorization").to_owned();
    let c1 = "9a299400955f961bfad45a06b31ba9e402f42291fc505e9aadb9d8e98da319f8";
    assert!(
        authorization.ends_with(&format!("Signature={c1}")),
        "{authorization}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_session_token_is_sent_and_not_signed() {
    let (parts, arrived) = cloud(|_| empty());
    let provider = FixedProvider::new(credential(SECRET_ID, SECRET_KEY, Some(TOKEN)));
    let provider = Arc::new(provider);
    let client = Client::new(ClientParts { provider, ..parts }, options(50));
    list(&client, HOUR).await.0.unwrap();
    let (_, request) = arrived.lock().unwrap().remove(0);
    assert_eq!(header(&request, "x-tc-token"), TOKEN);
    assert_signed(&request, SECRET_ID, SECRET_KEY);
}

/// The signed host equals the sent host, and the service is `cloudaudit` for every host.
#[tokio::test(start_paused = true)]
async fn a_custom_endpoint_is_signed_with_its_own_host() {
    let (parts, arrived) = cloud(|_| empty());
    let endpoint = Endpoint {
        url: "http://127.0.0.1:8080".into(),
        host: "127.0.0.1:8080".into(),
    };
    let client = Client::new(ClientParts { endpoint, ..parts }, options(100));
    list(&client, HOUR).await.0.unwrap();
    let (_, request) = arrived.lock().unwrap().remove(0);
    assert_eq!(request.uri(), "http://127.0.0.1:8080/");
    assert_eq!(header(&request, "host"), "127.0.0.1:8080");
    assert_eq!(&request.body()[..], br#"{"PageNumber":1,"PageSize":100}"#);
    assert_signed(&request, SECRET_ID, SECRET_KEY);
}

// The signing key.

/// The recomputed vectors C4 and C5: one second apart, on two days of UTC.
#[tokio::test(start_paused = true)]
async fn the_signing_key_changes_at_midnight_utc() {
    let (parts, arrived) = cloud(|_| empty());
    let endpoint = Endpoint {
        url: format!("https://{CHINA}").into(),
        host: CHINA.into(),
    };
    let clock = clock_at(1_551_139_199);
    let parts = ClientParts {
        endpoint,
        clock,
        ..parts
    };
    let client = Client::new(parts, options(50));
    list(&client, HOUR).await.0.unwrap();
    sleep(Duration::from_secs(1)).await;
    list(&client, HOUR).await.0.unwrap();
    let arrived = arrived.lock().unwrap();
    for (index, day, signature) in [
        (
            0,
            "2019-02-25",
            "1cb8ec635025020135a71dd9548653ebd78e2ed5d248f952ae9c76b6bd9373c4",
        ),
        (
            1,
            "2019-02-26",
            "2b8da762f23bd61a5550dadc5f78d3b88318a69977ca25f4fa9e66df70df1bf6",
        ),
    ] {
        let authorization = header(&arrived[index].1, "authorization");
        assert!(authorization.contains(day), "{authorization}");
        assert!(authorization.ends_with(signature), "{authorization}");
    }
}

/// Returns each credential twice, in turn.
struct Rotating {
    credentials: Vec<Arc<Credential>>,
    given: AtomicUsize,
}

impl Provider for Rotating {
    fn name(&self) -> &'static str {
        "rotating"
    }

    fn identity(&self) -> Option<String> {
        None
    }

    fn credential(&self) -> CredentialFuture<'_> {
        let given = self.given.fetch_add(1, Ordering::Relaxed);
        let credential = &self.credentials[given / 2 % self.credentials.len()];
        Box::pin(std::future::ready(Ok(Arc::clone(credential))))
    }

    fn state(&self) -> Option<ProviderState> {
        None
    }
}

#[tokio::test(start_paused = true)]
async fn the_signing_key_changes_with_the_credential() {
    let (parts, arrived) = cloud(|_| empty());
    // The same id with another key, another id with the same key, and the first again.
    let generations = [
        (SECRET_ID, SECRET_KEY, None),
        (SECRET_ID, "another-key", None),
        ("AKIDanother", "another-key", Some(TOKEN)),
    ];
    let provider = Arc::new(Rotating {
        credentials: generations
            .iter()
            .map(|(id, key, token)| Arc::new(credential(id, key, *token)))
            .collect(),
        given: AtomicUsize::new(0),
    });
    let client = Client::new(ClientParts { provider, ..parts }, options(50));
    for _ in 0..8 {
        list(&client, HOUR).await.0.unwrap();
    }
    let arrived = arrived.lock().unwrap();
    for (index, (_, request)) in arrived.iter().enumerate() {
        let (id, key, token) = generations[index / 2 % 3];
        assert_signed(request, id, key);
        let sent = request.headers().get("x-tc-token");
        assert_eq!(sent.map(|token| token.to_str().unwrap()), token);
    }
}
