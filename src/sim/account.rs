//! Accounts: who may ask, where, and which tracks there are.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::{Value, json};

use crate::sim::denials::{Denials, UNAUTHORIZED};
use crate::sim::identity::Identity;
use crate::sim::member::Member;
use crate::sim::role::Role;
use crate::sim::track::Track;
use crate::sim::world::{State, World};

/// A handle to an account of a world.
///
/// Its tracks are the same in every region, as they very probably are in the real cloud, but for
/// regions that [`Account::in_region`] gave a set of their own.
#[derive(Clone, Debug)]
pub struct Account {
    world: World,
    uin: String,
    region: Option<String>,
}

/// What the world keeps of an account.
pub(super) struct AccountState {
    pub(super) roles: BTreeMap<String, Role>,
    pub(super) regions: Vec<String>,
    /// Of the organisation that this account holds, if it does.
    pub(super) members: Option<Vec<Member>>,
    global: Vec<Track>,
    regional: BTreeMap<String, Vec<Track>>,
}

/// Where CloudAudit is offered, by the documentation of `CreateAuditTrack`.
const CLOUDAUDIT_REGIONS: [&str; 6] = [
    "ap-guangzhou",
    "ap-hongkong",
    "ap-seoul",
    "ap-singapore",
    "ap-tokyo",
    "eu-frankfurt",
];

impl Default for AccountState {
    fn default() -> Self {
        Self {
            roles: BTreeMap::new(),
            regions: CLOUDAUDIT_REGIONS.map(str::to_owned).to_vec(),
            members: None,
            global: Vec::new(),
            regional: BTreeMap::new(),
        }
    }
}

impl AccountState {
    /// The tracks as this region lists them, in their stable order.
    pub(super) fn tracks(&self, region: &str) -> &[Track] {
        self.regional.get(region).unwrap_or(&self.global)
    }

    /// Gives it what a member of a founded organisation has.
    pub(super) fn set_up_member(&mut self, role: Role, tracks: Vec<Track>) {
        self.roles.insert(role.name().to_owned(), role);
        self.global = tracks;
    }

    fn tracks_mut(&mut self, region: Option<&str>) -> &mut Vec<Track> {
        match region {
            Some(region) => self.regional.entry(region.to_owned()).or_default(),
            None => &mut self.global,
        }
    }
}

impl Account {
    pub(super) fn new(world: World, uin: &str) -> Self {
        Self {
            world,
            uin: uin.to_owned(),
            region: None,
        }
    }

    /// The account's number.
    pub fn uin(&self) -> &str {
        &self.uin
    }

    /// The tracks of one region, which from here on has a set of its own, empty at first.
    #[must_use]
    pub fn in_region(&self, region: &str) -> Self {
        let regional = Self {
            region: Some(region.to_owned()),
            ..self.clone()
        };
        regional.with_tracks(|_| ());
        regional
    }

    /// Lists tracks in the order in which pages show them.
    pub fn tracks(&self) -> Vec<Track> {
        self.with_tracks(|tracks| tracks.clone())
    }

    /// Adds a track behind the others.
    pub fn create(&self, track: Track) {
        self.with_tracks(|tracks| tracks.push(track));
    }

    /// Adds a track before the others, which moves every one of them back by one.
    pub fn create_first(&self, track: Track) {
        self.with_tracks(|tracks| tracks.insert(0, track));
    }

    /// Puts other tracks in the place of all of them, at once.
    pub fn replace(&self, tracks: Vec<Track>) {
        self.with_tracks(|all| *all = tracks);
    }

    /// Removes a track; those behind it move up.
    pub fn delete(&self, track_id: u64) -> Result<Track, NotFound> {
        let removed = self.with_tracks(|tracks| {
            let position = tracks.iter().position(|track| track.id() == track_id)?;
            Some(tracks.remove(position))
        });
        removed.ok_or_else(|| NotFound::track(&self.uin, track_id))
    }

