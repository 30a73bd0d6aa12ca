//! The queue of log lines. Its own thread writes to stderr, so that a full pipe or a stopped terminal
//! blocks only this thread.

use std::fmt;
use std::io::{self, Write};
use std::mem;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::stdio::write_all;

/// The most bytes in the queue. A line that does not fit is dropped and counted.
const MAX_WAITING: usize = 1 << 20;

/// The capacity that the buffers keep after a burst.
const KEPT_ROOM: usize = 1 << 16;

/// How often a flush checks whether everything is written.
const FLUSH_PAUSE: Duration = Duration::from_millis(5);

/// The time between two log lines about dropped lines.
const REPORT_INTERVAL: Duration = Duration::from_mins(1);

/// A handle to the queue. Clones share it.
#[derive(Clone)]
pub struct Log(Arc<Shared>);

#[derive(Default)]
struct Shared {
    queue: Mutex<Queue>,
    changed: Condvar,
}

#[derive(Default)]
struct Queue {
    waiting: Vec<u8>,
    /// Whether the thread is writing what it took from `waiting`.
    is_writing: bool,
    /// Lines dropped since [`Log::take_dropped`].
    dropped: u64,
    /// Lines dropped since the last log line about them.
    unreported: u64,
}

impl Log {
    /// Starts a thread that writes to `out`, and logs through `report` how many lines were dropped.
    pub(super) fn start(
        out: impl Write + Send + 'static,
        report: impl Fn(u64) + Send + 'static,
    ) -> io::Result<Self> {
        let log = Self(Arc::default());
        let queue = log.clone();
        thread::Builder::new()
            .name("log".to_owned())
            .spawn(move || queue.write(out, report))?;
        Ok(log)
    }

    /// Adds whole lines, or counts them as dropped if they do not fit. Never waits.
    pub fn push(&self, text: &[u8]) {
        let mut queue = self.queue();
        if queue.waiting.len() + text.len() <= MAX_WAITING {
            queue.waiting.extend_from_slice(text);
        } else {
            queue.drop_lines(text);
        }
        drop(queue);
        self.0.changed.notify_one();
    }

    /// Returns how many lines were dropped since the last call.
    pub fn take_dropped(&self) -> u64 {
        mem::take(&mut self.queue().dropped)
    }

    /// Waits until everything is written, but not longer than `limit`.
    pub async fn flush(&self, limit: Duration) {
        let deadline = Instant::now() + limit;
        while self.is_busy() && Instant::now() < deadline {
            sleep(FLUSH_PAUSE).await;
        }
    }

    fn is_busy(&self) -> bool {
        let queue = self.queue();
        queue.is_writing || !queue.waiting.is_empty()
    }

    fn write(&self, mut out: impl Write, report: impl Fn(u64)) {
        let mut batch = Vec::new();
        let mut next_report = Instant::now();
        loop {
            let dropped = {
                let mut queue = self.wait_for_work(next_report);
                mem::swap(&mut queue.waiting, &mut batch);
                queue.is_writing = true;
                if next_report <= Instant::now() {
                    mem::take(&mut queue.unreported)
                } else {
                    0
                }
            };
            // The queue is empty now, so this line fits.
            if dropped > 0 {
                next_report = Instant::now() + REPORT_INTERVAL;
                report(dropped);
            }
            let mut rest = &*batch;
            // If the reader has closed stderr, a line about the error would not help.
            let written = write_all(&mut out, &mut rest);
            let mut queue = self.queue();
            if written.is_err() {
                queue.drop_lines(rest);
            }
            queue.is_writing = false;
            drop(queue);
            batch.clear();
            batch.shrink_to(KEPT_ROOM);
        }
    }

