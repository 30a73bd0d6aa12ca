//! Finding operations whose records are due, with few queries.

use std::time::Duration;

use cloudaudit_exporter::delivery::{
    Ask, Due, MAX_QUERIES, MAX_QUERIES_FOR_OLDEST, Operations, OperationsQuery, Question, Recorded,
    Records, Rules,
};
use cloudaudit_exporter::failure::{Failure, Reason};
use cloudaudit_exporter::snapshot::Scope;
use tokio::time::Instant;

use super::{RULES, minute, moment};

fn recorded(scopes: &[[&str; 3]]) -> Recorded {
    let scopes = scopes.iter().map(|[action, resource, event]| Scope {
        action_type: (*action).to_owned(),
        resource_type: (*resource).to_owned(),
        event_names: vec![(*event).to_owned()],
    });
    Recorded {
        scopes: scopes.collect(),
        is_complete: true,
    }
}

/// The operation records of an account in a test.
struct World {
    operations: Operations,
    rules: Rules,
    start: Instant,
    /// The event name and the minute of each record.
    records: Vec<(&'static str, u64)>,
    /// The maximum number of records in one response.
    page: usize,
    failure: Option<Failure>,
    queries: Vec<OperationsQuery>,
}

impl World {
    fn new(records: &[(&'static str, u64)]) -> Self {
        Self {
            operations: Operations::default(),
            rules: RULES,
            start: Instant::now(),
            records: records.to_vec(),
            page: 50,
            failure: None,
            queries: Vec::new(),
        }
    }

    /// Determines what was due after a minute, and answers every query.
    fn ask(&mut self, after: u64, now: u64, recorded: &Recorded) -> Due {
        let question = Question {
            after: minute(after),
            cloud_now: minute(now),
        };
        let now = moment(self.start, now);
        loop {
            match self.operations.ask(question, recorded, &self.rules, now) {
                Ask::Answer(due) => return due,
                Ask::Query(query) => {
                    let records = self.answer(&query);
                    self.queries.push(query.clone());
                    self.operations.enter(query, records, now);
                }
            }
        }
    }

    /// Sends all queries of the hour that are left.
    fn use_up_queries(&mut self, now: u64) {
        for number in 0.. {
            let other = recorded(&[["*", &format!("other{number}"), "*"]]);
            if matches!(self.ask(10, now, &other), Due::Unknown { .. }) {
                return;
            }
        }
    }

    /// Returns the newest records of the period.
    fn answer(&self, query: &OperationsQuery) -> Result<Records, Failure> {
        if let Some(failure) = &self.failure {
            return Err(failure.clone());
        }
        let within = |at: u64| minute(at) >= query.from && minute(at) <= query.to;
        let mut found: Vec<_> = self.records.iter().filter(|it| within(it.1)).collect();
        found.sort_by_key(|it| std::cmp::Reverse(it.1));
        let is_complete = found.len() <= self.page;
        found.truncate(self.page);
        let operations = found
            .into_iter()
            .map(|(name, at)| ((*name).to_owned(), minute(*at)));
        Ok(Records {
            operations: operations.collect(),
            is_complete,
        })
    }
}

#[test]
fn one_query_determines_what_was_due() {
    let everything = recorded(&[["*", "*", "*"]]);
    for (records, expected) in [
        (vec![], Due::Nothing),
        (vec![("Stop", 10)], Due::Nothing),
        (vec![("Stop", 80)], Due::Pending),
        (
            vec![("Stop", 40), ("Start", 20), ("Run", 80)],
            Due::Overdue(minute(20)),
        ),
    ] {
        let mut world = World::new(&records);
        assert_eq!(world.ask(10, 90, &everything), expected, "{records:?}");
        assert_eq!(world.queries.len(), 1);
        assert_eq!(
            (
                &world.queries[0].action_type,
                &world.queries[0].resource_type
            ),
            (&None, &None)
        );
    }
}

#[test]
fn only_operations_that_a_track_records_are_due() {
    let mut world = World::new(&[("DescribeInstances", 20), ("runinstances", 30)]);
    assert_eq!(
        world.ask(10, 90, &recorded(&[["Write", "cvm", "RunInstances"]])),
        Due::Overdue(minute(30))
    );
    let query = &world.queries[0];
    assert_eq!(query.action_type.as_deref(), Some("Write"));
    assert_eq!(query.resource_type.as_deref(), Some("cvm"));
}

/// If newer operations fill the page, a second query finds the older ones.
#[test]
fn a_full_page_does_not_hide_a_stall() {
    let everything = recorded(&[["*", "*", "*"]]);
    let mut world = World::new(&[("A", 20), ("B", 85), ("C", 86), ("D", 87)]);
    world.page = 2;
    assert_eq!(world.ask(10, 90, &everything), Due::Overdue(minute(20)));
    assert_eq!(world.queries.len(), 2);
    assert_eq!(world.queries[1].to, minute(70));

    let mut world = World::new(&[("B", 85), ("C", 86), ("D", 87)]);
    world.page = 2;
    assert_eq!(world.ask(10, 90, &everything), Due::Pending);
}

/// A page has the newest operations only, so the oldest one needs a query of its own.
#[test]
fn the_oldest_operation_is_found_behind_many() {
    let everything = recorded(&[["*", "*", "*"]]);
    let each = |from: u64, every: u64| -> Vec<_> {
        let times = (from..1_000).step_by(usize::try_from(every).unwrap());
        times.map(|at| ("A", at)).collect()
    };
    for (records, oldest, queries) in [
        (each(21, 1), Due::Overdue(minute(21)), 2),
        (each(25, 10), Due::Overdue(minute(25)), 2),
        // A pause follows the last arrival.
        (each(500, 1), Due::Overdue(minute(500)), 4),
        // A longer one: the rest of the search follows once the limit allows more queries.
        (each(800, 1), Due::SomeOverdue, MAX_QUERIES_FOR_OLDEST),
    ] {
        let mut world = World::new(&records);
        assert_eq!(world.ask(20, 1_000, &everything), oldest);
        assert_eq!(world.queries.len(), queries);
    }
}

#[test]
fn the_limit_of_queries_survives_a_restart() {
    let everything = recorded(&[["*", "*", "*"]]);
    let mut world = World::new(&[]);
    for now in 0..20 {
        world.ask(10, 100 + now, &everything);
        let sent = world.operations.sent().to_vec();
        assert!(sent.len() <= MAX_QUERIES);
        world.operations = Operations::resume(&sent, moment(world.start, 100 + now));
    }
    assert_eq!(world.queries.len(), MAX_QUERIES);
    world.ask(10, 161, &everything);
    assert_eq!(world.queries.len(), MAX_QUERIES + 1);
}

#[test]
fn targets_share_queries_and_send_at_most_six_per_hour() {
    let mut world = World::new(&[]);
    let everything = recorded(&[["*", "*", "*"]]);
    for minutes in 0..180_u64 {
        let now = 1000 + minutes;
        // Ten targets, each checked once in ten minutes.
        let after = 10 * (minutes % 10);
        assert_eq!(world.ask(after, now, &everything), Due::Nothing, "{now}");
    }
    assert!(
        world.queries.len() <= 3 * MAX_QUERIES + 1,
        "{}",
        world.queries.len()
    );

    // Different scopes cannot share queries. Scopes beyond the limit are unknown.
    let mut world = World::new(&[]);
    let products: Vec<String> = (0..9).map(|number| format!("product{number}")).collect();
    let answers: Vec<Due> = products
        .iter()
        .map(|product| world.ask(10, 90, &recorded(&[["*", product, "*"]])))
        .collect();
    let known = answers.iter().filter(|due| **due == Due::Nothing).count();
    assert_eq!((known, world.queries.len()), (MAX_QUERIES, MAX_QUERIES));
    assert!(matches!(&answers[8], Due::Unknown { why } if why.contains("limit")));
}

#[test]
fn a_denied_query_yields_unknown_and_is_not_repeated_at_once() {
    let mut world = World::new(&[("Stop", 20)]);
    let denied = Failure::new(Reason::Unauthorized, "no right");
    world.failure = Some(denied);
    let everything = recorded(&[["*", "*", "*"]]);
    for now in 90..95 {
        let due = world.ask(10, now, &everything);
        assert!(
            matches!(&due, Due::Unknown { why } if why.contains("no right")),
            "{due:?}"
        );
    }
    assert_eq!(world.queries.len(), 1);
    world.failure = None;
    assert_eq!(world.ask(10, 101, &everything), Due::Overdue(minute(20)));
}

#[test]
fn an_incompletely_known_scope_does_not_prove_that_nothing_was_due() {
    let mut world = World::new(&[]);
    let mut partly = recorded(&[["*", "cvm", "*"]]);
    partly.is_complete = false;
    assert!(matches!(world.ask(10, 90, &partly), Due::Unknown { .. }));
    world = World::new(&[("Stop", 20)]);
    assert_eq!(world.ask(10, 90, &partly), Due::Overdue(minute(20)));
}

fn is_limit(due: &Due) -> bool {
    matches!(due, Due::Unknown { why } if why.contains("limit"))
}

/// If no query is left, an older answer counts only as long as nothing can have become overdue since.
#[test]
fn an_old_answer_hides_no_overdue_operation() {
    let everything = recorded(&[["*", "*", "*"]]);
    let mut world = World::new(&[]);
    assert_eq!(world.ask(10, 90, &everything), Due::Nothing);
    world.use_up_queries(90);
    world.records = vec![("Stop", 91)];
    assert_eq!(world.ask(10, 120, &everything), Due::Nothing, "it is young");
    let later = world.ask(10, 122, &everything);
    assert!(is_limit(&later), "{later:?}");

    // Younger operations have filled a page, and one between was never read.
    let mut world = World::new(&[("A", 72), ("B", 85), ("C", 86), ("D", 87)]);
    world.page = 2;
    assert_eq!(world.ask(10, 90, &everything), Due::Pending);
    world.use_up_queries(90);
    let later = world.ask(10, 105, &everything);
    assert!(is_limit(&later), "{later:?}");
}

/// A second storage target must not take an answer that is hours old.
#[test]
fn an_answer_is_kept_no_longer_than_the_grace() {
    let everything = recorded(&[["*", "*", "*"]]);
    let mut world = World::new(&[]);
    world.rules.interval = Duration::from_hours(6);
    assert_eq!(world.ask(10, 90, &everything), Due::Nothing);
    world.records = vec![("Stop", 100)];
    assert_eq!(world.ask(20, 390, &everything), Due::Overdue(minute(100)));
}

#[test]
fn frequent_checks_do_not_use_up_the_queries() {
    let everything = recorded(&[["*", "*", "*"]]);
    let mut world = World::new(&[]);
    world.rules.interval = Duration::from_mins(1);
    for now in 100..400 {
        assert_eq!(world.ask(10, now, &everything), Due::Nothing, "{now}");
    }
    assert_eq!(world.queries.len(), 300 / 10);
}

/// The operations that have filled a page fill it again.
#[test]
fn a_full_page_is_not_read_again() {
    let everything = recorded(&[["*", "*", "*"]]);
    let mut world = World::new(&[("B", 85), ("C", 86), ("D", 87)]);
    world.page = 2;
    assert_eq!(world.ask(10, 90, &everything), Due::Pending);
    assert_eq!(world.queries.len(), 2);
    assert_eq!(world.ask(10, 101, &everything), Due::Pending);
    assert_eq!(world.queries.len(), 3);
    assert_eq!(world.ask(10, 116, &everything), Due::Overdue(minute(85)));
    assert_eq!(world.queries.len(), 5);
}

/// A query of old operations is kept for ten minutes, so it also covers what becomes overdue meanwhile.
#[test]
fn an_operation_that_becomes_overdue_between_two_queries_is_found() {
    let everything = recorded(&[["*", "*", "*"]]);
    for interval in [1, 10, 60] {
        for operation in 60..=69 {
            let records = [("A", operation), ("B", 85), ("C", 86), ("D", 87)];
            let mut world = World::new(&records);
            (world.page, world.rules.interval) = (2, Duration::from_mins(interval));
            for now in 90..=operation + 30 {
                assert_eq!(world.ask(10, now, &everything), Due::Pending, "{now}");
            }
            let now = operation + 31;
            let due = world.ask(10, now, &everything);
            assert_eq!(due, Due::Overdue(minute(operation)), "{now}");
            assert_eq!(world.queries.len(), 2);
        }
    }
}

/// Operations that are not overdue yet may fill the page of a query of old operations.
#[test]
fn young_operations_do_not_hide_old_ones() {
    let everything = recorded(&[["*", "*", "*"]]);
    let each = |from: u64| (from..1_000).map(|at| ("A", at)).collect::<Vec<_>>();
    for (interval, grace) in [(10, 30), (1, 30), (10, 8), (10, 1)] {
        let now = 100;
        let oldest = now - grace;
        for (records, expected) in [
            (each(oldest), Due::Pending),
            (each(oldest - 1), Due::Overdue(minute(oldest - 1))),
        ] {
            let mut world = World::new(&records);
            world.page = 2;
            world.rules.interval = Duration::from_mins(interval);
            world.rules.grace = Duration::from_mins(grace);
            world.records.retain(|(_, at)| *at <= now);
            let due = world.ask(10, now, &everything);
            let is_expected =
                due == expected || due == Due::SomeOverdue && matches!(expected, Due::Overdue(_));
            assert!(is_expected, "{due:?} with a grace of {grace} minutes");
            assert!(
                world.queries.len() <= MAX_QUERIES_FOR_OLDEST,
                "{:?}",
                world.queries
            );
        }
    }
}

/// Operations that no track records fill every page.
#[test]
fn pages_of_other_operations_cost_one_query_in_ten_minutes() {
    let wanted = recorded(&[["*", "*", "RunInstances"]]);
    let others: Vec<_> = (11..1_000).map(|at| ("DescribeInstances", at)).collect();
    let mut world = World::new(&others);
    world.page = 5;
    for now in 500..800 {
        world.records.retain(|(_, at)| *at <= now);
        let due = world.ask(10, now, &wanted);
        assert!(
            matches!(&due, Due::Unknown { why } if why.contains("too many")),
            "{due:?}"
        );
    }
    assert!(world.queries.len() <= 32, "{}", world.queries.len());
}
