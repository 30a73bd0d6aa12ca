//! The INI format of the credentials file, as the official SDK reads it with Python's
//! `configparser`: `=` or `:` after a key in any case, comments on lines of their own, values
//! without surrounding whitespace and with their quotes. Unlike with `configparser`, a byte order
//! mark is skipped, mistakes in other sections are ignored, and an indented line does not continue
//! the value above it. The profile refuses a value in quotes, which the SDK would use as it is.

/// The values of one section. They borrow from the bytes of the file, because copies would have to
/// be wiped.
#[derive(Default)]
pub(super) struct Section<'f> {
    pub(super) secret_id: Option<&'f str>,
    pub(super) secret_key: Option<&'f str>,
    pub(super) token: Option<&'f str>,
}

/// Which section a line belongs to.
#[derive(PartialEq, Eq)]
enum Place {
    /// Before the first header.
    Nowhere,
    Wanted,
    Other,
}

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

impl<'f> Section<'f> {
    /// Returns the section `name` of a file.
    ///
    /// # Errors
    ///
    /// The mistake and the line number, without the content of the line.
    pub(super) fn find(file: &'f [u8], name: &str) -> Result<Self, String> {
        let file = file.strip_prefix(BYTE_ORDER_MARK).unwrap_or(file);
        if file.trim_ascii_start().starts_with(b"{") {
            return Err(format!(
                "this is JSON, as tccli writes it; write an INI file with a section [{name}] that has \
                 secret_id and secret_key, as in ~/.tencentcloud/credentials"
            ));
        }
        let mut section = None;
        let mut place = Place::Nowhere;
        let mut broken_header = None;
        // Python also takes the line ends of old Macs, which have no line feed.
        let end = if file.contains(&b'\n') { b'\n' } else { b'\r' };
        for (line, number) in file.split(|byte| *byte == end).zip(1_usize..) {
            let line = line.trim_ascii();
            if line.is_empty() || line.starts_with(b"#") || line.starts_with(b";") {
                continue;
            }
            if let Some(header) = line.strip_prefix(b"[") {
                let end = header.iter().position(|byte| *byte == b']');
                place = match end.map(|end| &header[..end]) {
                    Some(header) if header == name.as_bytes() => {
                        if section.is_some() {
                            return Err(format!("line {number}: section [{name}] appears twice"));
                        }
                        section = Some(Self::default());
                        Place::Wanted
                    }
                    Some(_) => Place::Other,
                    None => {
                        broken_header.get_or_insert(number);
                        Place::Other
                    }
                };
                continue;
            }
            match (&place, &mut section) {
                (Place::Nowhere, _) => {
                    return Err(format!(
                        "line {number} is before the first section; write [{name}] above it"
                    ));
                }
                (Place::Wanted, Some(section)) => section
                    .enter(line)
                    .map_err(|why| format!("line {number}, in section [{name}]: {why}"))?,
                _ => {}
            }
        }
        section.ok_or_else(|| {
            let broken =
                broken_header.map(|number| format!("; the header in line {number} has no ]"));
            let broken = broken.unwrap_or_default();
            format!("the file has no profile {name:?}; its section would be [{name}]{broken}")
        })
    }

    fn enter(&mut self, line: &'f [u8]) -> Result<(), String> {
        let line = std::str::from_utf8(line).map_err(|_| "it is not UTF-8 text")?;
        let (key, value) = line
            .split_once(['=', ':'])
            .ok_or("the line has neither = nor :")?;
        let key = key.trim().to_ascii_lowercase();
        let field = match &*key {
            "secret_id" => &mut self.secret_id,
            "secret_key" => &mut self.secret_key,
            "token" => &mut self.token,
            _ => return Ok(()),
        };
        let value = Some(value.trim()).filter(|value| !value.is_empty());
        if field.is_some() {
            return Err(format!("{key} appears twice"));
        }
        *field = value;
        Ok(())
    }
}
