//! Private keys of three families, in the forms that programs read.

use ring::signature::{Ed25519KeyPair, KeyPair};
use rsa::pkcs1::{DecodeRsaPrivateKey, EncodeRsaPrivateKey};
use rsa::pkcs8::{DecodePrivateKey, EncodePrivateKey, EncodePublicKey};
use rsa::signature::{SignatureEncoding, Signer};
use rsa::traits::PublicKeyParts;
use rsa::{BigUint, RsaPrivateKey};
use sha2::{Digest, Sha256, Sha384, Sha512};

use super::curve::Curve;
use super::der::{Reader, bits, octets, oid, seq, tlv, uint};
use super::{openssh, pem};
use crate::random::random_bytes;

const RSA: &str = "1.2.840.113549.1.1.1";
const EC: &str = "1.2.840.10045.2.1";
const ED25519: &str = "1.3.101.112";

/// A private key with its public half.
pub(super) enum PrivateKey {
    /// RSA.
    Rsa(Box<RsaPrivateKey>),
    /// ECDSA: the curve, the secret and the point.
    Ec(Curve, Vec<u8>, Vec<u8>),
    /// Ed25519: the secret and the point.
    Ed25519(Vec<u8>, Vec<u8>),
}

impl PrivateKey {
    /// A new RSA key.
    pub fn rsa(bits: usize) -> Result<Self, String> {
        if !(512..=16_384).contains(&bits) {
            return Err(format!("a key of {bits} bits cannot be made; 512 to 16384 bits can"));
        }
        let key = RsaPrivateKey::new(&mut rand_core::OsRng, bits).map_err(|e| e.to_string())?;
        Ok(Self::Rsa(Box::new(key)))
    }

    /// A new ECDSA key.
    pub fn ec(curve: Curve) -> Result<Self, String> {
        loop {
            let mut secret = random_bytes(curve.size()).map_err(|e| e.message)?;
            if curve == Curve::P521 {
                secret[0] &= 1;
            }
            // Hardly any secret is out of the curve's range.
            if let Some(key) = Self::ec_from(curve, secret) {
                return Ok(key);
            }
        }
    }

    /// A new Ed25519 key.
    pub fn ed25519() -> Result<Self, String> {
        let seed = random_bytes(32).map_err(|e| e.message)?;
        Self::ed25519_from(seed).ok_or_else(|| "the key cannot be made".into())
    }

    /// An ECDSA key of a secret.
    pub fn ec_from(curve: Curve, secret: Vec<u8>) -> Option<Self> {
        let lacking = curve.size().saturating_sub(secret.len());
        let secret = [vec![0; lacking], secret].concat();
        let point = curve.public(&secret)?;
        Some(Self::Ec(curve, secret, point))
    }

    /// An Ed25519 key of a secret.
    pub fn ed25519_from(seed: Vec<u8>) -> Option<Self> {
        let pair = Ed25519KeyPair::from_seed_unchecked(&seed).ok()?;
        Some(Self::Ed25519(seed, pair.public_key().as_ref().to_vec()))
    }

    /// An RSA key of its numbers.
    pub fn rsa_from(n: &[u8], e: &[u8], d: &[u8], primes: [&[u8]; 2]) -> Option<Self> {
        let number = BigUint::from_bytes_be;
        let key = RsaPrivateKey::from_components(number(n), number(e), number(d), primes.map(number).into());
        Some(Self::Rsa(Box::new(key.ok()?)))
    }

    /// Reads a key in PEM.
    pub fn parse(text: &str) -> Result<Self, String> {
        let Some((label, der)) = pem::decode(text) else {
            return Err(format!("failed to decode PEM block: decoded bytes 0, undecoded {}", text.len()));
        };
        let key = match &*label {
            "RSA PRIVATE KEY" => RsaPrivateKey::from_pkcs1_der(&der).ok().map(|k| Self::Rsa(Box::new(k))),
            "EC PRIVATE KEY" => sec1(&der, None),
            "PRIVATE KEY" => pkcs8(&der),
            "PUBLIC KEY" | "CERTIFICATE" | "CERTIFICATE REQUEST" => {
                return Err(format!("unable to determine parser for PEM preamble: {label}"));
            }
            _ => return Err(format!("unsupported PEM preamble/type: {label}")),
        };
        key.ok_or_else(|| format!("failed to parse private key given PEM preamble '{label}'"))
    }

