//! Clients that never send a whole request.

use std::net::SocketAddr;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

/// What each of them sends, one after another. None is a whole request.
const HALVES: [&str; 5] = [
    "",
    "GET /met",
    "GET /metrics HTTP/1.1\r\nHost: a",
    "POST /-/reload HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n",
    "POST /-/reload HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nffff\r\n",
];

/// Opens so many connections to the exporter that each send half a request. They stay open until
/// the returned streams are dropped.
pub async fn send(address: SocketAddr, connections: usize) -> Vec<TcpStream> {
    let mut open = Vec::new();
    for half in HALVES.iter().cycle().take(connections) {
        // A connection that the exporter refuses or closes is what it may do.
        if let Ok(mut stream) = TcpStream::connect(address).await
            && stream.write_all(half.as_bytes()).await.is_ok()
        {
            open.push(stream);
        }
    }
    open
}
