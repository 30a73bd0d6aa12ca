//! Runs Helm on the chart.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::objects::{is_confined, mounts_fit, objects};
use super::tool::{root, run};
use crate::support::parts::part;

pub(crate) const CHART: &str = "deploy/helm/cloudaudit-exporter";

pub(crate) fn helm(
    arguments: &[&str],
    chart: &Path,
    values: Option<&str>,
) -> Result<String, String> {
    let mut command = Command::new(part("helm"));
    command.args(arguments).arg(chart);
    if let Some(values) = values {
        command.arg("--values");
        command.arg(root().join(format!("tests/packaging/kube/values/{values}.yaml")));
    }
    run(&mut command)
}

pub(crate) fn render(chart: &Path, values: Option<&str>) -> Result<Vec<Value>, String> {
    let template = ["template", "audit", "--namespace", "watch"];
    objects(&helm(&template, chart, values)?)
}

pub(crate) fn rendered(values: Option<&str>) -> Vec<Value> {
    let objects = render(&root().join(CHART), values).expect("it is sound");
    is_confined(&objects);
    mounts_fit(&objects);
    objects
}
