//! A row of the table: a fault, what the exporter shows, and how it recovers.

use crate::shown::Shown;

/// The claims about a fault. Its test asserts them, and the documentation lists them.
pub struct Row {
    /// The name of its test.
    pub name: &'static str,
    /// What happens.
    pub fault: &'static str,
    /// The results of polls during the fault.
    pub polls: Polls,
    /// The series of the last complete listing during the fault.
    pub numbers: Numbers,
    /// Other series during the fault.
    pub also: Vec<Claim>,
    /// Whether the fault exists before the exporter starts.
    pub exists_before_start: bool,
    /// How long the recovery may take.
    pub recovery: Recovery,
    /// Other series after the recovery.
    pub afterwards: Vec<Claim>,
    /// What an operator does about it.
    pub remedy: &'static str,
}

/// The result of polls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Polls {
    /// They return a complete listing.
    Succeed,
    /// They fail with this reason and this code.
    Fail(&'static str, &'static str),
}

/// The series of a target's last complete listing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Numbers {
    /// As in the cloud.
    Exact,
    /// As the API lists them, which differs from the cloud.
    AsListed,
    /// As at the last success, whose timestamp does not change.
    Kept,
    /// As at the last success, except for tracks that were listed since.
    Updated,
    /// As at the last success, with its timestamp or an earlier one.
    Restored,
    /// Absent, while the timestamp of the last success stays.
    Hidden,
    /// Absent, because no poll has succeeded yet.
    Absent,
}

/// When everything is exact again after a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recovery {
    /// Within this many intervals.
    Intervals(u32),
    /// Within this many seconds.
    Seconds(u32),
    /// Always: no series becomes wrong.
    AtOnce,
    /// After a restart of the exporter.
    Restart,
}

/// A claim about series.
pub struct Claim {
    /// A metric and the labels to select: `metric{label="value"}`.
    pub series: &'static str,
    /// How they behave.
    pub does: Does,
}

/// How a series behaves, compared with its value before the fault.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Does {
    /// It is larger than before.
    Grow,
    /// It is larger by this much.
    GrowBy(f64),
    /// It is larger by this much, and no series with other labels changes.
    GrowAlone(f64),
    /// It has this value.
    Equal(f64),
    /// It has this value, within 1.
    About(f64),
    /// It is below this at times.
    DipBelow(f64),
    /// It is present and above this.
    Exceed(f64),
    /// It is absent.
    Miss,
}

impl Row {
    /// Creates a row of a fault during which polls succeed, until other claims are added.
    pub fn new(name: &'static str, fault: &'static str) -> Self {
        Self {
            name,
            fault,
            polls: Polls::Succeed,
            numbers: Numbers::Exact,
            also: Vec::new(),
            exists_before_start: false,
            recovery: Recovery::Intervals(1),
            afterwards: Vec::new(),
            remedy: "",
        }
    }

    /// Claims that polls fail, and that values are kept.
    pub fn fails(mut self, reason: &'static str, code: &'static str) -> Self {
        self.polls = Polls::Fail(reason, code);
        self.numbers(Numbers::Kept)
    }

    /// Claims that the fault exists before the exporter starts, which therefore has no values.
    pub fn since_the_start(mut self) -> Self {
        self.exists_before_start = true;
        self.numbers(Numbers::Absent)
    }

    pub fn numbers(mut self, numbers: Numbers) -> Self {
        self.numbers = numbers;
        self
    }

    pub fn also(mut self, series: &'static str, does: Does) -> Self {
        self.also.push(Claim { series, does });
        self
    }

    pub fn recovers(mut self, recovery: Recovery) -> Self {
        self.recovery = recovery;
        self
    }

    pub fn afterwards(mut self, series: &'static str, does: Does) -> Self {
        self.afterwards.push(Claim { series, does });
        self
    }

    pub fn remedy(mut self, remedy: &'static str) -> Self {
        self.remedy = remedy;
        self
    }

