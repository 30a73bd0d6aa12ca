//! The limits in `docs/limits.md` are those of the configuration and the code.

use cloudaudit_exporter::config::schema;
use cloudaudit_exporter::shard::MAX_SHARDS;
use cloudaudit_exporter::tencent::organization::MAX_MEMBERS;
use serde_json::Value;

use crate::files::read;
use crate::markdown::Markdown;

/// Rows of the table of fixed limits, each with the pointer to its limit in the schema.
const ROWS: [(&str, &str); 11] = [
    ("accounts of", "/properties/accounts/maxProperties"),
    ("organizations", "/properties/organizations/maxProperties"),
    ("account files", "/properties/account_files/maxItems"),
    (
        "regions of",
        "/definitions/account/properties/regions/maxItems",
    ),
    (
        "`expected_tracks`",
        "/definitions/account/properties/expected_tracks/maxItems",
    ),
    (
        "`labels`",
        "/definitions/account/properties/labels/maxProperties",
    ),
    (
        "`include`",
        "/definitions/organization/properties/include/maxItems",
    ),
    (
        "`trusted_storage_accounts`",
        "/properties/trusted_storage_accounts/maxItems",
    ),
    (
        "the name of an account",
        "/properties/accounts/propertyNames/maxLength",
    ),
    (
        "`poll.max_tracks`",
        "/definitions/poll/properties/max_tracks/maximum",
    ),
    (
        "`changes.keep`",
        "/definitions/changes/properties/keep/maximum",
    ),
];

#[test]
fn the_documented_limits_are_correct() {
    let schema = schema();
    let of_configuration = ROWS.map(|(row, pointer)| (row, schema.pointer(pointer)));
    let of_configuration =
        of_configuration.map(|(row, limit)| (row, limit.and_then(Value::as_u64)));
    let of_code = [
        ("members of", Some(MAX_MEMBERS as u64)),
        ("shards", Some(u64::from(MAX_SHARDS))),
    ];
    let rows = Markdown::of(&read("docs/limits.md")).rows;
    for (beginning, limit) in of_configuration.into_iter().chain(of_code) {
        let row = rows.iter().find(|row| row[0].starts_with(beginning));
        let row = row.unwrap_or_else(|| panic!("no row begins with {beginning}"));
        let number = row[1].replace(',', "");
        let digits: String = number.chars().take_while(char::is_ascii_digit).collect();
        assert_eq!(digits.parse().ok(), limit, "{row:?}");
    }
}
