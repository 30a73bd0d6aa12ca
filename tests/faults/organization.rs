//! An organization's admin account, whose tracks cover the members.

use std::time::Duration;

use cloudaudit_exporter::sim::{Role, Track};
use tokio::time::sleep;

use crate::row::Does::Equal;
use crate::row::Row;
use crate::wire::{LOOK, Wire};
use crate::{SECRET_ID, UIN, account};

const COVERED: &str = "cloudaudit_account_covered{account=\"200000000001\"}";
const SECONDS: &str = "cloudaudit_account_covered_seconds_total";
const LIST: &str = "cloudaudit:DescribeAuditTracks";
const FAILED: &str = "cannot list the admin account";
const MEMBER: &[(&str, &str)] = &[("account", "200000000001")];

#[tokio::test(flavor = "multi_thread")]
async fn the_admin_account_is_denied() {
    let row = Row::new(
        "the_admin_account_is_denied",
        "CAM no longer allows an organization's admin account to list its tracks",
    )
    .fails("unauthorized", "UnauthorizedOperation")
    .also(COVERED, Equal(1.0))
    .remedy(
        "allow `cloudaudit:DescribeAuditTracks`; members [count as covered](organizations.md#covered-by-the-organization) for up to four refresh intervals after the last listing",
    );
    let mut wire = Wire::new().await;
    let role = Role::new("audit-reader").trusts_account(UIN);
    account(&wire.world).create_organization(1, &role, &[]);
    account(&wire.world).create(Track::new(9, "for-all").for_all_members());
    let details = ("CLOUDAUDIT_EXPORTER__POLL__DETAILS_INTERVAL", "1s");
    wire.environment.push(details);
    wire.config =
        "organizations: {main: {role_name: audit-reader, refresh: 3s, regions: [ap-singapore]}}\n"
            .to_owned();
    let begins = async |stage: &mut Wire| {
        let exporter = stage.exporter();
        exporter
            .metrics_when("the member is covered", |it| it.sum(SECONDS, MEMBER) > 0.0)
            .await;
        let account = account(&stage.world);
        account.deny_action(SECRET_ID, LIST).unwrap();
    };
    let ends = async |stage: &mut Wire| {
        stage.wait_for_log(FAILED).await;
        let counted = stage.exporter().metrics().await.sum(SECONDS, MEMBER);
        sleep(Duration::from_secs(2)).await;
        let after = stage.exporter().metrics().await.sum(SECONDS, MEMBER);
        assert_eq!(counted, after, "covered seconds do not grow");
        account(&stage.world).permit(SECRET_ID).unwrap();
    };
    row.play(LOOK, &mut wire, begins, ends).await;
}
