//! A record of every request to the cloud. The cloud keeps only the latest requests, so a task
//! collects them in time.

use std::collections::BTreeMap;
use std::time::Duration;

use cloudaudit_exporter::sim::{Call, World};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

/// The cloud keeps ten thousand requests, and a few hundred arrive each second.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// An uninterrupted series of polls of one account by one process.
#[derive(Debug)]
pub struct Stay {
    /// The endpoint of the cloud that only this process uses.
    pub process: String,
    pub first: Instant,
    pub last: Instant,
    pub polls: u32,
}

/// A summary of all requests.
#[derive(Default)]
pub struct Record {
    /// By UIN, in chronological order.
    pub stays: BTreeMap<String, Vec<Stay>>,
    /// The action and the error code of each refused request.
    pub refused: Vec<(String, String)>,
    latest: Option<Instant>,
}

/// The task that collects the requests.
pub struct Writer {
    end: oneshot::Sender<()>,
    writing: JoinHandle<Record>,
}

impl Writer {
    pub fn start(world: &World) -> Self {
        let world = world.clone();
        let (end, mut ended) = oneshot::channel();
        let writing = tokio::spawn(async move {
            let mut record = Record::default();
            loop {
                let is_over = tokio::select! {
                    _ = &mut ended => true,
                    () = sleep(LOOK_EVERY) => false,
                };
                world
                    .calls()
                    .into_iter()
                    .for_each(|call| record.enter(call));
                if is_over {
                    return record;
                }
            }
        });
        Self { end, writing }
    }

    pub async fn end(self) -> Record {
        self.end.send(()).unwrap();
        self.writing.await.unwrap()
    }
}

impl Record {
    fn enter(&mut self, call: Call) {
        // The arrival time identifies a request: the clock counts nanoseconds, so no two are equal.
        if self.latest.is_some_and(|latest| call.arrived <= latest) {
            return;
        }
        self.latest = Some(call.arrived);
        if let Some(code) = call.refused {
            self.refused.push((call.action, code));
            return;
        }
        if call.action != "DescribeAuditTracks" {
            return;
        }
        let stays = self.stays.entry(call.uin.unwrap()).or_default();
        match stays.last_mut() {
            Some(stay) if stay.process == call.host => {
                stay.last = call.arrived;
                stay.polls += 1;
            }
            _ => stays.push(Stay {
                process: call.host,
                first: call.arrived,
                last: call.arrived,
                polls: 1,
            }),
        }
    }

    /// Returns the shortest time between the last poll of one process and the first poll of the
    /// next, over all accounts. Panics if a process polls an account again after another took over.
    pub fn shortest_change(&self) -> Duration {
        let mut shortest = Duration::MAX;
        for (account, stays) in &self.stays {
            for (place, stay) in stays.iter().enumerate() {
                let returned = stays[..place].iter().any(|it| it.process == stay.process);
                assert!(!returned, "two processes poll {account}: {stays:?}");
                if let Some(next) = stays.get(place + 1) {
                    shortest = shortest.min(next.first - stay.last);
                }
            }
        }
        shortest
    }
}
