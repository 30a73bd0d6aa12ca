//! The account: its key, its permission, its regions.

use std::time::Duration;

use cloudaudit_exporter::sim::Identity;

use crate::memory::Memory;
use crate::play::Stage;
use crate::row::Does::{Equal, Miss};
use crate::row::{Recovery, Row};
use crate::wire::{LOOK, Wire};
use crate::{REGION, SECRET_ID, SECRET_KEY, account};

#[tokio::test(flavor = "multi_thread")]
async fn there_are_no_credentials() {
    let row = Row::new(
        "there_are_no_credentials",
        "There is no key in environment variables or another default source",
    )
    .fails("credentials", "credentials")
    .since_the_start()
    .also("cloudaudit_api_requests_total", Equal(0.0))
    .also("cloudaudit_credentials_changed_timestamp_seconds", Miss)
    .recovers(Recovery::Restart)
    .remedy("set the variables, and restart the exporter");
    let mut wire = Wire::new().await;
    let key = std::mem::take(&mut wire.environment);
    let ends = async |stage: &mut Wire| {
        stage.environment = key;
        stage.start().await;
    };
    row.play(LOOK, &mut wire, async |_| (), ends).await;
}

#[tokio::test(start_paused = true)]
async fn the_key_is_deleted() {
    let row = Row::new("the_key_is_deleted", "The key is deleted or disabled")
        .fails("unauthenticated", "AuthFailure.SecretIdNotFound")
        .remedy("configure another key");
    let begins = |stage: &Memory| drop(account(&stage.world).remove_identity(SECRET_ID).unwrap());
    let ends = |stage: &Memory| {
        account(&stage.world).add_identity(Identity::permanent(SECRET_ID, SECRET_KEY));
    };
    Memory::new().play(row, begins, ends).await;
}

#[tokio::test(start_paused = true)]
async fn the_secret_key_is_wrong() {
    let row = Row::new(
        "the_secret_key_is_wrong",
        "The secret key does not belong to the secret id",
    )
    .fails("unauthenticated", "AuthFailure.SignatureFailure")
    .remedy("correct the secret key");
    let begins = |stage: &Memory| {
        account(&stage.world).add_identity(Identity::permanent(SECRET_ID, "another"));
    };
    let ends = |stage: &Memory| {
        account(&stage.world).add_identity(Identity::permanent(SECRET_ID, SECRET_KEY));
    };
    Memory::new().play(row, begins, ends).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_temporary_key_expires() {
    let row = Row::new(
        "a_temporary_key_expires",
        "A temporary key from environment variables has expired",
    )
    .fails("unauthenticated", "AuthFailure.TokenFailure")
    .recovers(Recovery::Restart)
    .remedy("restart the exporter with a new key");
    let mut wire = Wire::new().await;
    let temporary = |wire: &Wire, token: &str, lasts: Duration| {
        let end = wire.world.now() + lasts;
        let identity = Identity::temporary(SECRET_ID, SECRET_KEY, token, end);
        account(&wire.world).add_identity(identity);
    };
    temporary(&wire, "first", Duration::from_hours(1));
    wire.environment.push(("TENCENTCLOUD_TOKEN", "first"));
    let begins = async |stage: &mut Wire| temporary(stage, "first", Duration::ZERO);
    let ends = async |stage: &mut Wire| {
        temporary(stage, "second", Duration::from_hours(1));
        stage.environment.pop();
        stage.environment.push(("TENCENTCLOUD_TOKEN", "second"));
        stage.start().await;
    };
    row.play(LOOK, &mut wire, begins, ends).await;
}

#[tokio::test(start_paused = true)]
async fn the_permission_is_withdrawn() {
    let row = Row::new(
        "the_permission_is_withdrawn",
        "CAM no longer allows the key to list tracks",
    )
    .fails("unauthorized", "UnauthorizedOperation")
    .remedy("allow `cloudaudit:DescribeAuditTracks` on `*`");
    let begins = |stage: &Memory| account(&stage.world).deny(SECRET_ID).unwrap();
    let ends = |stage: &Memory| account(&stage.world).permit(SECRET_ID).unwrap();
    Memory::new().play(row, begins, ends).await;
}

#[tokio::test(start_paused = true)]
async fn the_permission_was_never_given() {
    let row = Row::new(
        "the_permission_was_never_given",
        "CAM has never allowed the key to list tracks",
    )
    .fails("unauthorized", "UnauthorizedOperation")
    .since_the_start()
    .also("cloudaudit_account_tracks", Miss)
    .also("cloudaudit_account_covered", Miss)
    .remedy("allow `cloudaudit:DescribeAuditTracks` on `*`");
    let begins = |stage: &Memory| account(&stage.world).deny(SECRET_ID).unwrap();
    let ends = |stage: &Memory| account(&stage.world).permit(SECRET_ID).unwrap();
    Memory::new().play(row, begins, ends).await;
}

#[tokio::test(start_paused = true)]
async fn the_source_address_is_not_allowed() {
    let row = Row::new(
        "the_source_address_is_not_allowed",
        "The key does not allow the exporter's source address",
    )
    .fails("unauthorized", "IpNotInWhitelist")
    .remedy("allow the address");
    let begins = |stage: &Memory| {
        let account = account(&stage.world);
        account.deny_with(SECRET_ID, "IpNotInWhitelist").unwrap();
    };
    let ends = |stage: &Memory| account(&stage.world).permit(SECRET_ID).unwrap();
    Memory::new().play(row, begins, ends).await;
}

#[tokio::test(start_paused = true)]
async fn the_region_is_not_supported() {
    let row = Row::new(
        "the_region_is_not_supported",
        "The region does not offer CloudAudit",
    )
    .fails("rejected", "UnsupportedRegion")
    .remedy("configure another region");
    let begins = |stage: &Memory| account(&stage.world).set_regions(["ap-tokyo"]);
    let ends = |stage: &Memory| account(&stage.world).set_regions([REGION]);
    Memory::new().play(row, begins, ends).await;
}
