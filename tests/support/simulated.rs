//! The simulated cloud in memory, as a transport for the real client.

use std::sync::Arc;

use bytes::Bytes;
use cloudaudit_exporter::sim::World;
use cloudaudit_exporter::tencent::{ResponseFuture, Transport, TransportError, TransportErrorKind};
use http::Request;

struct Simulated(World);

/// Returns a transport to this world that needs no socket, and so works in paused time.
pub(crate) fn in_memory(world: &World) -> Arc<dyn Transport> {
    Arc::new(Simulated(world.clone()))
}

impl Transport for Simulated {
    fn send(&self, request: Request<Bytes>) -> ResponseFuture<'_> {
        let world = self.0.clone();
        Box::pin(async move {
            let answer = world.answer(request).await;
            answer.map_err(|broken| TransportError {
                kind: TransportErrorKind::Connect,
                message: broken.to_string(),
            })
        })
    }
}
