//! A row of the table: what a fault is, what it shows, what recovers it.

use std::fmt::Write;

use crate::shown::Shown;

/// What is claimed of a fault. The claims are asserted by playing it, and then written down.
pub struct Row {
    /// Its test.
    pub name: &'static str,
    /// What happens.
    pub fault: &'static str,
    /// What becomes of the polls while it lasts.
    pub polls: Polls,
    /// What becomes of the numbers of the last complete listing.
    pub numbers: Numbers,
    /// What else is shown while it lasts.
    pub also: Vec<Claim>,
    /// Whether it lasts since the exporter began.
    pub is_there_from_the_start: bool,
    /// How long it may take after its end until everything is exact.
    pub recovery: Recovery,
    /// What is shown after that.
    pub afterwards: Vec<Claim>,
    /// What an operator does about it.
    pub remedy: &'static str,
}

/// What becomes of polls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Polls {
    /// They bring a complete listing.
    Succeed,
    /// They fail, of a reason and a code.
    Fail(&'static str, &'static str),
}

/// What becomes of the series of a target's last complete listing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Numbers {
    /// As the cloud has them.
    Exact,
    /// As the API lists them, which is not as they are.
    AsListed,
    /// As they were at the last success, whose timestamp stands still.
    Kept,
    /// The same, but for the tracks that were seen since.
    Updated,
    /// As they were, with the timestamp of that success or of an earlier one.
    Restored,
    /// Left out, while the timestamp of the last success stays.
    Hidden,
    /// There were none yet.
    Absent,
}

/// When everything is exact after a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recovery {
    /// So many intervals after its end.
    Intervals(u32),
    /// So many seconds after its end.
    Seconds(u32),
    /// Nothing was ever wrong with them.
    AtOnce,
    /// So, after the exporter was started anew.
    Restart,
}

/// What is claimed of some series.
pub struct Claim {
    /// A metric, and the labels that are asked for: `metric{label="value"}`.
    pub series: &'static str,
    /// What it does.
    pub does: Does,
}

/// What a series does, measured from before the fault.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Does {
    /// It is larger than before.
    Grow,
    /// It is larger by so much.
    GrowBy(f64),
    /// The same, and other labels of the metric are not.
    GrowAlone(f64),
    /// It has this value.
    Equal(f64),
    /// It has this value, give or take a second.
    About(f64),
    /// It is below this at times.
    DipBelow(f64),
    /// It is there and above this.
    Exceed(f64),
    /// It is not there.
    Miss,
}

impl Row {
    /// A fault that polls succeed in spite of, until something else is claimed.
    pub fn new(name: &'static str, fault: &'static str) -> Self {
        Self {
            name,
            fault,
            polls: Polls::Succeed,
            numbers: Numbers::Exact,
            also: Vec::new(),
            is_there_from_the_start: false,
            recovery: Recovery::Intervals(1),
            afterwards: Vec::new(),
            remedy: "",
        }
    }

    /// Polls fail of it, and numbers are kept.
    pub fn fails(mut self, reason: &'static str, code: &'static str) -> Self {
        self.polls = Polls::Fail(reason, code);
        self.numbers(Numbers::Kept)
    }

    /// It is there when the exporter begins, which so never had any numbers.
    pub fn since_the_start(mut self) -> Self {
        self.is_there_from_the_start = true;
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

    /// The line of the table.
    pub fn line(&self) -> String {
        let (fault, name, remedy) = (self.fault, self.name, self.remedy);
        let (shows, recovers) = (self.shows(), self.recovers_text());
        let line = format!("| {fault}<br>`{name}` | {shows} | {recovers} | {remedy} |");
        assert_eq!(line.matches('|').count(), 5, "four cells: {line}");
        line
    }

    fn shows(&self) -> String {
        let up = match self.polls {
            Polls::Succeed => "up 1".to_owned(),
            Polls::Fail(reason, code) => format!("up 0: `{reason}`, `{code}`"),
        };
        let numbers = match self.numbers {
            Numbers::Exact => "numbers exact",
            Numbers::AsListed => "numbers as listed",
            Numbers::Kept => "numbers kept",
            Numbers::Updated => "tracks that were seen are updated, the others kept",
            Numbers::Restored => "numbers kept, their time true or older",
            Numbers::Hidden => "numbers hidden",
            Numbers::Absent => "no numbers",
        };
        with_claims(format!("{up}; {numbers}"), &self.also)
    }

    fn recovers_text(&self) -> String {
        let recovered = match (self.recovery, self.polls) {
            (Recovery::Restart, _) => "once restarted".to_owned(),
            (Recovery::Intervals(_), Polls::Succeed) if self.afterwards.is_empty() => {
                "no poll fails".to_owned()
            }
            (Recovery::AtOnce, _) => "nothing fails".to_owned(),
            (Recovery::Seconds(seconds), _) => format!("within {seconds} seconds"),
            (Recovery::Intervals(1), _) => "within one interval".to_owned(),
            (Recovery::Intervals(intervals), _) => format!("within {intervals} intervals"),
        };
        with_claims(recovered, &self.afterwards)
    }
}

fn with_claims(mut text: String, claims: &[Claim]) -> String {
    for claim in claims {
        let Claim { series, does } = claim;
        write!(text, "; `{series}` {}", does.text()).unwrap();
    }
    text
}

impl Claim {
    /// Whether what was true once has to stay so.
    pub fn is_lasting(&self) -> bool {
        !matches!(self.does, Does::DipBelow(_))
    }

    /// Whether it is true.
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

impl Does {
    fn text(self) -> String {
        match self {
            Self::Grow => "grows".to_owned(),
            Self::GrowBy(0.0) => "stays".to_owned(),
            Self::GrowBy(difference) => format!("+{difference}"),
            Self::GrowAlone(difference) => format!("+{difference} and no other"),
            Self::Equal(value) => format!("is {value}"),
            Self::About(value) => format!("is about {value}"),
            Self::DipBelow(limit) => format!("falls below {limit}"),
            Self::Exceed(limit) => format!("is above {limit}"),
            Self::Miss => "is absent".to_owned(),
        }
    }
}