    /// Waits until there are lines to write or dropped lines to report.
    fn wait_for_work(&self, next_report: Instant) -> MutexGuard<'_, Queue> {
        let mut queue = self.queue();
        loop {
            let report_due = queue.unreported > 0 && next_report <= Instant::now();
            if !queue.waiting.is_empty() || report_due {
                return queue;
            }
            let waited = self.0.changed.wait_timeout(queue, REPORT_INTERVAL);
            queue = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        // A panic cannot leave the queue half-changed.
        self.0.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queue {
    fn drop_lines(&mut self, text: &[u8]) {
        let lines = memchr::memchr_iter(b'\n', text).count() as u64;
        self.dropped += lines;
        self.unreported += lines;
    }
}

/// The formatters write each event in one call.
impl Write for Log {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        self.push(text);
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Log").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, PipeReader, Read, Write};
    use std::sync::mpsc::{self, Receiver};
    use std::time::Duration;

    use tokio::time::Instant;

    use super::{Log, MAX_WAITING};

    const STALL_TIMEOUT: Duration = Duration::from_secs(30);

    /// A log on a pipe, and what is reported of it.
    fn log() -> (Log, PipeReader, Receiver<u64>) {
        let (reader, writer) = io::pipe().unwrap();
        let (sender, reports) = mpsc::channel();
        let report = move |lines| sender.send(lines).unwrap_or_default();
        let log = Log::start(writer, report).unwrap();
        (log, reader, reports)
    }

    /// Numbered lines of a length.
    fn line(number: usize) -> String {
        format!("{number:0>1023}\n")
    }

    #[test]
    fn what_fits_is_written_in_order_and_the_rest_is_counted_and_reported() {
        let (log, mut reader, reports) = log();
        let began = Instant::now();
        let sent = 3 * MAX_WAITING / 1024;
        for number in 0..sent {
            log.push(line(number).as_bytes());
        }
        assert!(
            began.elapsed() < STALL_TIMEOUT,
            "nothing reads, nothing waits"
        );
        let dropped = usize::try_from(log.take_dropped()).unwrap();
        assert!(dropped > sent / 4, "{dropped}");
        assert_eq!(log.take_dropped(), 0, "they are counted once");
        let mut bytes = vec![0; 1024 * (sent - dropped)];
        reader.read_exact(&mut bytes).unwrap();
        let mut lines = bytes.chunks(1024).map(<[u8]>::to_vec);
        let written: Vec<String> = lines
            .by_ref()
            .map(|line| String::from_utf8(line).unwrap())
            .collect();
        assert!(written.is_sorted(), "the order stays");
        assert_eq!(written[0], line(0));
        // The report may come before the last line is dropped; the next one has the rest.
        let reported = reports.recv_timeout(STALL_TIMEOUT).unwrap();
        assert!((1..=dropped as u64).contains(&reported), "{reported}");
        log.push(&vec![b'\n'; MAX_WAITING + 1]);
        log.push(b"x\n");
        let mut bytes = [0; 2];
        reader.read_exact(&mut bytes).unwrap();
        assert_eq!(&bytes, b"x\n");
        assert_eq!(log.take_dropped(), MAX_WAITING as u64 + 1);
        let second = reports.recv_timeout(Duration::from_millis(300));
        assert!(second.is_err(), "at most one report a minute");
    }

    #[tokio::test]
    async fn a_flush_ends_when_all_is_written_and_when_its_time_is_over() {
        let (log, mut reader, _reports) = log();
        log.push(&vec![b'.'; 100_000]);
        let began = Instant::now();
        log.flush(Duration::from_millis(200)).await;
        assert!(began.elapsed() >= Duration::from_millis(200));
        let mut all = vec![0; 100_000];
        reader.read_exact(&mut all).unwrap();
        log.push(b"last\n");
        let began = Instant::now();
        log.flush(STALL_TIMEOUT).await;
        assert!(began.elapsed() < STALL_TIMEOUT);
        let mut last = [0; 5];
        reader.read_exact(&mut last).unwrap();
        assert_eq!(&last, b"last\n");
    }

    #[tokio::test]
    async fn lines_that_meet_a_closed_pipe_are_dropped_and_counted() {
        let (log, reader, _reports) = log();
        drop(reader);
        log.push(b"one\ntwo\n");
        log.flush(STALL_TIMEOUT).await;
        assert_eq!(log.take_dropped(), 2);
    }

    /// A writer that another process has set to be non-blocking, and that takes a byte at a time.
    struct Busy(bool);

    impl Write for Busy {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 = !self.0;
            if self.0 {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            Ok(bytes.len().min(3))
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn a_pipe_that_does_not_block_is_tried_again() {
        let log = Log::start(Busy(false), |_| {}).unwrap();
        log.push(b"line\n");
        log.flush(STALL_TIMEOUT).await;
        assert_eq!(log.take_dropped(), 0);
    }
}