    /// Reads a key in OpenSSH's form, or in PEM.
    pub fn parse_openssh(text: &str) -> Result<Self, String> {
        match pem::decode(text) {
            Some((label, bytes)) if label == "OPENSSH PRIVATE KEY" => openssh::parse(&bytes),
            _ => Self::parse(text),
        }
        .map_err(|e| format!("failed to parse openssh private key: {e}"))
    }

    /// The name of the family.
    pub fn algorithm(&self) -> &'static str {
        match self {
            Self::Rsa(_) => "RSA",
            Self::Ec(..) => "ECDSA",
            Self::Ed25519(..) => "ED25519",
        }
    }

    /// The key in the form that is usual for its family.
    pub fn pem(&self) -> Result<String, String> {
        match self {
            Self::Rsa(key) => {
                let der = key.to_pkcs1_der().map_err(|e| e.to_string())?;
                Ok(pem::encode("RSA PRIVATE KEY", der.as_bytes()))
            }
            Self::Ec(curve, secret, point) => Ok(pem::encode("EC PRIVATE KEY", &sec1_der(Some(*curve), secret, point))),
            Self::Ed25519(..) => self.pkcs8_pem(),
        }
    }

    /// The key in the form that is the same for all families.
    pub fn pkcs8_pem(&self) -> Result<String, String> {
        let wrap = |algorithm: &[Vec<u8>], key: &[u8]| seq(&[uint(&[0]), seq(algorithm), octets(key)]);
        let der = match self {
            Self::Rsa(key) => key.to_pkcs8_der().map_err(|e| e.to_string())?.as_bytes().to_vec(),
            Self::Ec(curve, secret, point) => wrap(&[oid(EC), oid(curve.oid())], &sec1_der(None, secret, point)),
            Self::Ed25519(seed, _) => wrap(&[oid(ED25519)], &octets(seed)),
        };
        Ok(pem::encode("PRIVATE KEY", &der))
    }

    /// The public half.
    pub fn public_der(&self) -> Result<Vec<u8>, String> {
        Ok(match self {
            Self::Rsa(key) => key.to_public_key().to_public_key_der().map_err(|e| e.to_string())?.as_bytes().to_vec(),
            Self::Ec(curve, _, point) => seq(&[seq(&[oid(EC), oid(curve.oid())]), bits(point)]),
            Self::Ed25519(_, point) => seq(&[seq(&[oid(ED25519)]), bits(point)]),
        })
    }

    /// The name of the way it signs.
    pub fn signature_algorithm(&self) -> Vec<u8> {
        let name = match self {
            Self::Rsa(_) => return seq(&[oid("1.2.840.113549.1.1.11"), tlv(5, &[])]),
            Self::Ec(Curve::P224 | Curve::P256, ..) => "1.2.840.10045.4.3.2",
            Self::Ec(Curve::P384, ..) => "1.2.840.10045.4.3.3",
            Self::Ec(Curve::P521, ..) => "1.2.840.10045.4.3.4",
            Self::Ed25519(..) => ED25519,
        };
        seq(&[oid(name)])
    }

    /// Signs.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, String> {
        match self {
            Self::Rsa(key) => {
                let key = rsa::pkcs1v15::SigningKey::<Sha256>::new((**key).clone());
                key.try_sign(message).map(|s| s.to_vec()).map_err(|e| e.to_string())
            }
            Self::Ec(curve, secret, _) => {
                let digest = match curve {
                    Curve::P224 | Curve::P256 => Sha256::digest(message).to_vec(),
                    Curve::P384 => Sha384::digest(message).to_vec(),
                    Curve::P521 => Sha512::digest(message).to_vec(),
                };
                curve.sign(secret, &digest).ok_or_else(|| "the key cannot sign".into())
            }
            Self::Ed25519(seed, _) => {
                let pair = Ed25519KeyPair::from_seed_unchecked(seed).map_err(|e| e.to_string())?;
                Ok(pair.sign(message).as_ref().to_vec())
            }
        }
    }

    /// The size of an RSA key in bytes.
    #[cfg(test)]
    pub fn size(&self) -> usize {
        match self {
            Self::Rsa(key) => key.size(),
            Self::Ec(_, secret, _) | Self::Ed25519(secret, _) => secret.len(),
        }
    }
}

