//! A client for scrapes that costs as little as one can: it sends a request, and counts the bytes
//! of what comes.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// No response takes longer: the peer needs some ten seconds for its largest.
const STALL_TIMEOUT: Duration = Duration::from_mins(2);

/// How much is read at once.
const BUFFER_BYTES: usize = 256 * 1024;

/// The encodings that a scrape is asked for in.
pub(crate) const ENCODINGS: [&str; 2] = ["identity", "gzip"];

/// Asks one server for one thing, again and again, over one connection where the server keeps it.
pub(crate) struct Client {
    address: String,
    request: String,
    connection: Option<BufReader<TcpStream>>,
}

impl Client {
    /// For a path at an address, in an encoding.
    pub(crate) fn new(address: &str, path: &str, encoding: &str) -> Self {
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: {address}\r\nAccept-Encoding: {encoding}\r\n\r\n"
        );
        Self {
            address: address.to_owned(),
            request,
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
        if !head.starts_with("http/1.1 200 ") && !head.starts_with("http/1.0 200 ") {
            return Err(io::Error::other(head));
        }
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "));
        let length = length.and_then(|length| length.parse().ok());
        let came = io::copy(
            &mut connection.by_ref().take(length.unwrap_or(u64::MAX)),
            body,
        )?;
        match length {
            Some(length) if length > came => return Err(io::ErrorKind::UnexpectedEof.into()),
            Some(_) if head.starts_with("http/1.1") => self.connection = Some(connection),
            // Its end was the end of the connection.
            _ => {}
        }
        Ok(())
    }
}

fn connect(address: &str) -> io::Result<BufReader<TcpStream>> {
    let stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(STALL_TIMEOUT))?;
    Ok(BufReader::with_capacity(BUFFER_BYTES, stream))
}

/// Status and headers, in small letters.
fn read_head(connection: &mut impl BufRead) -> io::Result<String> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if connection.read_line(&mut head)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(head.to_ascii_lowercase())
}
