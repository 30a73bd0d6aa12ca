//! Where to look for keys when nothing is configured: where the official SDKs look, in their order.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::environment::EnvironmentProvider;
use super::{Profile, TkeOidc};

/// The profile that the tools take where none is named.
pub const DEFAULT_PROFILE: &str = "default";

/// The place where the keys are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// Environment variables.
    Environment,
    /// This credentials file of the tools.
    Profile(PathBuf),
    /// The token of a TKE cluster.
    TkeOidc,
    /// The machine's role, or nowhere.
    CvmRole,
}

/// Looks, and tells why it was none of the places before.
pub fn look(environment: &BTreeMap<String, String>) -> (Found, Vec<String>) {
    let mut not = Vec::new();
    if let Err(why) = EnvironmentProvider::is_told(environment) {
        not.push(format!("env: {why}"));
    } else {
        return (Found::Environment, not);
    }
    let profile = Profile {
        name: DEFAULT_PROFILE.to_owned(),
        files: Profile::places(environment),
    };
    match profile.file() {
        Ok(file) => return (Found::Profile(file.to_owned()), not),
        Err(why) => not.push(format!("profile: {why}")),
    }
    if let Err(why) = TkeOidc::is_told(environment) {
        not.push(format!("tke_oidc: {why}"));
        return (Found::CvmRole, not);
    }
    (Found::TkeOidc, not)
}
