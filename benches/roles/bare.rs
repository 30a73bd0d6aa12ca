//! The minimal cost of a scrape: hyper, which the exporter's listener uses too, with prepared bytes.

use std::convert::Infallible;

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, HeaderValue};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use super::runtime;

/// Arguments: the file with the plain bytes, and the one with the compressed ones.
pub(super) fn run(arguments: &[String]) {
    let read =
        |index: usize| Bytes::from(std::fs::read(&arguments[index]).expect("the file is there"));
    let (plain, gzip) = (read(0), read(1));
    runtime().block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        println!("{}", listener.local_addr().expect("it is bound"));
        loop {
            let accepted = listener.accept().await;
            let (stream, _) = accepted.expect("there are descriptors left");
            drop(stream.set_nodelay(true));
            let (plain, gzip) = (plain.clone(), gzip.clone());
            let service = service_fn(move |request| {
                let response = response(&request, &plain, &gzip);
                async { Ok::<_, Infallible>(response) }
            });
            let connection = hyper::server::conn::http1::Builder::new();
            tokio::spawn(connection.serve_connection(TokioIo::new(stream), service));
        }
    });
}

fn response<B>(request: &Request<B>, plain: &Bytes, gzip: &Bytes) -> Response<Full<Bytes>> {
    let accepted = request.headers().get(ACCEPT_ENCODING);
    let is_gzip = accepted.is_some_and(|accepted| accepted.as_bytes() == b"gzip");
    let body = if is_gzip { gzip } else { plain };
    let mut response = Response::new(Full::new(body.clone()));
    let headers = response.headers_mut();
    let text = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    headers.insert(CONTENT_TYPE, text);
    if is_gzip {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    response
}
