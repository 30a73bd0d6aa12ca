//! The types of single values: each states how its text is parsed, its limits and its schema.

pub(super) use self::credentials::{
    ExternalId, ProfileName, RoleArn, RoleName, SecretId, SecretText, SessionName, VariableName,
};
pub(super) use self::files::{FileBelowHome, FilePath, FilePattern};
pub(super) use self::hosts::{Host, MetadataHost, ProxyUrl};
pub(super) use self::names::{
    AccountName, ActionType, AppId, LabelName, LabelValue, MemberLabel, MemberPattern,
    OrganizationName, Region, SiteName, TagLabel, TrackText, Uin, in_variable,
};
pub(super) use self::numbers::{
    Boolean, Interval, Period, RoleDuration, SweepInterval, Timeout, UtcOffset, WholeNumber,
};

mod credentials;
mod files;
mod hosts;
mod names;
mod numbers;
mod pattern;
