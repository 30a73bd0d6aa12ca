//! The organization that an account manages: its members.

use crate::sim::account::{Account, NotFound};
use crate::sim::member::Member;
use crate::sim::role::Role;
use crate::sim::track::Track;

/// The UIN of the first member that [`Account::create_organization`] creates.
const FIRST_MEMBER: u64 = 200_000_000_001;

impl Account {
    /// Makes this account manage an organization with these members, in this order. A member need
    /// not be an account of the simulator.
    pub fn set_members(&self, members: Vec<Member>) {
        self.with_state(|account| account.members = Some(members));
    }

    /// Appends a member.
    pub fn add_member(&self, member: Member) {
        self.with_state(|account| account.members.get_or_insert_default().push(member));
    }

    /// Removes a member. Its account stays in the simulator, outside the organization.
    pub fn remove_member(&self, uin: u64) -> Result<Member, NotFound> {
        let removed = self.with_state(|account| {
            let members = account.members.as_mut()?;
            let position = members.iter().position(|member| member.uin == uin)?;
            Some(members.remove(position))
        });
        removed.ok_or_else(|| NotFound::member(self.uin(), uin))
    }

    /// Changes a member: its name, its tags, its node.
    pub fn change_member(
        &self,
        uin: u64,
        change: impl FnOnce(Member) -> Member,
    ) -> Result<(), NotFound> {
        let changed = self.with_state(|account| {
            let mut members = account.members.iter_mut().flatten();
            let member = members.find(|member| member.uin == uin)?;
            *member = change(member.clone());
            Some(())
        });
        changed.ok_or_else(|| NotFound::member(self.uin(), uin))
    }

    /// Creates this many accounts, each with this role and these tracks, and makes this account
    /// manage an organization of them. `member-1` has the UIN 200000000001, and so on.
    pub fn create_organization(&self, members: u64, role: &Role, tracks: &[Track]) {
        self.with_simulator(|state| {
            for uin in FIRST_MEMBER..FIRST_MEMBER + members {
                let account = state.accounts.entry(uin.to_string()).or_default();
                account.set_up_member(role.clone(), tracks.to_vec());
            }
        });
        let member = |n| Member::new(FIRST_MEMBER - 1 + n, &format!("member-{n}"));
        self.set_members((1..=members).map(member).collect());
    }
}
