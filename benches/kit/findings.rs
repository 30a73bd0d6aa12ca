//! What a run has found: a line for each as it is found, and one table of them at the end.

/// The rows of the table, in Markdown.
#[derive(Default)]
pub(crate) struct Findings(Vec<String>);

impl Findings {
    /// A line for whoever reads along, or wants the figures behind a ratio.
    pub(crate) fn note(line: &str) {
        println!("{line}");
    }

    /// A figure without a goal.
    pub(crate) fn found(&mut self, what: &str, value: f64, unit: &str) {
        let value = shown(value, unit);
        Self::note(&format!("=> {what}: {value}"));
        self.0.push(format!("| {what} | {value} | | |"));
    }

    /// A figure that should be no larger than this.
    pub(crate) fn wanted(&mut self, what: &str, value: f64, unit: &str, most: f64) {
        let verdict = if value <= most { "met" } else { "missed" };
        let (value, most) = (shown(value, unit), shown(most, unit));
        Self::note(&format!("=> {what}: {value}, at most {most}: {verdict}"));
        self.0
            .push(format!("| {what} | {value} | ≤ {most} | {verdict} |"));
    }

    /// The table of all of them.
    pub(crate) fn print(&self) {
        let head = "| what | measured | goal | |\n| --- | --- | --- | --- |";
        println!("\n{head}\n{}", self.0.join("\n"));
    }
}

fn shown(value: f64, unit: &str) -> String {
    let digits = match value {
        100.0.. => 0,
        10.0.. => 1,
        1.0.. => 2,
        _ => 3,
    };
    format!("{value:.digits$} {unit}")
}
