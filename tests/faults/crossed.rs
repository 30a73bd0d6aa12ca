//! Responses that belong to another request: a gateway repeats or exchanges them.

use std::time::Duration;

use cloudaudit_exporter::sim::{Fault, Identity, Role, Track};
use serde_json::json;

use crate::memory::{Memory, Setup};
use crate::play::Look;
use crate::row::Does::Equal;
use crate::row::{Recovery, Row};
use crate::wire::{LOOK, Wire};
use crate::{UIN, account};

const AWAY: &str = "100000000002";
const AWAY_ID: &str = "AKIDaway";
const AWAY_KEY: &str = "keyaway";
const AWAY_TOKEN: &str = "token-away";

/// How long a key of a role lives. The exporter renews it five minutes before its end.
const KEY_LIFETIME: Duration = Duration::from_mins(10);

/// The end of the key of another account, in seconds since 1970: the exporter would use it for long.
const FAR_FUTURE: u64 = 4_000_000_000;

/// Adds another account, with a track and a valid temporary key.
fn add_another_account(stage: &Memory) {
    let end = stage.world.now() + Duration::from_hours(24);
    let away = stage.world.add_account(AWAY);
    let key = Identity::temporary(AWAY_ID, AWAY_KEY, AWAY_TOKEN, end);
    away.add_identity(key);
    away.create(Track::new(99, "of-another-account"));
}

#[tokio::test(start_paused = true)]
async fn sts_returns_the_key_of_another_account() {
    let row = Row::new(
        "sts_returns_the_key_of_another_account",
        "A gateway delivers another account's `AssumeRole` response",
    )
    .fails("credentials", "credentials")
    .since_the_start()
    .remedy(
        "check gateways and proxies; the exporter detects the wrong key only if it can [verify keys](credentials.md#whose-key-it-is)",
    );
    let stage = Memory::with(Setup {
        credentials: Some(
            "credentials: {secret_id: AKIDof100000000001, secret_key: keyof100000000001}\n    \
             assume_role: {arn: 'qcs::cam::uin/100000000001:roleName/reader'}",
        ),
        ..Setup::default()
    });
    add_another_account(&stage);
    account(&stage.world).add_role(Role::new("reader").trusts_account(UIN));
    let fault = Fault::edit(|answer| {
        answer["Response"]["Credentials"] = json!({
            "TmpSecretId": AWAY_ID, "TmpSecretKey": AWAY_KEY, "Token": AWAY_TOKEN,
        });
    });
    stage.play_fault(row, fault.action("AssumeRole")).await;
}

#[tokio::test(start_paused = true)]
async fn the_metadata_service_returns_the_key_of_another_account() {
    let row = Row::new(
        "the_metadata_service_returns_the_key_of_another_account",
        "At a renewal, the metadata service returns another account's key",
    )
    .fails("credentials", "credentials")
    .remedy(
        "check the instance's role, gateways and proxies; the exporter detects the wrong key only if it can [verify keys](credentials.md#whose-key-it-is)",
    );
    let stage = Memory::with(Setup {
        credentials: Some("credentials: {cvm_role: {name: machine}}"),
        ..Setup::default()
    });
    add_another_account(&stage);
    account(&stage.world).add_role(Role::new("machine"));
    stage.world.bind_machine(UIN, "machine");
    stage.world.set_max_role_duration(KEY_LIFETIME);
    let fault = Fault::edit(|answer| {
        answer["TmpSecretId"] = AWAY_ID.into();
        answer["TmpSecretKey"] = AWAY_KEY.into();
        answer["Token"] = AWAY_TOKEN.into();
        answer["ExpiredTime"] = FAR_FUTURE.into();
    });
    let until_renewed = Look {
        seen_within: 8,
        ..Look::default()
    };
    let begins = |stage: &Memory| {
        let fault = fault.action("metadata").until_cleared();
        stage.world.inject(fault);
    };
    let ends = |stage: &Memory| stage.world.clear_faults();
    stage.play_seen(row, until_renewed, begins, ends).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_repeats_a_list_of_members() {
    const ORGANIZATION: &str = "cloudaudit_organization_up";
    const MEMBER: &str = "cloudaudit_up{account=\"200000000001\",region=\"ap-singapore\"}";
    let row = Row::new(
        "a_gateway_repeats_a_list_of_members",
        "A gateway repeats an earlier list of members",
    )
    .also(ORGANIZATION, Equal(0.0))
    .also(MEMBER, Equal(1.0))
    .recovers(Recovery::Seconds(10))
    .afterwards(ORGANIZATION, Equal(1.0))
    .remedy(
        "check gateways and proxies; the exporter retries within one `refresh` interval (1 s in the test)",
    );
    let mut wire = Wire::new().await;
    let role = Role::new("audit-reader").trusts_account(UIN);
    account(&wire.world).create_organization(1, &role, &[]);
    wire.config =
        "organizations: {main: {role_name: audit-reader, refresh: 1s, regions: [ap-singapore]}}\n"
            .to_owned();
    let look = Look {
        seen_within: 10,
        ..LOOK
    };
    let begins = async |stage: &mut Wire| {
        let member_is_up = |it: &crate::support::exporter::Samples| {
            it.sum("cloudaudit_up", &[("account", "200000000001")]) == 1.0
        };
        stage
            .exporter()
            .metrics_when("the member is polled", member_is_up)
            .await;
        let fault = Fault::edit(|answer| {
            answer["Response"]["RequestId"] = "0f1e2d3c-0000-4000-8000-000000000000".into();
        });
        let fault = fault.action("DescribeOrganizationMembers").until_cleared();
        stage.world.inject(fault);
    };
    let ends = async |stage: &mut Wire| stage.world.clear_faults();
    row.play(look, &mut wire, begins, ends).await;
}
