//! A minimal client for scrapes: it sends a request and counts the bytes of the response.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::process::Process;
use super::statistics::milliseconds;

/// The timeout of a response. The peer needs about ten seconds for its largest.
const PATIENCE: Duration = Duration::from_mins(2);

/// The size of a read, in bytes.
const BUFFER_BYTES: usize = 256 * 1024;

/// The pause before each of several scrapes.
const PACE: Duration = Duration::from_millis(50);

/// The encodings that a scrape requests.
pub(crate) const ENCODINGS: [&str; 2] = ["identity", "gzip"];

/// Requests one path of one server repeatedly, over one connection if the server keeps it open.
pub(crate) struct Client {
    address: String,
    request: String,
    connection: Option<BufReader<TcpStream>>,
}

impl Client {
    /// For a path at an address, in an encoding.
    pub(crate) fn new(address: &str, path: &str, encoding: &str) -> Self {
        let headers = format!("Accept-Encoding: {encoding}\r\n");
        Self::with_method("GET", address, path, &headers)
    }

    /// For a request without a body that changes something.
    pub(crate) fn post(address: &str, path: &str) -> Self {
        Self::with_method("POST", address, path, "Content-Length: 0\r\n")
    }

    fn with_method(method: &str, address: &str, path: &str, headers: &str) -> Self {
        let request = format!("{method} {path} HTTP/1.1\r\nHost: {address}\r\n{headers}\r\n");
        Self {
            address: address.to_owned(),
            request,
            connection: None,
        }
    }

    /// Returns how long a response takes until its last byte.
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

/// Returns the milliseconds of scrapes at an even pace, one after another, as long as `goes_on`.
pub(crate) fn scrapes(
    exporter: &Process,
    encoding: &str,
    mut goes_on: impl FnMut() -> bool,
) -> Vec<f64> {
    let mut client = Client::new(&exporter.address, "/metrics", encoding);
    let mut times = Vec::new();
    while goes_on() {
        sleep(PACE);
        times.push(milliseconds(client.timed().expect("the exporter serves")));
    }
    times
}

/// Returns the milliseconds of scrapes at an even pace, for this time.
pub(crate) fn scrapes_for(time: Duration, exporter: &Process, encoding: &str) -> Vec<f64> {
    let began = Instant::now();
    scrapes(exporter, encoding, || began.elapsed() < time)
}

fn connect(address: &str) -> io::Result<BufReader<TcpStream>> {
    let stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
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
