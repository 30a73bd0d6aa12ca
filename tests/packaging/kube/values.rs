//! The values of the chart are the same in values.yaml, the schema and the documentation.

use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use super::helm::CHART;
use super::tool::{copy_folder, damage, read, root, run};
use crate::support::parts::part;

/// The chart validates the configuration with the schema of the exporter.
#[test]
fn golden_schema_of_the_configuration_is_in_the_schema_of_the_values() {
    let path = format!("{CHART}/values.schema.json");
    let new = run(Command::new(part("python"))
        .arg(root().join("tests/packaging/kube/schema.py"))
        .arg(root().join("deploy/cloudaudit-exporter.schema.json"))
        .arg(root().join(&path)));
    let new = new.expect("both are JSON");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(root().join(&path), &new).expect("a writable file");
    } else {
        assert!(read(&path) == new, "{path} is out of date: make golden");
    }
}

const BEGIN: &str = "<!-- values -->\n";
const END: &str = "<!-- end of values -->\n";

fn table(chart: &Path) -> Result<String, String> {
    let script = root().join("tests/packaging/kube/chart_values.py");
    run(Command::new(part("python")).arg(script).arg(chart))
}

#[test]
fn golden_table_of_the_readme_lists_the_schema_and_the_values() {
    let table = table(&root().join(CHART)).expect("the schema and the values agree");
    let path = format!("{CHART}/README.md");
    let readme = read(&path);
    let (head, rest) = readme.split_once(BEGIN).expect("a beginning");
    let (_, tail) = rest.split_once(END).expect("an end");
    let new = format!("{head}{BEGIN}{table}{END}{tail}");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(root().join(&path), &new).expect("a writable file");
    } else {
        assert!(readme == new, "{path} is out of date: make golden");
    }
}

/// `helm show values` explains each value.
#[test]
fn golden_comments_of_the_values_are_the_descriptions_of_the_schema() {
    let path = format!("{CHART}/values.yaml");
    let new = commented(&root().join(CHART));
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(root().join(&path), &new).expect("a writable file");
    } else {
        assert!(read(&path) == new, "{path} is out of date: make golden");
    }
}

fn commented(chart: &Path) -> String {
    let script = root().join("tests/packaging/kube/values_comments.py");
    let commented = run(Command::new(part("python")).arg(script).arg(chart));
    commented.expect("the values have comments")
}

#[test]
fn updated_comments_change_no_value() {
    let folder = TempDir::new().expect("a temporary folder");
    copy_folder(&root().join(CHART), folder.path());
    let schema = folder.path().join("values.schema.json");
    damage(
        &schema,
        "Mounts of the additional volumes in the exporter's container.",
        "Another text.",
    );
    let before = read(&format!("{CHART}/values.yaml"));
    let after = commented(folder.path());
    let changed = before.replace(
        "# -- Mounts of the additional volumes in the exporter's container.",
        "# -- Another text.",
    );
    assert_ne!(after, before);
    assert_eq!(after, changed);
    let settings = |text: &str| {
        let lines = text
            .lines()
            .filter(|line| !line.trim_start().starts_with('#'));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(settings(&after), settings(&before));
}

#[test]
fn a_value_without_schema_or_description_is_an_error() {
    let folder = TempDir::new().expect("a temporary folder");
    copy_folder(&root().join(CHART), folder.path());
    damage(
        &folder.path().join("values.yaml"),
        "\nautoReload:",
        "\nautoRelaod:",
    );
    let schema = folder.path().join("values.schema.json");
    damage(
        &schema,
        "Mounts of the additional volumes in the exporter's container.",
        "",
    );
    let errors = table(folder.path()).expect_err("the schema and the values differ");
    for error in [
        "autoReload is not in values.yaml",
        "autoRelaod is not in the schema",
        "extraVolumeMounts has no description",
    ] {
        assert!(errors.contains(error), "{errors}");
    }
}
