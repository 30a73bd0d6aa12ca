//! The XML of COS: a page of a listing, or an error. Only a few fields are read, within limits.

use jiff::Timestamp;
use percent_encoding::percent_decode_str;
use quick_xml::Reader;
use quick_xml::events::Event;

/// The most keys and folders of a page: twice the API's maximum.
pub const MAX_ENTRIES: usize = 2_000;

/// The longest field that is read, in bytes: a key has at most 850 bytes, which encoding triples.
pub const MAX_FIELD_BYTES: usize = 4_096;

/// The deepest nesting of elements. A listing has four levels.
pub const MAX_DEPTH: usize = 16;

/// A page of a listing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// In the order of the API.
    pub objects: Vec<Object>,
    /// `CommonPrefixes`, which end with the delimiter.
    pub folders: Vec<String>,
    /// `IsTruncated`: there are more pages.
    pub is_truncated: bool,
    /// `NextMarker`: the next page begins after this.
    pub next_marker: Option<String>,
}

/// An object of a listing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Object {
    /// `Key`.
    pub key: String,
    /// `LastModified` in Unix seconds.
    pub modified: i64,
}

/// An error of COS.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ErrorBody {
    pub(super) code: String,
    pub(super) message: String,
    pub(super) request_id: Option<String>,
}

/// Parses a page of a bucket, whose name ends with the APPID. Every key and folder begins with
/// `prefix`.
///
/// # Errors
///
/// Why the text is not a page. The message quotes nothing of the text.
pub fn parse_page(body: &[u8], bucket: &str, prefix: &str) -> Result<Page, String> {
    let mut fields = PageFields::default();
    let root = read_fields(body, |path, text| fields.add(path, text))?;
    if root != "ListBucketResult" {
        return Err("the response is not a listing of objects".to_owned());
    }
    fields.into_page(bucket, prefix)
}

/// Parses an error. A body of another form has an empty code.
pub(super) fn parse_error(body: &[u8]) -> ErrorBody {
    let mut error = ErrorBody::default();
    let read = read_fields(body, |path, text| {
        match path {
            ["Error", "Code"] => error.code = text,
            ["Error", "Message"] => error.message = text,
            ["Error", "RequestId"] => error.request_id = Some(text),
            _ => {}
        }
        Ok(())
    });
    read.map_or_else(|_| ErrorBody::default(), |_| error)
}

/// The fields of a page, as they are in the XML.
#[derive(Default)]
struct PageFields {
    page: Page,
    /// `Name`, of the bucket.
    name: String,
    prefix: String,
    is_encoded: bool,
    is_truncated: Option<bool>,
    key: Option<String>,
    modified: Option<i64>,
}

impl PageFields {
    fn add(&mut self, path: &[&str], text: String) -> Result<(), String> {
        match path {
            ["ListBucketResult", "Name"] => self.name = text,
            ["ListBucketResult", "Prefix"] => self.prefix = text,
            ["ListBucketResult", "EncodingType"] => self.is_encoded = text == "url",
            ["ListBucketResult", "IsTruncated"] => self.is_truncated = text.trim().parse().ok(),
            ["ListBucketResult", "NextMarker"] => self.page.next_marker = Some(text),
            ["ListBucketResult", "CommonPrefixes", "Prefix"] => self.page.folders.push(text),
            ["ListBucketResult", "Contents", "Key"] => self.key = Some(text),
            ["ListBucketResult", "Contents", "LastModified"] => {
                let time = text.trim().parse::<Timestamp>().ok();
                self.modified = time.map(Timestamp::as_second);
            }
            ["ListBucketResult", "Contents"] => {
                let key = self.key.take().ok_or("an object has no Key")?;
                let modified = self.modified.take();
                let modified = modified.ok_or("an object has no readable LastModified")?;
                self.page.objects.push(Object { key, modified });
            }
            _ => {}
        }
        if self.page.objects.len() + self.page.folders.len() > MAX_ENTRIES {
            return Err(format!("the page has more than {MAX_ENTRIES} entries"));
        }
        Ok(())
    }

