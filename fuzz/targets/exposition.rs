//! The exposition has what was published, for any accounts at any time, according to an independent
//! parser.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use cloudaudit_exporter::clock::Moment;
use cloudaudit_exporter::failure::{Failure, Reason};
use cloudaudit_exporter::history::{OverviewCache, Retention, TargetHistory};
use cloudaudit_exporter::publisher::{Account, Publisher};
use cloudaudit_exporter::snapshot::{AccountInfo, Listing, Report, Status, Storage, Track};
use tokio::time::Instant;

use self::checks::{check, unzips_to_the_same};
use super::input::Input;

mod checks;

const MAX_ACCOUNTS: u8 = 3;
const MAX_TARGETS: u8 = 2;
const MAX_LABELS: u8 = 3;
const MAX_TRACKS: u8 = 5;

/// The most steps; more would only be slow.
const MAX_STEPS: usize = 8;

const INTERVAL: Duration = Duration::from_mins(1);
const STALE_AFTER: Duration = Duration::from_mins(10);

const RETENTION: Retention = Retention {
    stale_after: STALE_AFTER,
    tombstone_for: Duration::from_mins(20),
    max_tracks: 3, // fewer than there may be
};

/// Publishes as the input says, and reads what is shown after each step.
pub fn exposition(input: &[u8]) {
    let mut input = Input::new(input);
    let mut now = Moment {
        wall: UNIX_EPOCH + Duration::from_hours(498_720),
        steady: Instant::now(),
    };
    let publisher = Publisher::new();
    let mut scenes: Vec<Scene> = (0..=input.below(MAX_ACCOUNTS))
        .map(|number| Scene::new(number, &mut input, &publisher))
        .collect();
    for _ in 0..MAX_STEPS {
        let which = usize::from(input.byte()) % scenes.len();
        scenes[which].step(&mut input, now);
        let time = input.byte();
        let passed = Duration::from_secs(u64::from(time) * 4);
        now.wall += passed;
        now.steady += passed;
        check(&publisher, &scenes, now);
        // Deflating is slow, above all where it is instrumented: only where the input wants it.
        if time % 16 == 10 {
            unzips_to_the_same(&publisher, now);
        }
        if input.is_empty() {
            break;
        }
    }
}

/// One account, what was published of it, and what must be shown.
struct Scene {
    info: Arc<AccountInfo>,
    account: Account,
    histories: Vec<TargetHistory>,
    targets: Vec<Target>,
    is_published: bool,
}

/// What must be shown of one target.
struct Target {
    region: String,
    listed: Option<(Vec<Track>, u64, Instant)>,
    failure: Option<Failure>,
}

impl Scene {
    fn new(number: u8, input: &mut Input<'_>, publisher: &Arc<Publisher>) -> Self {
        let labels = (0..input.below(MAX_LABELS))
            .map(|_| (label_name(input), input.text()))
            .collect();
        let info = Arc::new(AccountInfo {
            name: format!("{number}{}", input.text()),
            labels,
            uin: input.text(),
            site: "china",
            organization: input.text(),
            provider: "inline",
            ..AccountInfo::default()
        });
        let regions: Vec<String> = (0..=input.below(MAX_TARGETS))
            .map(|number| format!("{number}{}", short(&input.text())))
            .collect();
        let history = |region: &String| TargetHistory::new(region.clone(), INTERVAL, RETENTION);
        Self {
            account: publisher.account(Arc::clone(&info)),
            info,
            histories: regions.iter().map(history).collect(),
            targets: regions.into_iter().map(Target::unknown).collect(),
            is_published: false,
        }
    }

    /// Ends one poll of one target and publishes the account.
    fn step(&mut self, input: &mut Input<'_>, now: Moment) {
        const TOOK: Duration = Duration::from_millis(120);
        let which = usize::from(input.byte()) % self.targets.len();
        let (history, target) = (&mut self.histories[which], &mut self.targets[which]);
        match input.below(4) {
            0 => {}
            1 => {
                let reason = Reason::ALL[usize::from(input.byte()) % Reason::ALL.len()];
                let failure = Failure::with_code(reason, input.text(), input.text());
                history.failed(failure.clone(), now, TOOK);
                target.failure = Some(failure);
            }
            _ => {
                let tracks = (0..input.below(MAX_TRACKS)).map(|_| track(input));
                let by_id: BTreeMap<u64, Track> = tracks.map(|it| (it.id, it)).collect();
                let tracks: Vec<Track> = by_id.into_values().collect();
                let reported = tracks.len() as u64 + u64::from(input.below(3));
                let listing = Listing {
                    tracks: tracks.clone(),
                    reported,
                    ..Listing::default()
                };
                history.listed(listing, now, TOOK);
                target.failure = None;
                target.listed = Some((tracks, reported, now.steady + STALE_AFTER));
            }
        }
        self.is_published = true;
        let targets = self.histories.iter().map(TargetHistory::report);
        let report = Report {
            account: Arc::clone(&self.info),
            overviews: OverviewCache::default().overviews(&self.info, None, targets.clone()),
            targets: targets.cloned().collect(),
            requests_per_second: 10.0,
            ..Report::default()
        };
        let evidence = report.evidence;
        self.account.publish(Arc::new(report), evidence, now);
    }
}

impl Target {
    fn unknown(region: String) -> Self {
        Self {
            region,
            listed: None,
            failure: None,
        }
    }

    /// The tracks and `TotalCount`, if they are young enough.
    fn shown(&self, now: Moment) -> Option<(&[Track], u64)> {
        let (tracks, reported, until) = self.listed.as_ref()?;
        (now.steady < *until).then_some((tracks, *reported))
    }
}

/// Any of the names that the configuration lets through.
fn label_name(input: &mut Input<'_>) -> String {
    let length = input.below(4);
    let letters = (0..length).map(|_| char::from(b"abcXYZ_019"[usize::from(input.below(10))]));
    format!("own_{}", letters.collect::<String>())
}

fn track(input: &mut Input<'_>) -> Track {
    Track {
        id: match input.byte() {
            255 => input.number(),
            few => u64::from(few % 8),
        },
        name: input.text(),
        action_type: input.text(),
        resource_type: input.text(),
        event_names: vec![input.text()],
        status: Status::ALL[usize::from(input.below(3))],
        storage: Storage {
            kind: match input.below(4) {
                0 => "cos".to_owned(),
                1 => "ckafka".to_owned(),
                _ => input.text(),
            },
            region: input.text(),
            name: input.text(),
            prefix: input.text(),
            account: input.text(),
            app_id: String::new(),
        },
        created: (input.below(2) == 1).then(|| input.number().cast_signed()),
        is_partial: false,
        details: None,
    }
}

fn short(text: &str) -> String {
    text.chars().take(32).collect()
}
