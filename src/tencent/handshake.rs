//! Explains failed TLS handshakes.

use rustls::{AlertDescription, CertificateError, Error, InvalidMessage};

const AUTHORITY: &str = "the server's certificate is not signed by a trusted authority; add the CA that signed it (perhaps a proxy's) to http.ca_file";
const SELF_SIGNED: &str = "the server uses a CA certificate as its own certificate; give the server a certificate that the CA has signed (CA:FALSE), and put the CA into http.ca_file";
const NAME: &str = "the server's certificate is for another host name; correct the endpoint, or give the server a certificate with this name in its subjectAltName";
const EXPIRED: &str =
    "the server's certificate has expired; renew it, or correct this machine's clock";
const NOT_YET: &str =
    "the server's certificate is not valid yet; correct this machine's clock, or wait";
const REVOKED: &str = "the server's certificate is revoked; replace it";
const PURPOSE: &str = "the server's certificate is not meant for servers; issue it with the extended key usage serverAuth";
const SIGNATURE: &str = "the signature of the server's certificate is wrong or of a kind that is not supported; http.ca_file may hold another CA of the same name, else reissue the certificate with RSA (2048 bits or more) or ECDSA and SHA-256";
const ENCODING: &str =
    "the server's certificate is malformed; reissue it as X.509 version 3 with a subjectAltName";
const CERTIFICATE: &str =
    "the server's certificate cannot be used; replace it, or look for a proxy that intercepts TLS";
const NO_TLS: &str = "the server does not speak TLS on this port; check the port of the endpoint, http.proxy, and whether a proxy answers in its place";
const VERSIONS: &str = "the server and the exporter share no TLS version or cipher; enable TLS 1.2 or 1.3 with current ciphers on the server";
const CLIENT: &str = "the server requires a client certificate, which the exporter does not have; use an endpoint that requires none";
const ALERT: &str = "the server refused the TLS handshake; check the endpoint, and the log of the server or the proxy";
const OTHER: &str = "the TLS handshake failed; check the endpoint and the proxy";

/// Returns an explanation with a remedy, and the error itself unless it is internal to the library.
pub(super) fn message(error: &Error) -> String {
    let explanation = explanation(error);
    match error {
        Error::InvalidCertificate(CertificateError::Other(_)) => explanation.to_owned(),
        _ => format!("{explanation} ({error})"),
    }
}

fn explanation(error: &Error) -> &'static str {
    match error {
        Error::InvalidCertificate(why) => certificate(why),
        Error::NoCertificatesPresented => CERTIFICATE,
        Error::InvalidMessage(InvalidMessage::UnsupportedCurveType) => VERSIONS,
        Error::InvalidMessage(_) => NO_TLS,
        Error::PeerIncompatible(_) => VERSIONS,
        Error::AlertReceived(alert) => match alert {
            AlertDescription::ProtocolVersion
            | AlertDescription::HandshakeFailure
            | AlertDescription::InsufficientSecurity => VERSIONS,
            AlertDescription::CertificateRequired | AlertDescription::NoCertificate => CLIENT,
            AlertDescription::UnrecognisedName => NAME,
            _ => ALERT,
        },
        _ => OTHER,
    }
}

fn certificate(error: &CertificateError) -> &'static str {
    match error {
        CertificateError::UnknownIssuer => AUTHORITY,
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => NAME,
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => EXPIRED,
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => NOT_YET,
        CertificateError::Revoked => REVOKED,
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            PURPOSE
        }
        CertificateError::BadSignature
        | CertificateError::UnsupportedSignatureAlgorithmContext { .. }
        | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => SIGNATURE,
        CertificateError::BadEncoding => ENCODING,
        // rustls has no variant for it and wraps the error of webpki.
        CertificateError::Other(other) if other.to_string().contains("CaUsedAsEndEntity") => {
            SELF_SIGNED
        }
        CertificateError::Other(other) if other.to_string().contains("UnsupportedCertVersion") => {
            ENCODING
        }
        _ => CERTIFICATE,
    }
}