    /// Switches a track on (1) or off (0), or gives it a status that nobody has heard of.
    pub fn set_status(&self, track_id: u64, status: u64) -> Result<(), NotFound> {
        self.edit(track_id, |track| track["Status"] = json!(status))
    }

    /// Makes a track deliver elsewhere: see [`crate::sim::cos`] and its like.
    pub fn set_storage(&self, track_id: u64, storage: Value) -> Result<(), NotFound> {
        self.edit(track_id, |track| track["Storage"] = storage)
    }

    /// Makes a track one of the whole organisation, or of this account alone; see
    /// [`Track::for_all_members`].
    pub fn set_for_all_members(&self, track_id: u64, for_all: bool) -> Result<(), NotFound> {
        self.change(track_id, |track| track.set_for_all_members(for_all))
    }

    /// Gives a track filters; see [`Track::filters`].
    pub fn set_filters(&self, track_id: u64, filters: Value) -> Result<(), NotFound> {
        self.change(track_id, |track| track.set_filters(filters))
    }

    /// Changes a track's JSON at will. Its id here stays what it was, whatever becomes of the
    /// field `TrackId`.
    pub fn edit(&self, track_id: u64, change: impl FnOnce(&mut Value)) -> Result<(), NotFound> {
        self.change(track_id, |track| change(track.json_mut()))
    }

    /// Adds a key that may call for this account.
    pub fn add_identity(&self, identity: Identity) {
        self.with_world(|state| state.keys.insert(&self.uin, identity));
    }

    /// Deletes a key.
    pub fn remove_identity(&self, secret_id: &str) -> Result<Identity, NotFound> {
        let removed = self.with_world(|state| state.keys.remove(&self.uin, secret_id));
        removed.ok_or_else(|| NotFound::identity(&self.uin))
    }

    /// Lets CAM refuse whatever is asked for by this key, or by this role under every key of it,
    /// with `UnauthorizedOperation`. It is named by its secret id, or by its name.
    pub fn deny(&self, key_or_role: &str) -> Result<(), NotFound> {
        self.deny_with(key_or_role, UNAUTHORIZED)
    }

    /// The same with another code: some denials are `AuthFailure.UnauthorizedOperation`.
    pub fn deny_with(&self, key_or_role: &str, code: &str) -> Result<(), NotFound> {
        self.edit_denials(key_or_role, |denials| denials.deny_all(code))
    }

    /// Lets CAM refuse one action only, as `sts:GetCallerIdentity`.
    pub fn deny_action(&self, key_or_role: &str, action: &str) -> Result<(), NotFound> {
        self.edit_denials(key_or_role, |denials| denials.deny(action))
    }

    /// Lets CAM allow this key or role everything again.
    pub fn permit(&self, key_or_role: &str) -> Result<(), NotFound> {
        self.edit_denials(key_or_role, |denials| *denials = Denials::default())
    }

    /// The regions in which this account finds the product; six at first.
    pub fn set_regions<'a>(&self, regions: impl IntoIterator<Item = &'a str>) {
        let regions = regions.into_iter().map(str::to_owned).collect();
        self.with_state(|account| account.regions = regions);
    }

    fn edit_denials(
        &self,
        key_or_role: &str,
        change: impl FnOnce(&mut Denials),
    ) -> Result<(), NotFound> {
        let changed = self.with_world(|state| {
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
            change(track);
            Some(())
        });
        changed.ok_or_else(|| NotFound::track(&self.uin, track_id))
    }

    fn with_tracks<T>(&self, act: impl FnOnce(&mut Vec<Track>) -> T) -> T {
        self.with_state(|account| act(account.tracks_mut(self.region.as_deref())))
    }

    pub(super) fn with_state<T>(&self, act: impl FnOnce(&mut AccountState) -> T) -> T {
        self.with_world(|state| act(state.accounts.entry(self.uin.clone()).or_default()))
    }

    pub(super) fn with_world<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.world.state())
    }
}

/// What was to be changed is not in this world.
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
            "no member {member} in the organisation of simulated account {uin}"
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
