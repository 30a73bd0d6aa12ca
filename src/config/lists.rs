//! Lists whose members are told apart: regions, accounts' numbers, expected tracks.

use std::collections::BTreeSet;

use super::defaults;
use super::error::{Error, quoted};
use super::key_path::KeyPath;
use super::layers::Places;
use super::raw::RawExpectedTrack;
use super::shapes::{List, NameOr, Text};
use super::values;
use crate::snapshot::ExpectedTrack;

/// What a list is of, and how many it may have.
pub(super) struct Members {
    pub(super) one: &'static str,
    pub(super) many: &'static str,
    pub(super) most: usize,
}

/// A list of single values.
pub(super) fn texts(
    list: Option<&List<Text>>,
    members: &Members,
    path: &KeyPath,
    places: &Places,
    read: impl Fn(&str) -> Result<String, String>,
) -> Result<Option<Vec<String>>, Error> {
    let each = |Text(text): &Text, path: &KeyPath| {
        let value = read(text).map_err(|why| places.refuse(path, why))?;
        Ok((value.clone(), value, path.clone()))
    };
    distinct(list, members, path, places, each)
}

/// Names of tracks, and mappings that say more of one than its name.
pub(super) fn expected_tracks(
    list: Option<&List<NameOr<RawExpectedTrack>>>,
    path: &KeyPath,
    places: &Places,
) -> Result<Option<Vec<ExpectedTrack>>, Error> {
    let each = |member: &NameOr<RawExpectedTrack>, path: &KeyPath| {
        let (track, name_path) = match member {
            NameOr::Name(Text(name)) => {
                let name = values::label_value(name).map_err(|why| places.refuse(path, why))?;
                let track = ExpectedTrack {
                    name,
                    ..ExpectedTrack::default()
                };
                (track, path.clone())
            }
            NameOr::Mapping(raw) => (expected_track(raw, path, places)?, path.key("name")),
        };
        Ok((track.name.clone(), track, name_path))
    };
    distinct(list, &EXPECTED_TRACKS, path, places, each)
}

const EXPECTED_TRACKS: Members = Members {
    one: "track",
    many: "tracks",
    most: defaults::MOST_EXPECTED_TRACKS,
};

/// Fields that the API documents no closed set of values for are compared as they are written.
fn expected_track(
    raw: &RawExpectedTrack,
    path: &KeyPath,
    places: &Places,
) -> Result<ExpectedTrack, Error> {
    let text = |text: Option<&Text>, key| places.value(text, path, key, values::label_value);
    let action = raw.action_type.as_ref();
    let account = raw.storage_account.as_ref();
    Ok(ExpectedTrack {
        name: places.needed(raw.name.as_ref(), path, "name", values::label_value)?,
        action_type: places.value(action, path, "action_type", values::action_type)?,
        resource_type: text(raw.resource_type.as_ref(), "resource_type")?,
        storage_type: text(raw.storage_type.as_ref(), "storage_type")?,
        storage_region: text(raw.storage_region.as_ref(), "storage_region")?,
        storage_name: text(raw.storage_name.as_ref(), "storage_name")?,
        storage_prefix: text(raw.storage_prefix.as_ref(), "storage_prefix")?,
        storage_account: places.value(account, path, "storage_account", values::uin)?,
    })
}

/// Every member, read to what tells it apart, its value, and where the former stands.
fn distinct<R, T>(
    list: Option<&List<R>>,
    members: &Members,
    path: &KeyPath,
    places: &Places,
    read: impl Fn(&R, &KeyPath) -> Result<(String, T, KeyPath), Error>,
) -> Result<Option<Vec<T>>, Error> {
    let Some(List(raw)) = list else {
        return Ok(None);
    };
    let Members { one, many, most } = members;
    if raw.len() > *most {
        let message = format!("{} {many}; up to {most} are allowed", raw.len());
        return Err(places.refuse(path, message));
    }
    let mut known = BTreeSet::new();
    let mut values = Vec::new();
    for (index, member) in raw.iter().enumerate() {
        let (name, value, place) = read(member, &path.index(index))?;
        let again = format!("{} a second time; each {one} is listed once", quoted(&name));
        if !known.insert(name) {
            return Err(places.refuse(&place, again));
        }
        values.push(value);
    }
    Ok(Some(values))
}
