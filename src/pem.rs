//! Reads certificates from PEM text. Every certificate that the text announces is returned or named
//! in an error, because a silently skipped CA means that its servers are not trusted.

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::files::{UTF_16, is_utf_16};

const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";
const DASHES: &str = "-----";

/// Dashes, as a text processor may have changed them.
const DASH: [char; 4] = ['-', '\u{2010}', '\u{2013}', '\u{2014}'];

/// OpenSSL's form with trust settings after the certificate, which other programs do not read.
const TRUSTED: &str = "TRUSTED CERTIFICATE";

/// The labels of a certificate. The second one is OpenSSL's older name for it.
const CERTIFICATE: [&str; 2] = ["CERTIFICATE", "X509 CERTIFICATE"];

/// Reads every certificate. Text between them, keys and other objects are skipped, and so are byte
/// order marks and whitespace around a line.
///
/// # Errors
///
/// If a certificate cannot be read, with its number and line, or if the text has none.
pub fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    if is_utf_16(pem) {
        return Err(UTF_16.into());
    }
    let text = String::from_utf8_lossy(pem).replace("\r\n", "\n");
    // Two files may have been concatenated without a line break between them.
    let text = text.replace(
        &format!("{DASHES}{BEGIN}"),
        &format!("{DASHES}\u{b}{BEGIN}"),
    );
    let mut found = Vec::new();
    let mut open: Option<Block> = None;
    for (number, line) in (1..).zip(text.split(['\n', '\r'])) {
        for line in line.split('\u{b}').map(trimmed) {
            match open.take() {
                Some(block) if line.starts_with(BEGIN) => {
                    return Err(block.error("has no END line"));
                }
                Some(block) if line.starts_with(END) => found.extend(block.close(line)?),
                Some(block) => open = Some(block.with(line)),
                None => open = Block::open(line, number, found.len() + 1)?,
            }
        }
    }
    match open {
        Some(block) => Err(block.error("has no END line")),
        None if found.is_empty() => Err(
            "it contains no certificate; it must be PEM, with a line -----BEGIN CERTIFICATE-----"
                .into(),
        ),
        None => Ok(found),
    }
}

fn trimmed(line: &str) -> &str {
    line.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}')
}

/// Returns whether a line outside of blocks has a boundary of a certificate in it, perhaps a damaged
/// one.
fn has_boundary(line: &str) -> bool {
    let line = line.to_ascii_uppercase();
    ["BEGIN ", "END "].iter().any(|word| {
        line.match_indices(word).any(|(at, _)| {
            let is_after_dash = line[..at].trim_end().ends_with(DASH);
            let label = &line[at + word.len()..];
            let is_certificate = |it: &&str| label.starts_with(*it);
            is_after_dash && CERTIFICATE.iter().chain([&TRUSTED]).any(is_certificate)
        })
    })
}

/// The content between a BEGIN and an END line.
struct Block {
    label: String,
    /// The number of the BEGIN line.
    line: usize,
    /// The number of the certificate, if it is one.
    ordinal: usize,
    body: String,
}

impl Block {
    fn open(line: &str, number: usize, ordinal: usize) -> Result<Option<Self>, String> {
        let mut block = Self {
            label: String::new(),
            line: number,
            ordinal,
            body: String::new(),
        };
        let Some(rest) = line.strip_prefix(BEGIN) else {
            return if has_boundary(line) {
                Err(block
                    .error("is damaged: it has no line -----BEGIN CERTIFICATE----- of its own"))
            } else {
                Ok(None)
            };
        };
        match rest.strip_suffix(DASHES) {
            Some(label) => block.label.push_str(label),
            None if rest.contains("CERTIFICATE") => {
                return Err(
                    block.error("does not begin with a line of its own; its line breaks are lost")
                );
            }
            None => return Ok(None),
        }
        Ok(Some(block))
    }

    fn with(mut self, line: &str) -> Self {
        if self.is_certificate() {
            self.body.push_str(line);
            self.body.push('\n');
        }
        self
    }

    fn is_certificate(&self) -> bool {
        CERTIFICATE.contains(&self.label.as_str())
    }

    /// Returns the certificate, or `None` for another object.
    fn close(self, end: &str) -> Result<Option<CertificateDer<'static>>, String> {
        if self.label == TRUSTED {
            return Err(self.error("is a TRUSTED CERTIFICATE, which only OpenSSL reads; convert it with `openssl x509 -in FILE -out NEW-FILE`"));
        }
        if end != format!("{END}{}{DASHES}", self.label) {
            return Err(self.error("ends with the END line of another object"));
        }
        if !self.is_certificate() {
            return Ok(None);
        }
        let pem = format!(
            "-----BEGIN CERTIFICATE-----\n{}-----END CERTIFICATE-----\n",
            self.body
        );
        let der = CertificateDer::from_pem_slice(pem.as_bytes())
            .map_err(|_| self.error("is not base64 text"))?;
        match X509Certificate::from_der(&der) {
            Ok(([], _)) => Ok(Some(der)),
            Ok(_) => Err(self.error("is followed by other bytes in its block")),
            Err(_) => Err(self.error("cannot be parsed as an X.509 certificate")),
        }
    }

    fn error(&self, what: &str) -> String {
        let Self { ordinal, line, .. } = self;
        format!("certificate {ordinal} (line {line}) {what}")
    }
}
