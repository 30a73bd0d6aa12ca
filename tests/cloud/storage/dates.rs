//! The `Date` of a response: an accepted signature proves the clock of the cloud to within a few
//! minutes, so any other date comes from a proxy in between.

use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use bytes::Bytes;
use cloudaudit_exporter::sim::{Fault, Layout};
use cloudaudit_exporter::tencent::storage::{CheckResult, StorageClients};
use cloudaudit_exporter::tencent::{ClientParts, ResponseFuture, Transport};
use http::{HeaderValue, Request, StatusCode, header};

use super::{HOUR, LIMITS, MINUTE, NOW, REGION, Stage, storage_parts, target};

/// A gateway that writes its own time.
struct Dated(Arc<dyn Transport>, Option<&'static str>);

impl Transport for Dated {
    fn send(&self, request: Request<Bytes>) -> ResponseFuture<'_> {
        Box::pin(async {
            let mut response = self.0.send(request).await?;
            let headers = response.headers_mut();
            headers.remove(header::DATE);
            if let Some(date) = self.1 {
                headers.insert(header::DATE, HeaderValue::from_static(date));
            }
            Ok(response)
        })
    }
}

#[tokio::test(start_paused = true)]
async fn an_impossible_date_is_ignored() {
    for date in [
        None,
        Some("soon"),
        Some("Thu, 01 Jan 1970 00:00:00 GMT"),
        Some("Fri, 28 Nov 2025 07:00:00 GMT"),
        Some("Fri, 28 Nov 2025 12:00:00 GMT"),
        Some("Thu, 01 Jan 2099 00:00:00 GMT"),
        Some("Fri, 31 Dec 9999 23:59:59 GMT"),
    ] {
        for kind in ["cos", "cls"] {
            let mut stage = Stage::delivering(Layout::days(), 5 * MINUTE, HOUR);
            let topic = stage.account.add_topic(REGION, "topic-1");
            let at = stage.world.now() - MINUTE;
            topic.write(at);
            if kind == "cls" {
                stage.target = target("cls", "topic-1", "");
            }
            let dated = |parts: ClientParts| ClientParts {
                transport: Arc::new(Dated(Arc::clone(&parts.transport), date)),
                ..parts
            };
            let mut parts = storage_parts(&stage.world);
            (parts.cos, parts.cls) = (dated(parts.cos), dated(parts.cls));
            stage.clients = StorageClients::new(parts, LIMITS);
            let result = stage.check().await;
            let CheckResult::Seen {
                newest, cloud_now, ..
            } = result
            else {
                panic!("{date:?}: {result:?}");
            };
            let now = stage.world.now();
            let apart = |one: std::time::SystemTime| now.duration_since(one).unwrap_or_default();
            assert!(
                apart(cloud_now) < MINUTE && cloud_now <= now + MINUTE,
                "{date:?} {kind}"
            );
            let newest = newest.unwrap();
            assert!(
                newest <= now && apart(newest) < Duration::from_mins(10),
                "{date:?} {kind}"
            );
        }
    }
}

/// COS dates objects itself. An object from the future would stay the newest one forever.
#[tokio::test(start_paused = true)]
async fn an_object_from_the_future_does_not_hide_a_stall() {
    let object = |key: &str, at: &str| {
        format!("<Contents><Key>audit/{key}</Key><LastModified>{at}</LastModified></Contents>")
    };
    let now = UNIX_EPOCH + Duration::from_secs(NOW);
    for (at, before) in [
        ("2099-01-01T00:00:00.000Z", HOUR),
        // The clocks of two servers differ slightly.
        ("2025-11-28T09:02:00.000Z", Duration::ZERO),
    ] {
        let mut stage = Stage::new();
        stage.account.add_bucket(REGION, "audit-log");
        let objects = object("a", "2025-11-28T08:00:00.000Z") + &object("z", at);
        let body = format!(
            "<ListBucketResult><IsTruncated>false</IsTruncated>{objects}</ListBucketResult>"
        );
        let fault = Fault::raw(StatusCode::OK, "application/xml", body);
        let fault = fault.action("GetBucket").until_cleared();
        stage.world.inject(fault);
        for _ in 0..2 {
            assert_eq!(stage.seen().await.0, Some(now - before), "{at}");
        }
    }
}
