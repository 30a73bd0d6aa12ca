//! A gateway between the exporter and a simulated cloud. It keeps connections open and delivers
//! some responses more than once.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Mutex as AsyncMutex, oneshot};
use tokio::time::{sleep, timeout};

/// One in this many responses is delivered again.
const ONE_IN: usize = 4;

/// What the gateway does with a response in addition to its delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mischief {
    /// Delivers it again on the same connection after this delay.
    Again(Duration),
    /// Writes it twice, in one segment.
    Doubled,
    /// Also writes it to another open connection, this long after its own connection sent the next
    /// request. By then the right client has received it; before that, no client could tell that
    /// the response belongs to another request.
    Elsewhere(Duration),
    /// Also writes it to the next connection that opens, before any request.
    OnTheNext,
    /// Delivers it in place of the response to another request for this action, and that one here.
    /// Applies to every pair of concurrent requests for the action.
    Exchanged(&'static str),
}

/// How long a response waits for another one to be exchanged with.
const PARTNER_WAIT: Duration = Duration::from_millis(100);

/// A running gateway.
pub(crate) struct Gateway {
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
}

type Writer = Arc<AsyncMutex<OwnedWriteHalf>>;

/// A response that waits to be exchanged, and where to send the other one.
type Waiting = (Vec<u8>, oneshot::Sender<Vec<u8>>);

struct Shared {
    cloud: SocketAddr,
    mischief: Vec<Mischief>,
    correct: AtomicBool,
    answers: AtomicUsize,
    mischiefs: AtomicUsize,
    writers: Mutex<Vec<(usize, Writer)>>,
    left: Mutex<Option<Vec<u8>>>,
    waiting: Mutex<Option<Waiting>>,
}

impl Gateway {
    /// Starts a gateway that plays each kind of mischief in turn.
    pub(crate) async fn start(cloud: SocketAddr, mischief: &[Mischief]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            cloud,
            mischief: mischief.to_vec(),
            correct: AtomicBool::new(false),
            answers: AtomicUsize::new(0),
            mischiefs: AtomicUsize::new(0),
            writers: Mutex::default(),
            left: Mutex::default(),
            waiting: Mutex::default(),
        });
        let serving = Arc::clone(&shared);
        tokio::spawn(async move {
            let mut number = 0;
            while let Ok((stream, _)) = listener.accept().await {
                number += 1;
                tokio::spawn(Arc::clone(&serving).serve(number, stream));
            }
        });
        Self { address, shared }
    }

    /// Delivers every later response only once.
    pub(crate) fn behave(&self) {
        self.shared.correct.store(true, Ordering::Relaxed);
    }

    /// Returns how many responses were delivered again.
    pub(crate) fn mischiefs(&self) -> usize {
        self.shared.mischiefs.load(Ordering::Relaxed)
    }
}

impl Shared {
    async fn serve(self: Arc<Self>, number: usize, stream: TcpStream) {
        stream.set_nodelay(true).unwrap();
        let (mut reader, writer) = stream.into_split();
        let writer: Writer = Arc::new(AsyncMutex::new(writer));
        let left = self.left.lock().unwrap().take();
        if let Some(left) = left {
            self.count();
            let _ = writer.lock().await.write_all(&left).await;
        }
        let open = (number, Arc::clone(&writer));
        self.writers.lock().unwrap().push(open);
        let mut received = None;
        while let Some(request) = message(&mut reader).await {
            if let Some((mischief, answer)) = received.take() {
                self.play(mischief, number, answer);
            }
            let Some(answer) = self.ask(&request).await else {
                break;
            };
            let answer = self.exchange(&request, answer).await;
            let number_of_answer = self.answers.fetch_add(1, Ordering::Relaxed);
            let due = number_of_answer.is_multiple_of(ONE_IN);
            let due = due && !self.correct.load(Ordering::Relaxed);
            let mischief = self.mischief[number_of_answer / ONE_IN % self.mischief.len()];
            let due = due && !matches!(mischief, Mischief::Exchanged(_));
            let bytes = if due && mischief == Mischief::Doubled {
                self.count();
                answer.repeat(2)
            } else {
                answer.clone()
            };
            if writer.lock().await.write_all(&bytes).await.is_err() {
                break;
            }
            match mischief {
                _ if !due => {}
                Mischief::Again(after) => self.write_later(after, Arc::clone(&writer), answer),
                _ => received = Some((mischief, answer)),
            }
        }
        self.writers.lock().unwrap().retain(|(of, _)| *of != number);
    }

