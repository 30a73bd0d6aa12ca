//! What was asked of the cloud: it remembers the latest calls, so somebody has to write them down
//! in time.

use std::collections::BTreeMap;
use std::time::Duration;

use cloudaudit_exporter::sim::{Call, World};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

/// The cloud remembers ten thousand calls, and there are some hundred a second.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Who polled an account, and when for the first and the last time.
#[derive(Debug)]
pub struct Stay {
    /// The door of the cloud, which is one process's.
    pub process: String,
    pub first: Instant,
    pub last: Instant,
    pub polls: u32,
}

/// What is known of all calls.
#[derive(Default)]
pub struct Record {
    /// By the account's number, in their order.
    pub stays: BTreeMap<String, Vec<Stay>>,
    /// What was refused: action and code.
    pub refused: Vec<(String, String)>,
    latest: Option<Instant>,
}

/// Somebody who writes.
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
        // Two of one instant are told apart by nothing; no two are, of a clock of nanoseconds.
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

    /// The shortest time between the last poll of one process and the first of the next, over all
    /// accounts. Whoever polls an account that another has begun to poll is found out here.
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
