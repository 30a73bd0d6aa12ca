//! The form that selects rows, and the links.

use std::fmt;

use super::html::Text;
use crate::http::filter_values::{allowed, states};
use crate::http::query::Query;

/// The documentation.
const DOCUMENTATION: &str = "https://github.com/cloudaudit-exporter/cloudaudit-exporter#readme";

/// Writes the links. They are relative, so that they work behind a path prefix.
pub(super) fn links(f: &mut fmt::Formatter<'_>, telemetry_path: &str) -> fmt::Result {
    let metrics = telemetry_path.trim_start_matches('/');
    write!(
        f,
        "<nav id=\"links\" aria-label=\"More\"><a href=\"./{}\">Metrics</a>",
        Text(metrics)
    )?;
    for (path, text) in [
        ("./api/v1/targets", "Targets as JSON"),
        ("./api/v1/tracks", "Tracks as JSON"),
        ("./api/v1/changes", "Changes as JSON"),
        ("./api/v1/delivery", "Deliveries as JSON"),
        ("./-/ready", "Ready?"),
        ("./-/healthy", "Healthy?"),
        (DOCUMENTATION, "Documentation"),
    ] {
        write!(f, " <a href=\"{path}\">{text}</a>")?;
    }
    writeln!(f, "</nav>")
}

/// Writes the form.
pub(super) fn form(f: &mut fmt::Formatter<'_>, query: &Query) -> fmt::Result {
    writeln!(f, "<form method=\"get\" action=\"./\">")?;
    for (key, label) in [
        ("account", "Account"),
        ("region", "Region"),
        ("track", "Track or id"),
    ] {
        let value = Text(query.filter_value(key));
        writeln!(
            f,
            "<label>{label} <input name=\"{key}\" value=\"{value}\"></label>"
        )?;
    }
    for (key, label) in [
        ("status", "Status"),
        ("state", "State"),
        ("storage_type", "Storage"),
    ] {
        choice(f, query, key, label)?;
    }
    writeln!(f, "<button>Show</button>")?;
    if !query.has_no_filters() {
        writeln!(f, "<a href=\"./\">Show everything</a>")?;
    }
    writeln!(f, "</form>")?;
    if !query.has_no_filters() {
        writeln!(
            f,
            "<p class=\"soft\">The tables show only matching rows. The verdict and the numbers above cover all accounts.</p>"
        )?;
    }
    Ok(())
}

fn choice(f: &mut fmt::Formatter<'_>, query: &Query, key: &str, label: &str) -> fmt::Result {
    write!(
        f,
        "<label>{label} <select name=\"{key}\"><option value=\"\">any</option>"
    )?;
    let values = if key == "state" {
        states()
    } else {
        allowed(key).unwrap_or_default()
    };
    for value in values {
        let is_selected = query.filter_value(key) == value;
        let selected = if is_selected { " selected" } else { "" };
        write!(f, "<option{selected}>{}</option>", Text(value))?;
    }
    writeln!(f, "</select></label>")
}
