//! What a run has found: a line for each as it is found, and one table of them at the end.

use super::scale::Scale;

/// A figure that was measured, and the one that was wanted.
struct Finding {
    what: String,
    value: f64,
    unit: &'static str,
    at_most: Option<f64>,
}

/// All that was found.
#[derive(Default)]
pub(crate) struct Findings(Vec<Finding>);

impl Findings {
    /// A line for whoever reads along, or wants the figures behind a ratio.
    pub(crate) fn note(line: &str) {
        println!("{line}");
    }

    /// A figure without a goal.
    pub(crate) fn found(&mut self, what: impl Into<String>, value: f64, unit: &'static str) {
        self.add(what.into(), value, unit, None);
    }

    /// A figure that should be no larger than this.
    pub(crate) fn wanted(
        &mut self,
        what: impl Into<String>,
        value: f64,
        unit: &'static str,
        at_most: f64,
    ) {
        self.add(what.into(), value, unit, Some(at_most));
    }

    fn add(&mut self, what: String, value: f64, unit: &'static str, at_most: Option<f64>) {
        let finding = Finding {
            what,
            value,
            unit,
            at_most,
        };
        Self::note(&format!("=> {}: {}", finding.what, finding.measured()));
        self.0.push(finding);
    }

    /// The table, in Markdown.
    pub(crate) fn print(&self, scale: &Scale) {
        if !scale.is_full {
            println!("a smoke run: the figures mean nothing");
        }
        println!("\n| what | measured | goal | |\n| --- | --- | --- | --- |");
        for finding in &self.0 {
            let (goal, verdict) = match finding.at_most {
                Some(most) if finding.value <= most => (finding.shown(most), "met"),
                Some(most) => (finding.shown(most), "missed"),
                None => (String::new(), ""),
            };
            let goal = if goal.is_empty() {
                goal
            } else {
                format!("≤ {goal}")
            };
            println!(
                "| {} | {} | {goal} | {verdict} |",
                finding.what,
                finding.measured()
            );
        }
    }
}

impl Finding {
    fn measured(&self) -> String {
        self.shown(self.value)
    }

    fn shown(&self, value: f64) -> String {
        let digits = match value.abs() {
            100.0.. => 0,
            10.0.. => 1,
            1.0.. => 2,
            _ => 3,
        };
        format!("{value:.digits$} {}", self.unit).trim().to_owned()
    }
}
