//! The exporter as a process that tests start and scrape.

use std::io::{BufRead, BufReader, Read};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::address::free_address;

/// The time limit for everything that a test waits for.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A variable for tests that measure memory. The allocator gives threads separate arenas, and an arena
/// keeps freed pages for a while. With one arena that keeps none, resident memory follows what the
/// exporter keeps.
pub const ONE_ARENA: (&str, &str) = ("_RJEM_MALLOC_CONF", "narenas:1,dirty_decay_ms:0");

/// A running exporter, killed when it is dropped.
pub struct Exporter {
    child: Child,
    address: SocketAddr,
    log: Arc<Mutex<String>>,
    /// Whether nothing reads the log.
    is_unread: Arc<AtomicBool>,
    readers: Vec<JoinHandle<()>>,
    client: reqwest::Client,
}

impl Exporter {
    /// Starts the daemon with a configuration file and variables, on a free port, and waits until
    /// it listens.
    pub fn start(config: Option<&Path>, environment: &[(&str, &str)]) -> Self {
        // Port 0 would do, but then only the log knows the port.
        let address = free_address();
        let mut command = binary();
        command.arg("--web.listen-address").arg(address.to_string());
        if let Some(file) = config {
            command.arg("--config.file").arg(file);
        }
        command.envs(environment.iter().copied());
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = Arc::new(Mutex::new(String::new()));
        let is_unread = Arc::new(AtomicBool::new(false));
        let readers = vec![
            collect(child.stdout.take().unwrap(), &log, &is_unread),
            collect(child.stderr.take().unwrap(), &log, &is_unread),
        ];
        let mut exporter = Self {
            child,
            address,
            log,
            is_unread,
            readers,
            client: client(),
        };
        exporter.wait_until_it_listens();
        exporter
    }

    /// Returns the address that it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Everything that was read of its output so far, the log included. A line is read later than
    /// what it reports; see [`Self::line_with`].
    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// Waits until a line of the log contains all these words, and returns the latest one.
    pub async fn line_with(&self, words: &[&str]) -> String {
        let start = Instant::now();
        loop {
            let log = self.log();
            let mut lines = log.lines().rev();
            if let Some(line) = lines.find(|line| words.iter().all(|it| line.contains(it))) {
                return line.to_owned();
            }
            assert!(
                start.elapsed() < PATIENCE,
                "no line has {words:?}; log:\n{log}"
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Stops or continues reading its log.
    pub fn leave_log_unread(&self, is_unread: bool) {
        self.is_unread.store(is_unread, Ordering::SeqCst);
    }

    /// Returns the status and the body of a GET.
    pub async fn get(&self, path: &str) -> (u16, String) {
        let response = self
            .client
            .get(format!("http://{}{path}", self.address()))
            .send()
            .await
            .unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    }

    /// Returns the samples of `/metrics`.
    pub async fn metrics(&self) -> Samples {
        let (status, text) = self.get("/metrics").await;
        assert_eq!(status, 200);
        Samples::parse(&text)
    }

    /// Scrapes until the condition holds and returns that scrape.
    pub async fn metrics_when(&self, what: &str, condition: impl Fn(&Samples) -> bool) -> Samples {
        self.metrics_within(PATIENCE, what, condition).await
    }

    /// Like `metrics_when`, with another time limit.
    pub async fn metrics_within(
        &self,
        limit: Duration,
        what: &str,
        condition: impl Fn(&Samples) -> bool,
    ) -> Samples {
        let start = Instant::now();
        loop {
            let samples = self.metrics().await;
            if condition(&samples) {
                return samples;
            }
            assert!(
                start.elapsed() < limit,
                "timed out waiting until {what}; log:\n{}",
                self.log()
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Sends a signal by its name.
    pub fn signal(&self, name: &str) {
        let status = Command::new("kill")
            .arg(format!("-{name}"))
            .arg(self.pid().to_string())
            .status();
        assert!(status.unwrap().success());
    }

    /// Waits until it ends and its log is read. Returns the exit code, or `None` if a signal ended it.
    pub fn wait_for_end(&mut self) -> Option<i32> {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                if !self.is_unread.load(Ordering::SeqCst) {
                    for reader in self.readers.drain(..) {
                        reader.join().unwrap();
                    }
                }
                return status.code();
            }
            assert!(
                start.elapsed() < PATIENCE,
                "it does not end; log:\n{}",
                self.log()
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn wait_until_it_listens(&mut self) {
        let start = Instant::now();
        while TcpStream::connect(self.address).is_err() {
            let ended = self.child.try_wait().unwrap();
            assert!(
                ended.is_none(),
                "it ended immediately; log:\n{}",
                self.log()
            );
            assert!(
                start.elapsed() < PATIENCE,
                "it does not listen; log:\n{}",
                self.log()
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

/// Records the log line by line, and reads nothing while `is_unread`.
fn collect(
    written: impl Read + Send + 'static,
    log: &Arc<Mutex<String>>,
    is_unread: &Arc<AtomicBool>,
) -> JoinHandle<()> {
    let (log, is_unread) = (Arc::clone(log), Arc::clone(is_unread));
    std::thread::spawn(move || {
        for line in BufReader::new(written).lines().map_while(Result::ok) {
            while is_unread.load(Ordering::SeqCst) {
                std::thread::sleep(Duration::from_millis(10));
            }
            let mut log = log.lock().unwrap();
            log.push_str(&line);
            log.push('\n');
        }
    })
}

impl Drop for Exporter {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A client that keeps its connection, as Prometheus does.
fn client() -> reqwest::Client {
    let client = reqwest::Client::builder().tls_certs_only([]).no_proxy();
    client.build().unwrap()
}

/// The program, with no variable of the exporter in its environment.
pub fn binary() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cloudaudit-exporter"));
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        if name.starts_with("TENCENTCLOUD_") || name.starts_with("CLOUDAUDIT_") {
            command.env_remove(name);
        }
    }
    command
}

/// The samples of an exposition, as text and number.
pub struct Samples(pub Vec<(String, f64)>);

impl Samples {
    /// Reads the text format, as far as tests need it.
    pub fn parse(text: &str) -> Self {
        let lines = text
            .lines()
            .filter(|line| !line.starts_with('#') && !line.is_empty());
        Self(
            lines
                .map(|line| {
                    let (series, value) = line.rsplit_once(' ').unwrap();
                    (series.to_owned(), value.parse().unwrap())
                })
                .collect(),
        )
    }

    /// Returns the values of a metric's samples that have all these labels.
    pub fn values(&self, metric: &str, labels: &[(&str, &str)]) -> Vec<f64> {
        let labels: Vec<String> = labels
            .iter()
            .map(|(name, value)| format!("{name}=\"{value}\""))
            .collect();
        self.0
            .iter()
            .filter(|(series, _)| series.split('{').next() == Some(metric))
            .filter(|(series, _)| labels.iter().all(|label| series.contains(label.as_str())))
            .map(|(_, value)| *value)
            .collect()
    }

    /// Returns the sum of these values.
    pub fn sum(&self, metric: &str, labels: &[(&str, &str)]) -> f64 {
        self.values(metric, labels).iter().sum()
    }

    /// Returns every series.
    pub fn series(&self) -> Vec<&str> {
        self.0.iter().map(|(series, _)| series.as_str()).collect()
    }
}
