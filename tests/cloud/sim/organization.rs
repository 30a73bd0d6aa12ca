//! The members of an organization, and which accounts may list them.

use std::time::Duration;

use cloudaudit_exporter::sim::{Fault, Identity, Member, Role, Track, World};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::products::{Key, permanent, temporary};
use super::{HOST, NO_TRACKS, UIN, ids, world};
use crate::support::signer::Signer;

const MEMBERS: [&str; 3] = ["organization", "DescribeOrganizationMembers", "2021-03-31"];

async fn page(world: &World, offset: u64, limit: u64) -> Value {
    let body = format!(r#"{{"Offset":{offset},"Limit":{limit}}}"#);
    permanent().ask(world, MEMBERS, &body).await
}

fn names(answer: &Value) -> Vec<&str> {
    let items = answer["Items"].as_array().unwrap().iter();
    items.map(|item| item["Name"].as_str().unwrap()).collect()
}

/// Creates a world whose first account administers an organization of five members.
fn five() -> World {
    let world = world(0);
    let account = world.account(UIN).unwrap();
    let members = (1..=5).map(|n| Member::new(200_000_000_000 + n, &format!("m{n}")));
    account.set_members(members.collect());
    world
}

#[tokio::test(start_paused = true)]
async fn every_member_is_on_one_page() {
    let world = five();
    assert_eq!(names(&page(&world, 0, 2).await), ["m1", "m2"]);
    assert_eq!(names(&page(&world, 2, 2).await), ["m3", "m4"]);
    let last = page(&world, 4, 2).await;
    assert_eq!((names(&last), &last["Total"]), (vec!["m5"], &json!(5)));
    let past_the_end = page(&world, 6, 2).await;
    assert_eq!(
        (&past_the_end["Items"], &past_the_end["Total"]),
        (&json!([]), &json!(5))
    );
    let pages: Vec<_> = world.calls().iter().map(|call| call.page).collect();
    assert_eq!(pages, [Some(1), Some(2), Some(3), Some(4)]);
}

#[tokio::test(start_paused = true)]
async fn a_member_has_the_documented_form_with_any_characters() {
    let world = world(0);
    let member = Member::new(200_000_000_001, "支付平台")
        .node(7, "生产")
        .tags([("team", "payments"), ("环境", "生产")]);
    world.account(UIN).unwrap().add_member(member);
    let expected = json!({"MemberUin": 200_000_000_001_u64, "Name": "支付平台",
        "MemberType": "Create", "OrgPolicyType": "Financial", "OrgPolicyName": "财务管理",
        "OrgPermission": [{"Id": 1, "Name": "查看账单"}], "NodeId": 7, "NodeName": "生产",
        "Remark": "", "CreateTime": "2021-01-14 14:43:38", "UpdateTime": "2021-01-14 14:43:38",
        "IsAllowQuit": "Denied", "PayUin": "200000000001", "PayName": "支付平台",
        "OrgIdentity": [], "BindStatus": "Success", "PermissionStatus": "Confirmed",
        "Tags": [{"TagKey": "team", "TagValue": "payments"}, {"TagKey": "环境", "TagValue": "生产"}],
        "NickName": "支付平台"});
    assert_eq!(page(&world, 0, 50).await["Items"], json!([expected]));
}

#[tokio::test(start_paused = true)]
async fn members_can_be_added_removed_and_changed() {
    let world = five();
    let account = world.account(UIN).unwrap();
    account.remove_member(200_000_000_001).unwrap();
    account.add_member(Member::new(200_000_000_009, "m9"));
    let renamed = |member: Member| member.name("m9").tags([("team", "core")]);
    account.change_member(200_000_000_003, renamed).unwrap();
    let answer = page(&world, 0, 50).await;
    assert_eq!(names(&answer), ["m2", "m9", "m4", "m5", "m9"]);
    assert_eq!(answer["Items"][1]["MemberUin"], 200_000_000_003_u64);
    assert_eq!(answer["Items"][1]["Tags"][0]["TagValue"], "core");
    let gone = account.remove_member(200_000_000_001).unwrap_err();
    assert_eq!(
        gone.to_string(),
        "no member 200000000001 in the organization of simulated account 100000000001"
    );
}

#[tokio::test(start_paused = true)]
async fn a_request_must_name_a_valid_page() {
    let world = five();
    for (body, code) in [
        (r#"{"Offset":0,"Limit":51}"#, "InvalidParameter"),
        (r#"{"Offset":0,"Limit":0}"#, "InvalidParameter"),
        (r#"{"Offset":1,"Limit":2}"#, "InvalidParameter"),
        (r#"{"Offset":0}"#, "MissingParameter"),
        (r#"{"Limit":10}"#, "MissingParameter"),
        (
            r#"{"Offset":0,"Limit":10,"PageNumber":1}"#,
            "UnknownParameter",
        ),
    ] {
        let answer = permanent().ask(&world, MEMBERS, body).await;
        assert_eq!(answer["Error"]["Code"], code, "{body}");
    }
    let documented = r#"{"Offset":0,"Limit":10,"Lang":"en"}"#;
    let answer = permanent().ask(&world, MEMBERS, documented).await;
    assert_eq!(answer["Total"], 5);
}

#[tokio::test(start_paused = true)]
async fn only_the_admin_account_can_list_it_within_a_rate_limit() {
    let world = five();
    let member = world.add_account("200000000001");
    member.add_identity(Identity::permanent("AKIDmember", "key"));
    let key = Key {
        signer: Signer::new(HOST, "AKIDmember", "key"),
        token: None,
    };
    let answer = key.ask(&world, MEMBERS, r#"{"Offset":0,"Limit":10}"#).await;
    assert_eq!(
        answer["Error"]["Code"],
        "ResourceNotFound.OrganizationNotExist"
    );
    for _ in 0..20 {
        assert_eq!(page(&world, 0, 50).await["Total"], 5);
    }
    assert_eq!(
        page(&world, 0, 50).await["Error"]["Code"],
        "RequestLimitExceeded"
    );
}

#[tokio::test(start_paused = true)]
async fn faults_apply_to_one_action_of_one_account() {
    let world = five();
    world.inject(
        Fault::internal_error()
            .action("DescribeOrganizationMembers")
            .page(2),
    );
    assert_eq!(ids(&permanent().list(&world).await), NO_TRACKS);
    assert_eq!(page(&world, 0, 2).await["Total"], 5);
    assert_eq!(page(&world, 2, 2).await["Error"]["Code"], "InternalError");
    let over = Fault::error("InvalidParameter.OverLimit", "too often");
    world.inject(over.action("AssumeRole").account("200000000001"));
    permanent().assume(&world, "{}").await;
    assert_eq!(world.pending_faults(), 1);
}

/// Real time, because the test measures how long this takes.
#[tokio::test]
async fn two_thousand_members_are_created_within_seconds() {
    const MANY: u64 = 2_000;
    let began = Instant::now();
    let world = world(0);
    let role = Role::new("audit-reader").trusts_account(UIN);
    let tracks = [Track::new(1, "audit-all"), Track::new(2, "to-cls")];
    world
        .account(UIN)
        .unwrap()
        .create_organization(MANY, &role, &tracks);
    let mut found = 0;
    world.set_rate_limit(1_000);
    for offset in (0..MANY).step_by(50) {
        found += names(&page(&world, offset, 50).await).len();
    }
    assert_eq!(found, 2_000);
    let body = r#"{"RoleArn":"qcs::cam::uin/200000002000:roleName/audit-reader",
        "RoleSessionName":"test"}"#;
    let key = temporary(&permanent().assume(&world, body).await);
    assert_eq!(ids(&key.list(&world).await), [1, 2]);
    let took = began.elapsed();
    assert!(took < Duration::from_secs(3), "took {took:?}");
}
