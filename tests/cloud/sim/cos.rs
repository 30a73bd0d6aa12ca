//! Buckets: signatures against the documented vectors, and listings.

use std::time::{Duration, UNIX_EPOCH};

use bytes::Bytes;
use cloudaudit_exporter::sim::{Identity, World};
use http::{Method, Request, StatusCode};

const ID: &str = "AKIDQjz3ltompVjBni5LitkWHFlFpwkn9U5q";
const KEY: &str = "BQYIM75p8x0iWVFSIgqEKwFprpRSVHlz";
const HOST: &str = "examplebucket-1250000000.cos.ap-beijing.myqcloud.com";
const TOKEN: &str = "example/token+with=signs";
const KEY_TIME: &str = "1557989753;1557990053";

fn world(identity: Identity) -> World {
    let world = World::new(UNIX_EPOCH + Duration::from_secs(1_557_989_900));
    let account = world.add_account("100000000001");
    account.set_app_id("1250000000");
    account.add_identity(identity);
    let bucket = account.add_bucket("ap-beijing", "examplebucket");
    for key in ["cloudaudit/2026/11/28/0930_a(1)+c.gz", "cloudaudit/b"] {
        bucket.put(key, UNIX_EPOCH + Duration::from_secs(1_557_989_000));
    }
    world
}

struct Vector {
    method: Method,
    query: &'static str,
    parameters: &'static str,
    token: Option<&'static str>,
    signature: &'static str,
}

impl Vector {
    fn request(&self) -> Request<Bytes> {
        let headers = match self.token {
            Some(_) => "host;x-cos-security-token",
            None => "host",
        };
        let authorization = format!(
            "q-sign-algorithm=sha1&q-ak={ID}&q-sign-time={KEY_TIME}&q-key-time={KEY_TIME}\
             &q-header-list={headers}&q-url-param-list={}&q-signature={}",
            self.parameters, self.signature
        );
        let request = Request::builder()
            .method(&self.method)
            .uri(format!("https://{HOST}/{}", self.query))
            .header("Host", HOST)
            .header("Authorization", authorization);
        let request = match self.token {
            Some(token) => request.header("x-cos-security-token", token),
            None => request,
        };
        request.body(Bytes::new()).unwrap()
    }
}

fn l1() -> Vector {
    Vector {
        method: Method::GET,
        query: "?prefix=cloudaudit%2F&delimiter=%2F&max-keys=1000",
        parameters: "delimiter;max-keys;prefix",
        token: None,
        signature: "9c490299436fb1c34690b411e6612a3a47de62d8",
    }
}

/// Returns the status and the body.
async fn ask(world: &World, request: Request<Bytes>) -> (StatusCode, String) {
    let response = world.answer(request).await.unwrap();
    let body = String::from_utf8(response.body().to_vec()).unwrap();
    (response.status(), body)
}

#[tokio::test(start_paused = true)]
async fn the_vectors_are_accepted() {
    let permanent = || world(Identity::permanent(ID, KEY));
    let (status, body) = ask(&permanent(), l1().request()).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    assert!(
        body.contains("<CommonPrefixes><Prefix>cloudaudit/2026/</Prefix>"),
        "{body}"
    );
    assert!(body.contains("<Key>cloudaudit/b</Key>"), "{body}");

    let l2 = Vector {
        query: "?prefix=cloudaudit/2026/11/28/&marker=cloudaudit/2026/11/28/0930_a(1)%2Bb.gz\
                &max-keys=1000&encoding-type=url",
        parameters: "encoding-type;marker;max-keys;prefix",
        signature: "1ff397babec4746bc99a1d32e3a245113ff42ebd",
        ..l1()
    };
    let (status, body) = ask(&permanent(), l2.request()).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    assert!(body.contains("0930%5Fa%281%29%2Bc%2Egz</Key>"), "{body}");

    // The signature is valid, but the simulator implements listings only.
    let l3 = Vector {
        method: Method::HEAD,
        query: "",
        parameters: "",
        signature: "223374e661d7c78a288c4da172d386ec4d8738c1",
        ..l1()
    };
    let (status, body) = ask(&permanent(), l3.request()).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    assert!(body.contains("<Code>AccessDenied</Code>"), "{body}");

    let l4 = Vector {
        query: "?prefix=cloudaudit/&max-keys=1",
        parameters: "max-keys;prefix",
        token: Some(TOKEN),
        signature: "ee0f151da1424fbe526980b668b4afa0fce632c5",
        ..l1()
    };
    let expires = UNIX_EPOCH + Duration::from_secs(1_557_999_999);
    let temporary = world(Identity::temporary(ID, KEY, TOKEN, expires));
    let (status, body) = ask(&temporary, l4.request()).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    assert!(body.contains("<IsTruncated>true</IsTruncated>"), "{body}");
}

#[tokio::test(start_paused = true)]
async fn every_other_signature_is_refused() {
    let refused = async |vector: Vector, world: World| {
        let (status, body) = ask(&world, vector.request()).await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{body}");
        let call = world.calls().pop().unwrap();
        let code = call.refused.unwrap();
        assert!(body.contains(&format!("<Code>{code}</Code>")), "{body}");
        code
    };
    let permanent = || world(Identity::permanent(ID, KEY));
    let other = "?prefix=cloudaudiu%2F&delimiter=%2F&max-keys=1000";
    let changed = Vector {
        query: other,
        ..l1()
    };
    assert_eq!(refused(changed, permanent()).await, "SignatureDoesNotMatch");
    let unsigned = Vector {
        parameters: "delimiter;prefix",
        ..l1()
    };
    assert_eq!(
        refused(unsigned, permanent()).await,
        "SignatureDoesNotMatch"
    );
    let wrong_key = world(Identity::permanent(ID, "another"));
    assert_eq!(refused(l1(), wrong_key).await, "SignatureDoesNotMatch");
    let unknown = world(Identity::permanent("AKIDanother", KEY));
    assert_eq!(refused(l1(), unknown).await, "InvalidAccessKeyId");
    let with_token = Vector {
        token: Some(TOKEN),
        ..l1()
    };
    assert_eq!(
        refused(with_token, permanent()).await,
        "SignatureDoesNotMatch"
    );
    let expires = UNIX_EPOCH + Duration::from_secs(1_557_999_999);
    let temporary = world(Identity::temporary(ID, KEY, TOKEN, expires));
    assert_eq!(refused(l1(), temporary).await, "ExpiredToken");
    for skew in [-200, 200] {
        let world = permanent();
        world.set_skew_seconds(skew);
        assert_eq!(refused(l1(), world).await, "AccessDenied", "{skew}");
    }
}
