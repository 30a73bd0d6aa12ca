//! The certificate authorities of `http.ca_file`.

use std::fmt;
use std::path::Path;

use jiff::Timestamp;
use rustls::pki_types::CertificateDer;
use x509_parser::prelude::{ASN1Time, FromDer, X509Certificate, X509Version};

use crate::escape::{escaped, visible_path};
use crate::{files, pem};

/// The longest file of certificate authorities, in bytes. The bundles of systems have a quarter of
/// that.
pub const MAX_CA_BYTES: usize = 1 << 20;

/// The content of a file of certificate authorities.
#[derive(Debug)]
pub struct CaFile {
    pub(super) certificates: Vec<CertificateDer<'static>>,
    /// Warnings about certificates that are trusted but probably do not work as intended. Each names
    /// the file and the certificate.
    pub warnings: Vec<String>,
}

impl CaFile {
    /// Reads a PEM file. Blocks the thread.
    ///
    /// # Errors
    ///
    /// If the file or one of its certificates cannot be read. The message names both.
    pub fn read(file: &Path) -> Result<Self, String> {
        let at = |error: &dyn fmt::Display| format!("http.ca_file {}: {error}", visible_path(file));
        let pem = files::read(file, MAX_CA_BYTES).map_err(|error| at(&error))?;
        let certificates = pem::certificates(&pem.bytes).map_err(|error| at(&error))?;
        let now = ASN1Time::now();
        let warnings = (1..).zip(&certificates).flat_map(|(ordinal, certificate)| {
            let warnings = warnings(certificate, now).into_iter();
            warnings.map(move |warning| format!("certificate {ordinal} {warning}"))
        });
        let warnings = warnings.map(|warning| at(&warning)).collect();
        Ok(Self {
            certificates,
            warnings,
        })
    }
}

/// Returns warnings about a certificate. A handshake checks neither the dates nor `CA:TRUE` of a
/// trusted certificate, so nothing else reports them.
fn warnings(certificate: &CertificateDer<'_>, now: ASN1Time) -> Vec<String> {
    let Ok((_, certificate)) = X509Certificate::from_der(certificate) else {
        return Vec::new();
    };
    let name = escaped(&certificate.subject().to_string());
    let validity = certificate.validity();
    let mut warnings = Vec::new();
    if validity.not_after < now {
        warnings.push(format!(
            "({name}) expired on {}; replace it with the current certificate of this CA",
            day(validity.not_after)
        ));
    }
    if now < validity.not_before {
        warnings.push(format!(
            "({name}) is not valid before {}; check the certificate and this machine's clock",
            day(validity.not_before)
        ));
    }
    // Version 1 cannot say whether a certificate is a CA.
    if certificate.version() == X509Version::V3 && !certificate.is_ca() {
        let issuer = certificate.issuer();
        warnings.push(if certificate.subject() == issuer {
            format!(
                "({name}) is not a CA certificate: it is trusted only for a server that uses it as its own certificate"
            )
        } else {
            let issuer = escaped(&issuer.to_string());
            format!("({name}) is not a CA certificate; replace it with the CA that signed it ({issuer})")
        });
    }
    warnings
}

fn day(time: ASN1Time) -> String {
    let text = Timestamp::from_second(time.timestamp());
    text.map_or_else(|_| time.to_string(), |text| text.to_string())
}
