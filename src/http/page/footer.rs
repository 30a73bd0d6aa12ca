//! The footer: what runs here, with which configuration, since when.

use std::fmt;

use super::facts::Facts;
use super::html::{Text, pluralize};

/// Writes the footer.
pub(super) fn footer(f: &mut fmt::Formatter<'_>, facts: Facts<'_>) -> fmt::Result {
    let info = facts.info;
    writeln!(f, "<footer>")?;
    let version = if info.version.is_empty() {
        "not known"
    } else {
        info.version
    };
    write!(f, "<p>cloudaudit-exporter {}", Text(version))?;
    if !info.revision.is_empty() {
        write!(f, ", revision {}", Text(info.revision))?;
    }
    writeln!(f, "</p>\n<p>Started: {}</p>", facts.when(info.started))?;
    write!(f, "<p>Configuration: hash ")?;
    match info.config_hash {
        Some(hash) => write!(f, "{hash}")?,
        None => f.write_str("not known")?,
    }
    writeln!(f, ", in use since {}</p>", facts.when(info.config_loaded))?;
    if let Some(shard) = &info.shard {
        writeln!(f, "<p>Running as {}.</p>", Text(shard))?;
    }
    for organization in &info.organizations {
        let members = match organization.members {
            Some(members) => pluralize(members, "member"),
            None => "members not known".to_owned(),
        };
        let name = Text(&organization.name);
        writeln!(
            f,
            "<p>Organization {name}: {members}, last listed: {}</p>",
            match organization.last_success {
                None => "not since the start".to_owned(),
                at => facts.when(at).to_string(),
            }
        )?;
    }
    for (account, count) in &info.restarts {
        let restarts = pluralize(*count, "restart");
        writeln!(
            f,
            "<p>Account {}: {restarts} of its task</p>",
            Text(account)
        )?;
    }
    if info.log_lines_dropped > 0 {
        let lines = pluralize(info.log_lines_dropped, "line");
        writeln!(f, "<p>Log: {lines} dropped since the start</p>")?;
    }
    writeln!(f, "</footer>")
}
