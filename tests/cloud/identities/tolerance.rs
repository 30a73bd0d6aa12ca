//! Slightly malformed responses of STS, the metadata service, the organization API and
//! `DescribeAuditTrack`.

use std::time::Duration;

use cloudaudit_exporter::failure::Reason;
use cloudaudit_exporter::sim::{Fault, Role, Track};
use http::StatusCode;
use serde_json::{Value, json};

use super::organization::{config, organization};
use super::stage::{AWAY, HOME, ID, KEY, Stage, world};

/// Edits every response of an action.
fn edited(action: &str, change: impl Fn(&mut Value) + Send + Sync + 'static) -> Fault {
    Fault::edit(change).action(action).until_cleared()
}

#[tokio::test(start_paused = true)]
async fn an_expiry_may_be_text_or_a_float() {
    for spell in [
        (|end: u64| json!(end.to_string())) as fn(u64) -> Value,
        |end| json!(format!("{end}.0")),
        #[expect(clippy::cast_precision_loss, reason = "a time of this century")]
        |end| json!(end as f64),
    ] {
        let world = world();
        let away = world.account(AWAY).unwrap();
        away.add_role(Role::new("reader").trusts_account(HOME));
        world.account(HOME).unwrap().add_role(Role::new("monitor"));
        world.bind_machine(HOME, "monitor");
        let change = move |end: &mut Value| *end = spell(end.as_u64().unwrap());
        world.inject(edited("AssumeRole", move |answer| {
            change(&mut answer["Response"]["ExpiredTime"]);
        }));
        world.inject(edited("metadata", move |answer| {
            if answer.get("ExpiredTime").is_some() {
                change(&mut answer["ExpiredTime"]);
            }
        }));
        let role = format!(
            "{{credentials: {{secret_id: {ID}, secret_key: {KEY}}}, assume_role: {{arn: '{}'}}}}",
            away.role_arn("reader")
        );
        assert_eq!(Stage::of(&world, &[], &role).tracks().await, [2]);
        let machine = "{credentials: {cvm_role: {name: monitor}}}";
        assert_eq!(Stage::of(&world, &[], machine).tracks().await, [1]);
    }
}

#[tokio::test(start_paused = true)]
async fn an_unreadable_expiry_is_named() {
    for (end, found) in [
        (json!("tomorrow"), "text"),
        (json!(-1), "a negative number"),
        (json!(true), "true or false"),
        (json!([1]), "a list"),
    ] {
        let world = world();
        let away = world.account(AWAY).unwrap();
        away.add_role(Role::new("reader").trusts_account(HOME));
        world.inject(edited("AssumeRole", move |answer| {
            answer["Response"]["ExpiredTime"] = end.clone();
        }));
        let role = format!(
            "{{credentials: {{secret_id: {ID}, secret_key: {KEY}}}, assume_role: {{arn: '{}'}}}}",
            away.role_arn("reader")
        );
        let failure = Stage::of(&world, &[], &role).failure().await;
        let expected = format!("ExpiredTime: expected a whole number, found {found}");
        assert!(failure.message.ends_with(&expected), "{failure}");
    }
}

/// A part of a key that is not text is named by its path, without its value.
#[tokio::test(start_paused = true)]
async fn a_key_that_is_not_text_is_named_and_not_shown() {
    let world = world();
    let away = world.account(AWAY).unwrap();
    away.add_role(Role::new("reader").trusts_account(HOME));
    world.inject(edited("AssumeRole", |answer| {
        answer["Response"]["Credentials"]["TmpSecretKey"] = json!(123_456_789);
    }));
    let role = format!(
        "{{credentials: {{secret_id: {ID}, secret_key: {KEY}}}, assume_role: {{arn: '{}'}}}}",
        away.role_arn("reader")
    );
    let failure = Stage::of(&world, &[], &role).failure().await;
    let expected = "Credentials.TmpSecretKey: expected text, found a number";
    assert!(failure.message.ends_with(expected), "{failure}");
}

#[tokio::test(start_paused = true)]
async fn an_account_id_may_be_a_number() {
    let world = world();
    world.inject(edited("GetCallerIdentity", |answer| {
        let uin: u64 = HOME.parse().unwrap();
        answer["Response"]["AccountId"] = json!(uin);
        answer["Response"]["Arn"] = json!({});
        answer["Response"]["RequestId"] = json!([7]);
    }));
    let account = format!("{{uin: '{HOME}', credentials: {{secret_id: {ID}, secret_key: {KEY}}}}}");
    assert_eq!(Stage::of(&world, &[], &account).tracks().await, [1]);
}

#[tokio::test(start_paused = true)]
async fn unreadable_fields_drop_no_member() {
    let world = organization(3);
    world.inject(edited("DescribeOrganizationMembers", |answer| {
        let response = &mut answer["Response"];
        response["Total"] = json!("3.0");
        response["RequestId"] = json!(7);
        for item in response["Items"].as_array_mut().unwrap() {
            item["MemberUin"] = json!(item["MemberUin"].to_string());
        }
        response["Items"][0]["Name"] = json!({});
        response["Items"][1]["Name"] = json!(700);
        response["Items"][1]["Tags"] = json!(["x", {"TagKey": "team", "TagValue": 7}]);
        response["Items"][2]["Tags"] = json!("x");
        response["Items"][2]["NodeName"] = json!([]);
    }));
    let more = "    account_label: name\n    member_tag_labels: [team]\n";
    let mut stage = Stage::with(&world, &[], &config(more));
    stage.pass(Duration::from_mins(1)).await;
    assert_eq!(stage.shown.accounts(), ["200000000001", "700", "member-3"]);
    assert_eq!(stage.shown.last("700").account.labels["team"], "7");
}