/// The numbers of an RSA public key.
pub(super) fn rsa_public(key: &RsaPrivateKey) -> (Vec<u8>, Vec<u8>) {
    (key.n().to_bytes_be(), key.e().to_bytes_be())
}

fn curve_of(content: &[u8]) -> Option<Curve> {
    let name = super::der::oid_name(content);
    Curve::ALL.into_iter().find(|c| c.oid() == name)
}

fn sec1_der(curve: Option<Curve>, secret: &[u8], point: &[u8]) -> Vec<u8> {
    let name = curve.map(|c| tlv(0xa0, &oid(c.oid()))).unwrap_or_default();
    seq(&[uint(&[1]), octets(secret), name, tlv(0xa1, &bits(point))])
}

fn sec1(der: &[u8], curve: Option<Curve>) -> Option<PrivateKey> {
    let mut key = Reader(der).expect(0x30)?.inside();
    key.expect(2)?;
    let secret = key.expect(4)?.content;
    let named = key.expect(0xa0).and_then(|i| curve_of(i.inside().expect(6)?.content));
    PrivateKey::ec_from(curve.or(named)?, secret.to_vec())
}

fn pkcs8(der: &[u8]) -> Option<PrivateKey> {
    let mut info = Reader(der).expect(0x30)?.inside();
    info.expect(2)?;
    let mut algorithm = info.expect(0x30)?.inside();
    let key = info.expect(4)?.content;
    match &*super::der::oid_name(algorithm.expect(6)?.content) {
        RSA => RsaPrivateKey::from_pkcs8_der(der).ok().map(|k| PrivateKey::Rsa(Box::new(k))),
        EC => sec1(key, Some(curve_of(algorithm.expect(6)?.content)?)),
        ED25519 => PrivateKey::ed25519_from(Reader(key).expect(4)?.content.to_vec()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_forms_there_and_back() {
        let mut keys: Vec<PrivateKey> = Curve::ALL.map(|c| PrivateKey::ec(c).unwrap()).into();
        keys.extend([PrivateKey::rsa(512).unwrap(), PrivateKey::ed25519().unwrap()]);
        for key in keys {
            let public = key.public_der().unwrap();
            for form in [key.pem().unwrap(), key.pkcs8_pem().unwrap()] {
                let read = PrivateKey::parse(&form).unwrap();
                assert_eq!((read.public_der().unwrap(), read.size()), (public.clone(), key.size()));
                assert_eq!(read.pem().unwrap(), key.pem().unwrap());
            }
            assert!(!key.sign(b"x").unwrap().is_empty());
            if let Some(form) = openssh::private(&key).unwrap() {
                let read = PrivateKey::parse_openssh(&form).unwrap();
                assert_eq!(read.pem().unwrap(), key.pem().unwrap());
            }
        }
    }

    #[test]
    fn what_is_no_key() {
        for (text, want) in [
            ("x", "failed to decode PEM block"),
            (&pem::encode("CERTIFICATE", b"x"), "unable to determine parser"),
            (&pem::encode("DOG", b"x"), "unsupported PEM preamble"),
            (&pem::encode("EC PRIVATE KEY", b"x"), "failed to parse private key"),
        ] {
            assert!(PrivateKey::parse(text).is_err_and(|e| e.contains(want)), "{text}");
        }
    }
}
