//! The handle to an account: its tracks, keys, permissions and regions.

use std::fmt;

use serde_json::{Value, json};

use crate::sim::denials::{Denials, UNAUTHORIZED};
use crate::sim::identity::Identity;
use crate::sim::recording::Recording;
use crate::sim::state::{AccountState, State, StateHandle};
use crate::sim::track::Track;

/// A handle to an account of the simulator.
///
/// Its tracks are the same in every region, as they very probably are in the real cloud, except in
/// regions with tracks of their own; see [`Account::in_region`].
#[derive(Clone, Debug)]
pub struct Account {
    state: StateHandle,
    uin: String,
    region: Option<String>,
    recording: Recording,
}

impl Account {
    pub(super) fn new(state: StateHandle, uin: &str) -> Self {
        Self {
            state,
            uin: uin.to_owned(),
            region: None,
            recording: Recording::default(),
        }
    }

    /// Returns the number of the account.
    pub fn uin(&self) -> &str {
        &self.uin
    }

    /// Gives a region tracks of its own, none at first, and returns a handle to them.
    #[must_use]
    pub fn in_region(&self, region: &str) -> Self {
        let regional = Self {
            region: Some(region.to_owned()),
            ..self.clone()
        };
        regional.with_tracks(|_| ());
        regional
    }

    /// Returns the tracks in the order of the listing.
    pub fn tracks(&self) -> Vec<Track> {
        self.with_tracks(|tracks| tracks.clone())
    }

    /// Appends a track.
    pub fn create(&self, track: Track) {
        self.record_creation(&track);
        self.with_tracks(|tracks| tracks.push(track));
    }

    /// Inserts a track at the front, so that every other track moves back by one.
    pub fn create_first(&self, track: Track) {
        self.record_creation(&track);
        self.with_tracks(|tracks| tracks.insert(0, track));
    }

    /// Replaces all tracks at once, without operation records.
    pub fn replace(&self, tracks: Vec<Track>) {
        self.with_tracks(|all| *all = tracks);
    }

    /// Deletes a track. Later tracks move up.
    pub fn delete(&self, track_id: u64) -> Result<Track, NotFound> {
        let removed = self.with_tracks(|tracks| {
            let position = tracks.iter().position(|track| track.id() == track_id)?;
            Some(tracks.remove(position))
        });
        let removed = removed.ok_or_else(|| NotFound::track(&self.uin, track_id))?;
        self.record_deletion(track_id);
        Ok(removed)
    }

    /// Enables a track (1), disables it (0), or sets an unknown status.
    pub fn set_status(&self, track_id: u64, status: u64) -> Result<(), NotFound> {
        self.edit(track_id, |track| track["Status"] = json!(status))
    }

    /// Sets the storage of a track; see [`cos`](crate::sim::cos), [`cls`](crate::sim::cls) and
    /// [`ckafka`](crate::sim::ckafka).
    pub fn set_storage(&self, track_id: u64, storage: Value) -> Result<(), NotFound> {
        self.edit(track_id, |track| track["Storage"] = storage)
    }

    /// Sets whether a track records the whole organization; see [`Track::for_all_members`].
    pub fn set_for_all_members(&self, track_id: u64, for_all: bool) -> Result<(), NotFound> {
        self.change(track_id, |track| track.set_for_all_members(for_all))
    }

    /// Sets the filters of a track; see [`Track::filters`].
    pub fn set_filters(&self, track_id: u64, filters: Value) -> Result<(), NotFound> {
        self.change(track_id, |track| track.set_filters(filters))
    }

    /// Changes the JSON of a track. The id that these methods find the track by stays the same,
    /// even if `change` edits the field `TrackId`.
    pub fn edit(&self, track_id: u64, change: impl FnOnce(&mut Value)) -> Result<(), NotFound> {
        self.change(track_id, |track| change(track.json_mut()))
    }

    /// Adds a key of this account.
    pub fn add_identity(&self, identity: Identity) {
        self.with_simulator(|state| state.keys.insert(&self.uin, identity));
    }

    /// Deletes a key.
    pub fn remove_identity(&self, secret_id: &str) -> Result<Identity, NotFound> {
        let removed = self.with_simulator(|state| state.keys.remove(&self.uin, secret_id));
        removed.ok_or_else(|| NotFound::identity(&self.uin))
    }

