//! A client for scrapes that costs as little as one can: it sends a request, and counts the bytes of what comes.

use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// No response takes longer: the slowest peer needs some ten seconds for its largest.
const PATIENCE: Duration = Duration::from_mins(2);

/// How much is read at once.
const BUFFER_BYTES: usize = 256 * 1024;

/// A head has no more lines.
const MAX_HEADERS: usize = 64;

/// Asks one server for one thing, again and again, over one connection where the server keeps it.
pub(crate) struct Client {
    address: String,
    request: String,
    connection: Option<BufReader<TcpStream>>,
}

/// A response's status, and how many bytes are to come; none: until the connection ends.
struct Head {
    status: u16,
    length: Option<u64>,
    stays: bool,
}

impl Client {
    /// For a path at an address, compressed or not.
    pub(crate) fn new(address: &str, path: &str, gzip: bool) -> Self {
        let encoding = if gzip { "gzip" } else { "identity" };
        Self {
            address: address.to_owned(),
            request: format!(
                "GET {path} HTTP/1.1\r\nHost: {address}\r\nAccept-Encoding: {encoding}\r\n\r\n"
            ),
            connection: None,
        }
    }

    /// How long one takes until its last byte has come.
    pub(crate) fn timed(&mut self) -> io::Result<Duration> {
        let began = Instant::now();
        self.get(&mut io::sink())?;
        Ok(began.elapsed())
    }

    /// The body.
    pub(crate) fn fetch(&mut self) -> io::Result<Vec<u8>> {
        let mut body = Vec::new();
        self.get(&mut body)?;
        Ok(body)
    }

    fn get(&mut self, body: &mut impl Write) -> io::Result<()> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => connect(&self.address)?,
        };
        connection.get_mut().write_all(self.request.as_bytes())?;
        let head = read_head(&mut connection)?;
        let limit = head.length.unwrap_or(u64::MAX);
        let came = io::copy(&mut connection.by_ref().take(limit), body)?;
        if head.length.is_some_and(|length| length != came) {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        if head.stays && head.length.is_some() {
            self.connection = Some(connection);
        }
        match head.status {
            200 => Ok(()),
            status => Err(io::Error::other(format!("status {status}"))),
        }
    }
}

fn connect(address: &str) -> io::Result<BufReader<TcpStream>> {
    let stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    Ok(BufReader::with_capacity(BUFFER_BYTES, stream))
}

fn read_head(connection: &mut impl BufRead) -> io::Result<Head> {
    let mut head = Head {
        status: 0,
        length: None,
        stays: false,
    };
    let mut line = String::new();
    for number in 0..MAX_HEADERS {
        line.clear();
        connection.read_line(&mut line)?;
        let text = line.trim_end().to_ascii_lowercase();
        if number == 0 {
            let status = text
                .split(' ')
                .nth(1)
                .and_then(|status| status.parse().ok());
            head.status = status.ok_or(ErrorKind::InvalidData)?;
            head.stays = text.starts_with("http/1.1");
        } else if text.is_empty() {
            return Ok(head);
        } else if let Some(length) = text.strip_prefix("content-length:") {
            head.length = length.trim().parse().ok();
        } else if text == "connection: close" {
            head.stays = false;
        } else if text.starts_with("transfer-encoding:") {
            return Err(io::Error::other(
                "a body in chunks, which this client does not take",
            ));
        }
    }
    Err(ErrorKind::InvalidData.into())
}
