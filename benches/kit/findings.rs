//! The results of a run: a line for each result, and one table at the end.

/// The rows of the table, in Markdown.
#[derive(Default)]
pub(crate) struct Findings(Vec<String>);

impl Findings {
    /// Prints a line, for example the figures behind a ratio.
    pub(crate) fn note(line: &str) {
        println!("{line}");
    }

    /// Adds a figure without a limit.
    pub(crate) fn found(&mut self, what: &str, value: f64, unit: &str) {
        let value = shown(value, unit);
        Self::note(&format!("=> {what}: {value}"));
        self.0.push(format!("| {what} | {value} | | |"));
    }

    /// Adds a figure that should not exceed a limit.
    pub(crate) fn wanted(&mut self, what: &str, value: f64, unit: &str, most: f64) {
        let verdict = if value <= most { "met" } else { "missed" };
        let (value, most) = (shown(value, unit), shown(most, unit));
        Self::note(&format!("=> {what}: {value}, at most {most}: {verdict}"));
        self.0
            .push(format!("| {what} | {value} | ≤ {most} | {verdict} |"));
    }

    /// Prints the table of all results.
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
