//! The layers of an account's settings, and the hosts that they set together.

use super::super::endpoint::Endpoint;
use super::super::key_path::KeyPath;
use super::super::keys::AccountKeys;
use super::super::site::Site;

/// A layer of settings, and its place in the configuration.
#[derive(Clone)]
pub(super) struct SettingsLayer {
    pub(super) path: KeyPath,
    pub(super) keys: AccountKeys,
}

/// The layers of an account, the nearest first.
pub(super) type Layers<'l> = [&'l SettingsLayer; 3];

/// The cloud of an account, and its hosts.
pub(super) struct Hosts {
    pub(super) site: Site,
    pub(super) cloudaudit: Endpoint,
    pub(super) sts: Endpoint,
}

impl Hosts {
    /// Returns the cloud and the hosts that the nearest layers set.
    pub(super) fn of(layers: Layers) -> Self {
        let keys = || layers.iter().map(|layer| &layer.keys.common);
        let site = keys().find_map(|keys| keys.site).unwrap_or_default();
        // A site sets the endpoints too, so the nearest layer with a site or an endpoint decides.
        let cloudaudit = keys().find_map(|keys| {
            let of_site = || keys.site.map(Site::endpoint);
            keys.endpoint.clone().or_else(of_site)
        });
        let cloudaudit = cloudaudit.unwrap_or_else(|| site.endpoint());
        let sts = keys().find_map(|keys| {
            let is_simulated = |own: &&Endpoint| **own == cloudaudit && own.is_plain();
            let simulated = || keys.endpoint.as_ref().filter(is_simulated).cloned();
            let of_site = || keys.site.map(Site::sts_endpoint);
            let own = keys.sts_endpoint.clone();
            own.or_else(simulated).or_else(of_site)
        });
        Self {
            site,
            sts: sts.unwrap_or_else(|| site.sts_endpoint()),
            cloudaudit,
        }
    }
}
