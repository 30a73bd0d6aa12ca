//! A response of COS, or a forged one.

use cloudaudit_exporter::tencent::storage::cos::{
    MAX_DEPTH, MAX_ENTRIES, MAX_FIELD_BYTES, Page, parse_page,
};

const BUCKET: &str = "examplebucket-1250000000";
const PREFIX: &str = "audit/";

/// The longest message about a response.
const LONGEST_MESSAGE: usize = 200;

/// A page is within its limits, has the objects that the text shows, and can be written and read
/// again; a message is one line.
pub fn bucket(input: &[u8]) {
    match parse_page(input, BUCKET, PREFIX) {
        Ok(page) => {
            is_within_limits(&page);
            is_shown(&page, input);
            let again = parse_page(written(&page).as_bytes(), BUCKET, PREFIX);
            assert_eq!(again, Ok(page));
        }
        Err(message) => {
            assert!(!message.is_empty() && message.len() <= LONGEST_MESSAGE);
            assert!(!message.contains(|c: char| c.is_control()), "{message:?}");
        }
    }
}

fn is_within_limits(page: &Page) {
    assert!(page.objects.len() + page.folders.len() <= MAX_ENTRIES);
    let objects = page.objects.iter().map(|object| &object.key);
    let markers = page.next_marker.iter();
    for text in objects.clone().chain(&page.folders).chain(markers) {
        assert!(text.len() <= MAX_FIELD_BYTES);
    }
    for key in objects.chain(&page.folders) {
        assert!(key.starts_with(PREFIX), "{key:?}");
    }
}

/// Asserts that the text contains every object of the page.
fn is_shown(page: &Page, input: &[u8]) {
    let text = str::from_utf8(input).expect("a page is UTF-8");
    assert!(text.contains("ListBucketResult") && text.contains("IsTruncated"));
    let count = |name: &str| text.matches(name).count();
    assert!(page.objects.len() <= count("LastModified"), "{page:?}");
    assert!(page.objects.len() <= count("Key"));
    assert!(page.folders.len() <= count("CommonPrefixes"));
    assert!(page.next_marker.is_none() || count("NextMarker") > 0);
    const { assert!(MAX_DEPTH > 4, "a listing has four levels") };
}

/// Writes a page with keys that are not encoded: encoded ones may be too long for a field.
fn written(page: &Page) -> String {
    let literal = |text: &str| format!("<![CDATA[{}]]>", text.replace("]]>", "]]]]><![CDATA[>"));
    let truncated = format!("<IsTruncated>{}</IsTruncated>", page.is_truncated);
    let next = page.next_marker.iter();
    let next = next.map(|marker| format!("<NextMarker>{}</NextMarker>", literal(marker)));
    let objects = page.objects.iter().map(|object| {
        let at = jiff::Timestamp::from_second(object.modified).expect("it was one");
        let key = literal(&object.key);
        format!("<Contents><LastModified>{at}</LastModified><Key>{key}</Key></Contents>")
    });
    let folders = page.folders.iter().map(|folder| {
        format!(
            "<CommonPrefixes><Prefix>{}</Prefix></CommonPrefixes>",
            literal(folder)
        )
    });
    let parts: String = objects.chain(folders).chain(next).collect();
    format!("<ListBucketResult>{truncated}{parts}</ListBucketResult>")
}
