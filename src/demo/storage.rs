//! What arrives in the buckets of the demo, and the bucket that it loses.

use std::time::Duration;

use super::accounts::{LEGACY, PLATFORM};
use super::tracks::{ORGANIZATION_BUCKET, PLATFORM_ORGANIZATION, REGION};
use crate::sim::{Account, Layout, NotFound, World};

/// Delivers the log of `platform`. Stops the log of `legacy`, whose newest object is old.
pub(super) fn deliver(world: &World) {
    let hour_ago = world.now() - Duration::from_hours(1);
    let [legacy, platform] = [LEGACY, PLATFORM].map(|uin| world.add_account(uin));
    let bucket = legacy.add_bucket(REGION, "legacy-audit");
    bucket.put("audit/2019/12/31/last.txt", hour_ago);
    deliver_to_organization_bucket(&platform, world);
}

/// Deletes the bucket of the organization, although its track is enabled.
pub(super) fn delete_organization_bucket(world: &World) -> Result<(), NotFound> {
    let platform = world.account(PLATFORM)?;
    platform.add_bucket(REGION, ORGANIZATION_BUCKET).delete();
    Ok(())
}

/// Creates that bucket again.
pub(super) fn restore_organization_bucket(world: &World) -> Result<(), NotFound> {
    deliver_to_organization_bucket(&world.account(PLATFORM)?, world);
    Ok(())
}

fn deliver_to_organization_bucket(platform: &Account, world: &World) {
    platform.add_bucket(REGION, ORGANIZATION_BUCKET);
    let every = Duration::from_secs(3);
    platform.deliver(PLATFORM_ORGANIZATION, Layout::days(), every, world.now());
}
