//! Verifies client certificates: the policies of `client_auth_type`, and the allowed names.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, RootCertStore,
    SignatureScheme,
};
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

use crate::pem;

/// `client_auth_type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ClientAuth {
    /// No certificate is requested.
    NoClientCert,
    /// A certificate is requested, and not verified.
    RequestClientCert,
    /// A certificate is required, and not verified.
    RequireAnyClientCert,
    /// A certificate is requested, and verified if the client has one.
    VerifyClientCertIfGiven,
    /// A certificate is required and verified.
    RequireAndVerifyClientCert,
}

impl ClientAuth {
    pub(super) fn parse(name: &str) -> Result<Self, String> {
        Ok(match name {
            "" | "NoClientCert" => Self::NoClientCert,
            "RequestClientCert" => Self::RequestClientCert,
            // The second spelling is an old one.
            "RequireAnyClientCert" | "RequireClientCert" => Self::RequireAnyClientCert,
            "VerifyClientCertIfGiven" => Self::VerifyClientCertIfGiven,
            "RequireAndVerifyClientCert" => Self::RequireAndVerifyClientCert,
            _ => {
                return Err(
                    "client_auth_type: allowed are NoClientCert, RequestClientCert, RequireAnyClientCert, \
                     VerifyClientCertIfGiven and RequireAndVerifyClientCert"
                        .to_owned(),
                );
            }
        })
    }

    fn verifies(self) -> bool {
        matches!(
            self,
            Self::VerifyClientCertIfGiven | Self::RequireAndVerifyClientCert
        )
    }

    /// Returns whether every client needs a certificate.
    pub(super) fn requires(self) -> bool {
        matches!(
            self,
            Self::RequireAnyClientCert | Self::RequireAndVerifyClientCert
        )
    }
}

/// Returns the verifier of a policy, or `None` if no certificate is requested. `authorities` is
/// PEM.
pub(super) fn verifier(
    policy: ClientAuth,
    authorities: Option<&str>,
    allowed_sans: Option<Vec<String>>,
    provider: &Arc<CryptoProvider>,
) -> Result<Option<Arc<dyn ClientCertVerifier>>, String> {
    if policy == ClientAuth::NoClientCert {
        return match authorities {
            Some(_) => {
                Err("client_ca needs a client_auth_type; without it, no client certificate is requested".to_owned())
            }
            None => Ok(None),
        };
    }
    let trusted = if policy.verifies() {
        let pem = authorities.ok_or("client_auth_type: this type needs client_ca_file")?;
        let roots = Arc::new(roots(pem)?);
        let builder = WebPkiClientVerifier::builder_with_provider(roots, Arc::clone(provider));
        let verifier = builder
            .build()
            .map_err(|error| format!("client_ca: {error}"))?;
        Some(verifier)
    } else {
        None
    };
    Ok(Some(Arc::new(ClientVerifier {
        policy,
        trusted,
        allowed_sans,
        provider: Arc::clone(provider),
    })))
}

fn roots(pem: &str) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    let certificates = pem::certificates(pem.as_bytes());
    for certificate in certificates.map_err(|error| format!("client_ca: {error}"))? {
        roots
            .add(certificate)
            .map_err(|error| format!("client_ca: {error}"))?;
    }
    Ok(roots)
}

/// Requests and verifies client certificates according to the policy.
struct ClientVerifier {
    policy: ClientAuth,
    /// Verifies the chain. `None` if the policy does not.
    trusted: Option<Arc<dyn ClientCertVerifier>>,
    allowed_sans: Option<Vec<String>>,
    provider: Arc<CryptoProvider>,
}

impl fmt::Debug for ClientVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ClientVerifier").field(&self.policy).finish()
    }
}

impl ClientCertVerifier for ClientVerifier {
    fn client_auth_mandatory(&self) -> bool {
        self.policy.requires()
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        match &self.trusted {
            Some(trusted) => trusted.root_hint_subjects(),
            None => &[],
        }
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        if let Some(trusted) = &self.trusted {
            trusted.verify_client_cert(end_entity, intermediates, now)?;
        }
        if let Some(allowed) = &self.allowed_sans
            && !sans(end_entity).iter().any(|san| allowed.contains(san))
        {
            return Err(CertificateError::ApplicationVerificationFailure.into());
        }
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let algorithms = &self.provider.signature_verification_algorithms;
        algorithms.supported_schemes()
    }
}

/// Returns the names in a certificate's subjectAltName. Empty if it cannot be parsed.
fn sans(certificate: &CertificateDer<'_>) -> Vec<String> {
    let Ok((_, certificate)) = X509Certificate::from_der(certificate) else {
        return Vec::new();
    };
    let Ok(Some(names)) = certificate.subject_alternative_name() else {
        return Vec::new();
    };
    let text = |name: &GeneralName<'_>| match name {
        GeneralName::DNSName(name) | GeneralName::RFC822Name(name) | GeneralName::URI(name) => {
            Some((*name).to_owned())
        }
        GeneralName::IPAddress(bytes) => match bytes.len() {
            4 => <[u8; 4]>::try_from(*bytes)
                .ok()
                .map(|it| IpAddr::from(it).to_string()),
            16 => <[u8; 16]>::try_from(*bytes)
                .ok()
                .map(|it| IpAddr::from(it).to_string()),
            _ => None,
        },
        _ => None,
    };
    names.value.general_names.iter().filter_map(text).collect()
}