    fn play(self: &Arc<Self>, mischief: Mischief, number: usize, answer: Vec<u8>) {
        match mischief {
            Mischief::Doubled | Mischief::Again(_) | Mischief::Exchanged(_) => {}
            Mischief::Elsewhere(after) => {
                let writers = self.writers.lock().unwrap();
                let mut others = writers.iter().filter(|(of, _)| *of != number);
                let other = others.next_back().map(|(_, other)| Arc::clone(other));
                drop(writers);
                if let Some(other) = other {
                    self.write_later(after, other, answer);
                }
            }
            Mischief::OnTheNext => *self.left.lock().unwrap() = Some(answer),
        }
    }

    /// Returns the response to another request for the same action, if they are to be exchanged and
    /// another one arrives soon.
    async fn exchange(&self, request: &[u8], answer: Vec<u8>) -> Vec<u8> {
        let head = String::from_utf8_lossy(request).to_lowercase();
        let is_due = self.mischief.iter().any(|mischief| match mischief {
            Mischief::Exchanged(action) => {
                head.contains(&format!("x-tc-action: {}\r\n", action.to_lowercase()))
            }
            _ => false,
        });
        if !is_due || self.correct.load(Ordering::Relaxed) {
            return answer;
        }
        let mut receiver = {
            let mut waiting = self.waiting.lock().unwrap();
            if let Some((other, partner)) = waiting.take() {
                match partner.send(answer) {
                    Ok(()) => {
                        self.count();
                        return other;
                    }
                    // The partner has given up, so nothing is exchanged.
                    Err(answer) => return answer,
                }
            }
            let (sender, receiver) = oneshot::channel();
            *waiting = Some((answer, sender));
            receiver
        };
        if let Ok(Ok(other)) = timeout(PARTNER_WAIT, &mut receiver).await {
            return other;
        }
        // Another response is sent here only under the lock.
        let mut waiting = self.waiting.lock().unwrap();
        receiver.try_recv().unwrap_or_else(|_| {
            let (own, _) = waiting.take().expect("it still waits");
            own
        })
    }

    fn write_later(self: &Arc<Self>, after: Duration, writer: Writer, answer: Vec<u8>) {
        let shared = Arc::clone(self);
        tokio::spawn(async move {
            sleep(after).await;
            if writer.lock().await.write_all(&answer).await.is_ok() {
                shared.count();
            }
        });
    }

    fn count(&self) {
        self.mischiefs.fetch_add(1, Ordering::Relaxed);
    }

    /// Forwards a request to the cloud on a connection of its own.
    async fn ask(&self, request: &[u8]) -> Option<Vec<u8>> {
        let mut stream = TcpStream::connect(self.cloud).await.ok()?;
        stream.write_all(request).await.ok()?;
        message(&mut stream.into_split().0).await
    }
}

/// Reads one complete message: a head, and a body of the announced length.
async fn message(stream: &mut OwnedReadHalf) -> Option<Vec<u8>> {
    let mut read = Vec::new();
    loop {
        let mut part = [0; 4096];
        match stream.read(&mut part).await {
            Ok(count @ 1..) => read.extend_from_slice(&part[..count]),
            _ => return None,
        }
        let Some(end) = read.windows(4).position(|end| end == b"\r\n\r\n") else {
            continue;
        };
        let head = String::from_utf8_lossy(&read[..end]).to_lowercase();
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "));
        let length: usize = length.map_or(0, |length| length.trim().parse().unwrap());
        if read.len() >= end + 4 + length {
            return Some(read);
        }
    }
}
