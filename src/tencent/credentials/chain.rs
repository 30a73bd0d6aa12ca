//! Where to look for keys when nothing is configured: where the official SDKs look, in their order.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::environment::EnvironmentProvider;
use super::{Profile, TkeOidc};
use crate::files::{Presence, presence};

/// The profile that the tools take where none is named.
pub const DEFAULT_PROFILE: &str = "default";

/// The place where the keys are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChainSource {
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
pub fn detect(environment: &BTreeMap<String, String>) -> (ChainSource, Vec<String>) {
    let mut not = Vec::new();
    if let Err(why) = EnvironmentProvider::check_environment(environment) {
        not.push(format!("env: {why}"));
    } else {
        return (ChainSource::Environment, not);
    }
    let profile = Profile {
        name: DEFAULT_PROFILE.to_owned(),
        files: Profile::default_files(environment),
    };
    match profile.file() {
        Ok(file) => return (ChainSource::Profile(file.to_owned()), not),
        Err(why) => not.push(format!("profile: {why}{}", hint(environment))),
    }
    if let Err(why) = TkeOidc::check_environment(environment) {
        not.push(format!("tke_oidc: {why}"));
        return (ChainSource::CvmRole, not);
    }
    (ChainSource::TkeOidc, not)
}

/// Names the file of tccli if it exists: it holds JSON, which the SDKs do not read either.
fn hint(environment: &BTreeMap<String, String>) -> String {
    let home = environment.get("HOME").filter(|home| !home.is_empty());
    let file = home.map(|home| Path::new(home).join(".tccli/default.credential"));
    match file {
        Some(file) if matches!(presence(&file), Ok(Presence::File)) => format!(
            "; {} of tccli is not read, because it is JSON: write secret_id and secret_key below \
             [{DEFAULT_PROFILE}] in ~/.tencentcloud/credentials",
            file.display()
        ),
        _ => String::new(),
    }
}