/// Latin-1, a lone surrogate and a raw line break in names.
#[tokio::test(start_paused = true)]
async fn broken_names_drop_no_member() {
    let world = organization(3);
    let body = [
        &br#"{"Response":{"Total":3,"Items":[{"MemberUin":200000000001,"Name":"caf"#[..],
        b"\xe9",
        br#""},{"MemberUin":200000000002,"Name":"a\ud800b"},{"MemberUin":200000000003,"Name":"a"#,
        b"\n",
        br#"b"}],"RequestId":"r"}}"#,
    ];
    let raw = Fault::raw(StatusCode::OK, "application/json", body.concat());
    world.inject(raw.action("DescribeOrganizationMembers").until_cleared());
    let mut stage = Stage::with(&world, &[], &config("    account_label: name\n"));
    stage.pass(Duration::from_mins(1)).await;
    // Two names that become equal get their UIN appended.
    let expected = [
        "a\u{fffd}b-200000000002",
        "a\u{fffd}b-200000000003",
        "caf\u{fffd}",
    ];
    assert_eq!(stage.shown.accounts(), expected);
}

/// Describes a track that records everything with edited details. Returns whether it is
/// organization-wide and whether it has full coverage.
async fn described(change: impl Fn(&mut Value) + Send + Sync + 'static) -> [Option<bool>; 2] {
    let world = world();
    let home = world.account(HOME).unwrap();
    let track = Track::new(1, "all").with("ResourceType", json!("*"));
    home.replace(vec![
        track
            .with("ActionType", json!("*"))
            .with("EventNames", json!(["*"])),
    ]);
    world.inject(edited("DescribeAuditTrack", change));
    let config = format!(
        "poll: {{details_interval: 1h}}\n\
         accounts: {{prod: {{credentials: {{secret_id: {ID}, secret_key: {KEY}}}}}}}"
    );
    let mut stage = Stage::with(&world, &[], &config);
    stage.pass(Duration::from_mins(3)).await;
    let report = stage.shown.last("prod");
    let track = &report.targets[0].last_good.as_ref().unwrap().listing.tracks[0];
    assert!(track.details.is_some());
    [track.is_organization_wide(), track.has_full_coverage()]
}

#[tokio::test(start_paused = true)]
async fn unreadable_details_claim_nothing() {
    for (value, expected) in [
        (json!(1), Some(true)),
        (json!("1"), Some(true)),
        (json!(1.0), Some(true)),
        (json!(true), Some(true)),
        (json!("true"), Some(true)),
        (json!("0.0"), Some(false)),
        (json!(false), Some(false)),
        (json!(2), None),
        (json!("yes"), None),
        (json!(null), None),
        (json!([]), None),
    ] {
        let wide = value.clone();
        let found = described(move |answer| {
            answer["Response"]["TrackForAllMembers"] = wide.clone();
        });
        assert_eq!(found.await, [expected, Some(true)], "{value}");
    }
    let everything = json!({"ActionType": "*", "ResourceType": "*", "EventNames": ["*"]});
    let narrow = json!({"ActionType": "Read", "ResourceType": "cos", "EventNames": "GetBucket"});
    let many = |last: &Value| {
        let mut fields = vec![narrow.clone(); 500];
        fields.push(last.clone());
        json!({"ResourceFields": fields})
    };
    for (filters, expected) in [
        (json!(null), Some(true)),
        (json!("all"), None),
        (json!([]), None),
        (json!({"ResourceFields": "all"}), None),
        (json!({"ResourceFields": [7]}), None),
        (json!({"ResourceFields": [narrow, []]}), None),
        (json!({"ResourceFields": [narrow]}), Some(false)),
        (
            json!({"ResourceFields": [narrow, everything, 7]}),
            Some(true),
        ),
        (many(&everything), Some(true)),
        (many(&json!(7)), None),
        (many(&narrow), Some(false)),
    ] {
        let text = filters.to_string();
        let found = described(move |answer| answer["Response"]["Filters"] = filters.clone());
        assert_eq!(found.await[1], expected, "{}", &text[..text.len().min(200)]);
    }
}

/// A message that cannot be parsed does not lose the error code.
#[tokio::test(start_paused = true)]
async fn a_denial_with_a_broken_message_is_still_a_denial() {
    let world = world();
    let body = b"{\"Response\":{\"Error\":{\"Code\":\"UnauthorizedOperation\",\"Message\":\"\xff\\ud800\"},\"RequestId\":7}}";
    let raw = Fault::raw(StatusCode::OK, "application/json", &body[..]);
    world.inject(raw.action("DescribeAuditTracks").until_cleared());
    let account = format!("{{credentials: {{secret_id: {ID}, secret_key: {KEY}}}}}");
    let failure = Stage::of(&world, &[], &account).failure().await;
    assert_eq!(
        (failure.reason, &*failure.code, &*failure.message),
        (
            Reason::Unauthorized,
            "UnauthorizedOperation",
            "\u{fffd}\u{fffd}"
        )
    );
    assert_eq!(failure.request_id.as_deref(), Some("7"));
}