    fn into_page(mut self, bucket: &str, prefix: &str) -> Result<Page, String> {
        let mut page = self.page;
        if !self.name.is_empty() && !is_name_of(&self.name, bucket) {
            return Err("the page lists another bucket".to_owned());
        }
        page.is_truncated = self.is_truncated.ok_or("the listing has no IsTruncated")?;
        let objects = page.objects.iter_mut().map(|object| &mut object.key);
        let texts = objects
            .chain(&mut page.folders)
            .chain(&mut page.next_marker)
            .chain([&mut self.prefix]);
        for text in texts.filter(|_| self.is_encoded) {
            let decoded = percent_decode_str(text).decode_utf8();
            *text = decoded.map_err(|_| "a key is not UTF-8")?.into_owned();
        }
        if !self.prefix.is_empty() && self.prefix != prefix {
            return Err("the page lists another prefix".to_owned());
        }
        let mut keys = page
            .objects
            .iter()
            .map(|object| &object.key)
            .chain(&page.folders);
        if keys.any(|key| !key.starts_with(prefix)) {
            return Err("the page lists keys outside the requested prefix".to_owned());
        }
        Ok(page)
    }
}

/// Returns whether this is the name of a bucket, with or without the APPID at its end.
fn is_name_of(name: &str, bucket: &str) -> bool {
    bucket.strip_prefix(name).is_some_and(|rest| {
        let app_id = rest.strip_prefix('-');
        rest.is_empty() || app_id.is_some_and(|id| id.bytes().all(|byte| byte.is_ascii_digit()))
    })
}

/// Reads a document and passes on every element at its end, with the names from the root on and its
/// own text. Returns the name of the root.
fn read_fields(
    body: &[u8],
    mut add: impl FnMut(&[&str], String) -> Result<(), String>,
) -> Result<String, String> {
    const NOT_XML: &str = "the response is not XML";
    let text = str::from_utf8(body).map_err(|_| NOT_XML)?;
    let mut reader = Reader::from_str(text);
    reader.config_mut().expand_empty_elements = true;
    let mut names: Vec<String> = Vec::new();
    let mut texts: Vec<String> = Vec::new();
    let mut root = None;
    loop {
        let event = reader.read_event();
        let event = event.map_err(|_| format!("{NOT_XML}, at byte {}", reader.error_position()))?;
        let more = match event {
            Event::Start(_) if names.len() == MAX_DEPTH => {
                return Err(format!("elements are nested more than {MAX_DEPTH} deep"));
            }
            Event::Start(_) if names.is_empty() && root.is_some() => {
                return Err(format!("{NOT_XML}: it has two roots"));
            }
            Event::Start(start) => {
                let name = start.local_name().into_inner().to_owned();
                root.get_or_insert_with(|| name.clone());
                names.push(name);
                texts.push(String::new());
                continue;
            }
            Event::End(_) => {
                let path: Vec<&str> = names.iter().map(String::as_str).collect();
                add(&path, texts.pop().unwrap_or_default())?;
                names.pop();
                continue;
            }
            Event::Text(text) => text.into_inner(),
            Event::CData(text) => text.into_inner(),
            Event::GeneralRef(reference) => entity(&reference).ok_or(NOT_XML)?.to_string().into(),
            Event::DocType(_) => return Err("the response declares a document type".to_owned()),
            Event::Eof => break,
            _ => continue,
        };
        match texts.last_mut() {
            Some(text) if text.len() + more.len() <= MAX_FIELD_BYTES => text.push_str(&more),
            Some(_) => return Err(format!("a field is longer than {MAX_FIELD_BYTES} bytes")),
            None if more.trim().is_empty() => {}
            None => return Err(format!("{NOT_XML}: it has text outside its root")),
        }
    }
    if !names.is_empty() {
        return Err(format!("{NOT_XML}: it ends early"));
    }
    root.ok_or_else(|| NOT_XML.to_owned())
}

/// Returns the character of a reference. Only the references of XML itself are known, because a
/// document type is refused.
fn entity(reference: &quick_xml::events::BytesRef<'_>) -> Option<char> {
    match &**reference {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => reference.resolve_char_ref().ok().flatten(),
    }
}