    /// Returns the line of the table.
    pub fn line(&self) -> String {
        let (fault, name, remedy) = (self.fault, self.name, self.remedy);
        let (shows, recovers) = (self.shows(), self.recovers_text());
        let line = format!("| {fault}<br>`{name}` | {shows} | {recovers} | {remedy} |");
        assert_eq!(line.matches('|').count(), 5, "four cells: {line}");
        line
    }

    fn shows(&self) -> String {
        let up = match self.polls {
            Polls::Succeed => "polls succeed".to_owned(),
            Polls::Fail(reason, code) if reason == code => format!("polls fail: `{reason}`"),
            Polls::Fail(reason, code) => format!("polls fail: `{reason}` (`{code}`)"),
        };
        let numbers = match self.numbers {
            Numbers::Exact => "values correct",
            Numbers::AsListed => "values as listed",
            Numbers::Kept => "values unchanged",
            Numbers::Updated => "values of listed tracks updated, others unchanged",
            Numbers::Restored => "values unchanged, but the success time may be older",
            Numbers::Hidden => "values hidden",
            Numbers::Absent => "no values yet",
        };
        with_claims(format!("{up}; {numbers}"), &self.also)
    }

    fn recovers_text(&self) -> String {
        let recovered = match (self.recovery, self.polls) {
            (Recovery::Restart, _) => "after a restart".to_owned(),
            (Recovery::Intervals(_), Polls::Succeed)
                if self.numbers == Numbers::Exact && self.afterwards.is_empty() =>
            {
                "immediate".to_owned()
            }
            (Recovery::AtOnce, _) => "immediate".to_owned(),
            (Recovery::Seconds(seconds), _) => format!("{seconds} s"),
            (Recovery::Intervals(1), _) => "1 interval".to_owned(),
            (Recovery::Intervals(intervals), _) => format!("{intervals} intervals"),
        };
        with_claims(recovered, &self.afterwards)
    }
}

fn with_claims(text: String, claims: &[Claim]) -> String {
    let texts = std::iter::once(text).chain(claims.iter().map(Claim::text));
    texts.collect::<Vec<String>>().join("; ")
}

impl Claim {
    /// Returns the claim as in the table. A value is written as in the exposition.
    fn text(&self) -> String {
        let series = self.series;
        match self.does {
            Does::Grow => format!("`{series}` grows"),
            Does::GrowBy(0.0) => format!("`{series}` unchanged"),
            Does::GrowBy(difference) => format!("`{series}` +{difference}"),
            Does::GrowAlone(difference) => format!("only `{series}` +{difference}"),
            Does::Equal(value) => format!("`{series} {value}`"),
            Does::About(value) => format!("`{series}` ≈{value}"),
            Does::DipBelow(limit) => format!("`{series}` falls below {limit}"),
            Does::Exceed(limit) => format!("`{series}` is above {limit}"),
            Does::Miss => format!("`{series}` absent"),
        }
    }

    /// Returns whether the claim must stay true once it is true.
    pub fn is_lasting(&self) -> bool {
        !matches!(self.does, Does::DipBelow(_))
    }

    /// Returns whether the claim is true.
    pub fn is_true(&self, before: &Shown, now: &Shown) -> bool {
        let (was, is) = (before.values(self.series), now.values(self.series));
        let sum = |values: &[f64]| values.iter().sum::<f64>();
        match self.does {
            Does::Grow => sum(&is) > sum(&was),
            Does::GrowBy(difference) => sum(&is) - sum(&was) == difference,
            Does::GrowAlone(difference) => {
                let (metric, _) = self.series.split_once('{').unwrap();
                let all = [now, before].map(|shown| sum(&shown.values(metric)));
                sum(&is) - sum(&was) == difference && all[0] - all[1] == difference
            }
            Does::Equal(value) => is == [value],
            Does::About(value) => is.len() == 1 && (is[0] - value).abs() <= 1.0,
            Does::DipBelow(limit) => !is.is_empty() && is.iter().all(|value| *value < limit),
            Does::Exceed(limit) => !is.is_empty() && is.iter().all(|value| *value > limit),
            Does::Miss => is.is_empty(),
        }
    }
}
