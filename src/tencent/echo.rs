//! What was sent must not come back into a log: a gateway that quotes the request in its error
//! would put the signature there, and the token.

use bytes::Bytes;
use http::{Request, header};
use zeroize::Zeroizing;

use super::credentials::Credential;

/// The parts of one request that no message may hold. They wipe themselves.
pub(super) struct Echo(Vec<Zeroizing<Vec<u8>>>);

impl Echo {
    /// Takes them from what is about to be sent: with which credential, and with what in its body.
    pub(super) fn of(
        credential: Option<&Credential>,
        secrets: &[&str],
        request: &Request<Bytes>,
    ) -> Self {
        let header = |name| {
            request
                .headers()
                .get(name)
                .map(|value| value.as_bytes().to_vec())
        };
        let signature = header(header::AUTHORIZATION).and_then(|authorization| {
            let start = authorization.iter().rposition(|byte| *byte == b'=')? + 1;
            Some(authorization[start..].to_vec())
        });
        let token = header("x-tc-token".parse().expect("it is a header's name"));
        let secret_id = credential.map(|credential| credential.secret_id().as_bytes().to_vec());
        let parts = [secret_id, signature, token].into_iter().flatten();
        let secrets = secrets.iter().map(|secret| secret.as_bytes().to_vec());
        let parts = parts.chain(secrets).filter(|part| !part.is_empty());
        Self(parts.map(Zeroizing::new).collect())
    }

    /// The answer without them; none where there is nothing to hide.
    pub(super) fn hidden_in(&self, body: &[u8]) -> Option<Vec<u8>> {
        let is_in = |part: &&[u8]| body.windows(part.len()).any(|window| window == *part);
        let parts = self.0.iter().map(|part| &part[..]);
        let found: Vec<&[u8]> = parts.filter(is_in).collect();
        if found.is_empty() {
            return None;
        }
        let mut hidden = body.to_vec();
        for part in found {
            hidden = replaced(&hidden, part);
        }
        Some(hidden)
    }
}

fn replaced(body: &[u8], part: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len());
    let mut rest = body;
    while let Some(start) = rest.windows(part.len()).position(|window| window == part) {
        out.extend_from_slice(&rest[..start]);
        out.extend_from_slice(b"***");
        rest = &rest[start + part.len()..];
    }
    out.extend_from_slice(rest);
    out
}