    /// Denies every action with `UnauthorizedOperation` to a key, named by its secret id, or to a
    /// role, named by its name.
    pub fn deny(&self, key_or_role: &str) -> Result<(), NotFound> {
        self.deny_with(key_or_role, UNAUTHORIZED)
    }

    /// Denies every action with this code, such as `AuthFailure.UnauthorizedOperation`.
    pub fn deny_with(&self, key_or_role: &str, code: &str) -> Result<(), NotFound> {
        self.edit_denials(key_or_role, |denials| denials.deny_all(code))
    }

    /// Denies one action, such as `sts:GetCallerIdentity`.
    pub fn deny_action(&self, key_or_role: &str, action: &str) -> Result<(), NotFound> {
        self.edit_denials(key_or_role, |denials| denials.deny(action))
    }

    /// Allows a key or role every action again.
    pub fn permit(&self, key_or_role: &str) -> Result<(), NotFound> {
        self.edit_denials(key_or_role, |denials| *denials = Denials::default())
    }

    /// Sets the regions that offer CloudAudit to this account. By default there are six.
    pub fn set_regions<'a>(&self, regions: impl IntoIterator<Item = &'a str>) {
        let regions = regions.into_iter().map(str::to_owned).collect();
        self.with_state(|account| account.regions = regions);
    }

    fn edit_denials(
        &self,
        key_or_role: &str,
        change: impl FnOnce(&mut Denials),
    ) -> Result<(), NotFound> {
        let changed = self.with_simulator(|state| {
            let identity = state.keys.identity_mut(&self.uin, key_or_role);
            if let Some(identity) = identity {
                change(&mut identity.denials);
                return Some(());
            }
            let account = state.accounts.get_mut(&self.uin)?;
            change(&mut account.roles.get_mut(key_or_role)?.denials);
            Some(())
        });
        changed.ok_or_else(|| NotFound::identity(&self.uin))
    }

    fn change(&self, track_id: u64, change: impl FnOnce(&mut Track)) -> Result<(), NotFound> {
        let changed = self.with_tracks(|tracks| {
            let track = tracks.iter_mut().find(|track| track.id() == track_id)?;
            let before = track.clone();
            change(track);
            Some((before, track.clone()))
        });
        let (before, after) = changed.ok_or_else(|| NotFound::track(&self.uin, track_id))?;
        self.record_change(&before, &after);
        Ok(())
    }

    pub(super) fn region(&self) -> Option<&str> {
        self.region.as_deref()
    }

    pub(super) fn recording(&self) -> &Recording {
        &self.recording
    }

    pub(super) fn with_recording(&self, change: impl FnOnce(&mut Recording)) -> Self {
        let mut handle = self.clone();
        change(&mut handle.recording);
        handle
    }

    fn with_tracks<T>(&self, act: impl FnOnce(&mut Vec<Track>) -> T) -> T {
        self.with_state(|account| act(account.tracks_mut(self.region.as_deref())))
    }

    pub(super) fn handle(&self) -> StateHandle {
        self.state.clone()
    }

    pub(super) fn with_state<T>(&self, act: impl FnOnce(&mut AccountState) -> T) -> T {
        self.with_simulator(|state| act(state.accounts.entry(self.uin.clone()).or_default()))
    }

    pub(super) fn with_simulator<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.state.lock())
    }
}

/// The simulator has no such account, track, member, key or role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotFound(String);

impl NotFound {
    pub(super) fn account(uin: &str) -> Self {
        Self(format!("no account {uin} in the simulated cloud"))
    }

    fn track(uin: &str, track_id: u64) -> Self {
        Self(format!("no track {track_id} in simulated account {uin}"))
    }

    fn identity(uin: &str) -> Self {
        Self(format!(
            "no such secret id or role in simulated account {uin}"
        ))
    }

    pub(super) fn member(uin: &str, member: u64) -> Self {
        Self(format!(
            "no member {member} in the organization of simulated account {uin}"
        ))
    }

    pub(super) fn role(uin: &str, name: &str) -> Self {
        Self(format!("no role {name} in simulated account {uin}"))
    }
}

impl fmt::Display for NotFound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NotFound {}
