//! Renders the report of one account.

use std::sync::Arc;

use super::account::AccountRenderer;
use super::attribution::AttributionRenderer;
use super::cached::Cached;
use super::delivery::DeliveryRenderer;
use super::fragment::labels;
use super::target::TargetRenderer;
use super::timed_fragment::TimedFragment;
use super::totals::{render_coverage_checked, render_totals};
use crate::snapshot::{AccountInfo, Evidence, Report, Totals};

/// Renders one account. A fragment is rendered again only if its values changed: the publisher need
/// not compare, join or compress the same fragment again.
#[derive(Debug)]
pub struct Renderer {
    account: Arc<AccountInfo>,
    labels: String,
    own: AccountRenderer,
    attribution: AttributionRenderer,
    /// In the order of the report's overviews.
    overviews: Vec<Cached<Arc<Totals>>>,
    /// By region. An account has few.
    targets: Vec<(String, TargetRenderer)>,
    deliveries: DeliveryRenderer,
}

impl Renderer {
    /// Creates a renderer of one account.
    pub fn new(account: Arc<AccountInfo>) -> Self {
        let own = account
            .labels
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()));
        let labels = labels(std::iter::once(("account", account.name.as_str())).chain(own));
        Self {
            account,
            labels,
            own: AccountRenderer::default(),
            attribution: AttributionRenderer::default(),
            overviews: Vec::new(),
            targets: Vec::new(),
            deliveries: DeliveryRenderer::default(),
        }
    }

    /// Renders the samples of a report, each with the time in which it may be shown. `evidence` is
    /// the part of the report's evidence that may be shown.
    pub fn render(&mut self, report: &Report, evidence: Evidence) -> Vec<TimedFragment> {
        let labels = &self.labels;
        let own = self.own.render(&self.account, labels, report, evidence);
        let mut parts: Vec<TimedFragment> = own.map(TimedFragment::always).into();
        if let Some(attribution) = &report.attribution {
            let fragment = self.attribution.render(labels, attribution);
            parts.push(TimedFragment::always(fragment));
        }
        let (overviews, targets) = (report.overviews.len(), report.targets.len());
        self.overviews
            .reserve_exact(overviews.saturating_sub(self.overviews.len()));
        self.overviews.resize_with(overviews, Cached::default);
        self.targets
            .reserve_exact(targets.saturating_sub(self.targets.len()));
        for (cached, overview) in self.overviews.iter_mut().zip(&report.overviews) {
            let totals = Arc::clone(&overview.totals);
            let fragment = cached.of(totals, |totals| render_totals(labels, totals));
            let (from, until) = (overview.from, Some(overview.until));
            parts.push(TimedFragment::between(from, until, fragment));
            if let Some(checked) = overview.coverage_checked {
                let fragment = Arc::new(render_coverage_checked(labels, checked));
                parts.push(TimedFragment::between(from, until, fragment));
            }
        }
        for target in &report.targets {
            let region = &target.region;
            let known = self.targets.iter().position(|known| known.0 == *region);
            let known = known.unwrap_or_else(|| {
                let renderer = TargetRenderer::new(labels, region);
                self.targets.push((region.clone(), renderer));
                self.targets.len() - 1
            });
            let (_, renderer) = &mut self.targets[known];
            renderer.render(&self.account, labels, target, &mut parts);
        }
        let deliveries = report.deliveries.iter().flatten();
        self.deliveries.render(labels, deliveries, &mut parts);
        // They stay in memory until the next report.
        parts.shrink_to_fit();
        parts
    }
}
