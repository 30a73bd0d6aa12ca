//! Lookups in a parsed exposition.

use std::collections::BTreeMap;

use cloudaudit_exporter::exposition::Metric;

use crate::support::text_format::{Family, Sample};

pub(crate) fn family(families: &[Family], metric: Metric) -> Option<&Family> {
    families.iter().find(|it| it.name == metric.name())
}

/// Returns the samples of a metric, only of `region` if it is given.
pub(crate) fn samples<'a>(
    families: &'a [Family],
    metric: Metric,
    region: Option<&str>,
) -> Vec<&'a Sample> {
    family(families, metric)
        .into_iter()
        .flat_map(|family| &family.samples)
        .filter(|sample| region.is_none_or(|region| sample.label("region") == region))
        .collect()
}

pub(crate) fn only_value(families: &[Family], metric: Metric) -> f64 {
    let samples = samples(families, metric, None);
    assert_eq!(samples.len(), 1, "{metric:?}");
    samples[0].value
}

/// Returns the value of each sample by one of its labels.
pub(crate) fn by_label<'a>(samples: &[&'a Sample], label: &str) -> BTreeMap<&'a str, f64> {
    let pairs = samples.iter().map(|it| (it.label(label), it.value));
    pairs.collect()
}
