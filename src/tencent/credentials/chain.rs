//! The default credential chain: the sources that the official SDKs try. The SDKs try the role of the
//! machine before the identity of a pod. Here the pod comes first, because the role of a node belongs to
//! all of its pods.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::environment::EnvironmentProvider;
use super::{Profile, TkeOidc};
use crate::escape::visible_path;
use crate::files::{Presence, presence};

/// The profile that the official tools use by default.
pub const DEFAULT_PROFILE: &str = "default";

/// The source of the default credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChainSource {
    /// Environment variables.
    Environment,
    /// A profile in this credentials file.
    Profile(PathBuf),
    /// The OIDC token of a TKE pod.
    TkeOidc,
    /// The role of the machine, if it has one.
    CvmRole,
}

/// Returns the first source that has credentials, and why each earlier one has none.
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

/// Names the file of tccli if it exists. It is JSON, which the SDKs do not read either.
fn hint(environment: &BTreeMap<String, String>) -> String {
    let home = environment.get("HOME").filter(|home| !home.is_empty());
    let file = home.map(|home| Path::new(home).join(".tccli/default.credential"));
    match file {
        Some(file) if matches!(presence(&file), Ok(Presence::File)) => format!(
            "; {} of tccli is not read, because it is JSON: write secret_id and secret_key below \
             [{DEFAULT_PROFILE}] in ~/.tencentcloud/credentials",
            visible_path(&file)
        ),
        _ => String::new(),
    }
}
