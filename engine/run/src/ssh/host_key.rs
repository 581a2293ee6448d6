//! The key of a machine: the one it must have, or that of an authority that signed the one it has.

use std::borrow::Cow;
use std::time::{SystemTime, UNIX_EPOCH};

use russh::Preferred;
use russh::client;
use russh::keys::ssh_key::certificate::CertType;
use russh::keys::{Algorithm, Certificate, HashAlg, PublicKey, PublicKeyOrCertificate};

/// The key that a machine must have, or that must have signed it.
#[derive(Clone, Debug)]
pub struct HostKey(PublicKey);

impl HostKey {
    /// Reads a key as it stands in `.pub` files.
    ///
    /// # Errors
    /// A sentence on what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        PublicKey::from_openssh(text.trim()).map(Self).map_err(|e| format!("The host key is no public key as in .pub files: {e}"))
    }

    /// Asks for certificates where they are wanted, and for this kind of key before others.
    pub(super) fn prefer(&self, certificates: bool, preferred: &mut Preferred) {
        if certificates {
            preferred.host_key_certificates = preferred.key.clone();
        }
        let own = self.0.algorithm();
        let mut keys = preferred.key.to_vec();
        keys.sort_by_key(|a| !same_kind(a, &own));
        preferred.key = Cow::Owned(keys);
    }

    fn check(&self, shown: &PublicKeyOrCertificate, host: &str) -> Result<(), String> {
        if shown.public_key().key_data() == self.0.key_data() {
            return Ok(());
        }
        match shown.certificate() {
            Some(certificate) => self.check_certificate(certificate, host),
            None => Err("knownhosts: key mismatch".into()),
        }
    }

    fn check_certificate(&self, certificate: &Certificate, host: &str) -> Result<(), String> {
        if certificate.signature_key() != self.0.key_data() {
            return Err("ssh: no authorities for the certificate of the host".into());
        }
        if certificate.cert_type() != CertType::Host {
            return Err("ssh: the certificate is not one of a host".into());
        }
        let named = certificate.valid_principals();
        if !named.is_empty() && !named.iter().any(|n| n == host) {
            return Err(format!("ssh: the certificate of the host is for {}, not for {host}", named.join(", ")));
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let trusted = self.0.fingerprint(HashAlg::Sha256);
        certificate.validate_at(now, [&trusted]).map_err(|e| format!("ssh: the certificate of the host is not valid: {e}"))
    }
}

fn same_kind(a: &Algorithm, b: &Algorithm) -> bool {
    match (a, b) {
        // The hash is a matter of signatures.
        (Algorithm::Rsa { .. }, Algorithm::Rsa { .. }) => true,
        _ => a == b,
    }
}

/// Looks at the key that a machine shows.
pub struct Checker {
    pub(super) expected: Option<HostKey>,
    pub(super) host: String,
}

/// Why keys were not agreed on.
#[derive(Debug)]
pub enum Failure {
    /// The protocol, or the connection.
    Ssh(russh::Error),
    /// The machine is not the one that is expected.
    Stranger(String),
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Failure::Ssh(e) => e.fmt(f),
            Failure::Stranger(text) => f.write_str(text),
        }
    }
}

impl From<russh::Error> for Failure {
    fn from(e: russh::Error) -> Self {
        Failure::Ssh(e)
    }
}

impl client::Handler for Checker {
    type Error = Failure;

    async fn check_server_key(&mut self, shown: &PublicKeyOrCertificate) -> Result<bool, Failure> {
        // Terraform takes every key where none is expected, and machines that were just made have keys nobody knows.
        let Some(expected) = &self.expected else { return Ok(true) };
        expected.check(shown, &self.host).map_err(Failure::Stranger)?;
        Ok(true)
    }
}
