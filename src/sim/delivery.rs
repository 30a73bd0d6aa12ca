//! Delivers records of tracks to their storage as time passes.

use std::time::SystemTime;

use serde_json::Value;

use crate::sim::state::{AccountState, State};
use crate::sim::storage::{Delivery, place};
use crate::sim::track::Track;

/// The most objects of a track that one step delivers.
const MAX_STEPS: u32 = 10_000;

/// Delivers everything that is due. A track delivers while it is enabled and its storage exists; an
/// object that it could not deliver is lost.
pub(super) fn deliver_until(state: &mut State, now: SystemTime) {
    let mut deliveries = std::mem::take(&mut state.storage.deliveries);
    for ((uin, track_id), delivery) in &mut deliveries {
        for _ in 0..MAX_STEPS {
            if delivery.next > now {
                break;
            }
            let at = delivery.next;
            delivery.next += delivery.every;
            deliver(state, uin, *track_id, delivery, at);
        }
        if delivery.next <= now {
            delivery.next = now + delivery.every;
        }
    }
    state.storage.deliveries = deliveries;
}

fn deliver(state: &mut State, uin: &str, track_id: u64, delivery: &mut Delivery, at: SystemTime) {
    let Some(account) = state.accounts.get(uin) else {
        return;
    };
    let track = account.all_tracks().find(|track| track.id() == track_id);
    let Some(track) = track.filter(|track| track.json()["Status"] == 1) else {
        return;
    };
    let storage = &track.json()["Storage"];
    let text = |field: &str| storage[field].as_str().unwrap_or_default();
    let region = text("StorageRegion");
    match text("StorageType") {
        "cos" => {
            let name = bucket_name(storage, account, uin);
            let prefix = text("StoragePrefix");
            let key = delivery
                .layout
                .key(prefix, track_name(track), at, delivery.number);
            if let Some(bucket) = state.storage.buckets.get_mut(&place(region, &name)) {
                bucket.put(key, at);
                delivery.number += 1;
            }
        }
        "cls" => {
            let topic = place(region, text("StorageName"));
            if let Some(topic) = state.storage.topics.get_mut(&topic) {
                topic.write(at);
            }
        }
        _ => {}
    }
}

fn track_name(track: &Track) -> &str {
    track.json()["Name"].as_str().unwrap_or_default()
}

fn bucket_name(storage: &Value, account: &AccountState, uin: &str) -> String {
    let name = storage["StorageName"].as_str().unwrap_or_default();
    let of_storage = storage["StorageAppId"].as_str().map(str::to_owned);
    let app_id = of_storage.unwrap_or_else(|| account.app_id(uin));
    format!("{name}-{app_id}")
}
