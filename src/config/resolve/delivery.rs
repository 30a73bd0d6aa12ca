//! The checks of storage targets, key by key from the layers of an account.

use std::time::Duration;

use super::super::defaults;
use super::super::delivery::Delivery;
use super::super::endpoint::Endpoint;
use super::super::key_path::KeyPath;
use super::super::keys::DeliveryKeys;
use super::super::reader::Reader;
use super::super::site::Site;
use super::layers::{Hosts, Layers, SettingsLayer};
use crate::duration::format_duration;

/// Resolves the checks of an account. `None` if they are disabled. Reports a fault if a request may
/// take longer than the interval.
pub(super) fn delivery(
    layers: Layers,
    hosts: &Hosts,
    timeout: Duration,
    reader: &mut Reader,
) -> Option<Delivery> {
    let enabled = nearest(layers, |keys| keys.enabled);
    if !enabled.unwrap_or_default() {
        return None;
    }
    let interval = nearest(layers, |keys| keys.interval).unwrap_or(defaults::DELIVERY_INTERVAL);
    if interval < timeout {
        let has_interval = |layer: &&&SettingsLayer| {
            let delivery = layer.keys.common.delivery.as_ref();
            delivery.is_some_and(|delivery| delivery.interval.is_some())
        };
        let layer = layers.iter().find(has_interval).unwrap_or(&layers[2]);
        let [interval, timeout] = [interval, timeout].map(format_duration);
        let why = format!(
            "{interval} is shorter than poll.timeout ({timeout}); set it to at least {timeout}"
        );
        reader.refuse_at(&path_of(layer).key("interval"), why);
    }
    let host = |own: fn(&DeliveryKeys) -> Option<Endpoint>, of_site: fn(Site) -> Endpoint| {
        overridden(layers, hosts, own).unwrap_or_else(|| of_site(hosts.site))
    };
    Some(Delivery {
        interval,
        grace: nearest(layers, |keys| keys.grace).unwrap_or(defaults::DELIVERY_GRACE),
        cos_endpoint: overridden(layers, hosts, |keys| keys.cos_endpoint.clone()),
        cls_endpoint: host(|keys| keys.cls_endpoint.clone(), Site::cls_endpoint),
        ckafka_endpoint: host(|keys| keys.ckafka_endpoint.clone(), Site::ckafka_endpoint),
        cam_endpoint: host(|_| None, Site::cam_endpoint),
    })
}

/// Returns the host that the nearest layer sets, or its `endpoint` if that begins with `http://`.
/// `None` if a site decides.
fn overridden(
    layers: Layers,
    hosts: &Hosts,
    own: impl Fn(&DeliveryKeys) -> Option<Endpoint>,
) -> Option<Endpoint> {
    let nearest = layers.iter().find_map(|layer| {
        let keys = &layer.keys.common;
        let set = keys.delivery.as_ref().and_then(&own);
        let is_simulated = |it: &&Endpoint| **it == hosts.cloudaudit && it.is_plain();
        let simulated = || keys.endpoint.as_ref().filter(is_simulated).cloned();
        let of_site = keys.site.map(|_| None);
        set.or_else(simulated).map(Some).or(of_site)
    });
    nearest.flatten()
}

fn nearest<T>(layers: Layers, get: impl Fn(&DeliveryKeys) -> Option<T>) -> Option<T> {
    let layers = layers.iter();
    let mut settings = layers.filter_map(|layer| layer.keys.common.delivery.as_ref());
    settings.find_map(get)
}

/// Returns the place of a layer's `delivery`. That of the top level is not below `poll`.
fn path_of(layer: &SettingsLayer) -> KeyPath {
    match layer.path.first_key() {
        Some("poll") => KeyPath::from(["delivery"]),
        _ => layer.path.key("delivery"),
    }
}
