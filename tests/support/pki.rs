//! A certificate authority and the certificates that it signs.

use std::path::Path;
use std::time::SystemTime;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, SanType, date_time_ymd,
};

/// Signs certificates.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pub pem: String,
}

/// A certificate and its key, in PEM.
pub struct Pair {
    pub cert: String,
    pub key: String,
}

impl Authority {
    pub fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Self {
            issuer: Issuer::new(params, key),
            pem,
        }
    }

    /// Signs a certificate with these names that expires at the end of the year.
    pub fn sign(&self, sans: &[SanType], last_year: i32) -> Pair {
        self.sign_until(sans, date_time_ymd(last_year, 12, 31).into())
    }

    /// Signs a certificate with these names that expires at this time.
    fn sign_until(&self, sans: &[SanType], end: SystemTime) -> Pair {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.subject_alt_names = sans.to_vec();
        params.not_after = end.into();
        let key = KeyPair::generate().unwrap();
        let cert = params.signed_by(&key, &self.issuer).unwrap();
        Pair {
            cert: cert.pem(),
            key: key.serialize_pem(),
        }
    }

    /// Signs a certificate for 127.0.0.1.
    pub fn server(&self, last_year: i32) -> Pair {
        self.sign(&[loopback()], last_year)
    }

    /// Signs a certificate for 127.0.0.1 that expires at this time.
    pub fn server_until(&self, end: SystemTime) -> Pair {
        self.sign_until(&[loopback()], end)
    }

    /// Signs a certificate for a client of this name.
    pub fn client(&self, name: &str) -> Pair {
        self.sign(&[SanType::DnsName(name.try_into().unwrap())], 2040)
    }
}

fn loopback() -> SanType {
    SanType::IpAddress("127.0.0.1".parse().unwrap())
}

impl Pair {
    /// Writes the certificate and the key as `name.crt` and `name.key`.
    pub fn write(&self, folder: &Path, name: &str) {
        std::fs::write(folder.join(format!("{name}.crt")), &self.cert).unwrap();
        std::fs::write(folder.join(format!("{name}.key")), &self.key).unwrap();
    }
}
