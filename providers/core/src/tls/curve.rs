//! The elliptic curves of NIST.

/// A curve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Curve {
    P224,
    P256,
    P384,
    P521,
}

/// What can be done on every curve.
macro_rules! on_curve {
    ($krate:ident) => {
        (
            |secret: &[u8]| {
                let key = $krate::ecdsa::SigningKey::from_slice(secret).ok()?;
                Some($krate::ecdsa::VerifyingKey::from(&key).to_encoded_point(false).as_bytes().to_vec())
            },
            |secret: &[u8], digest: &[u8]| {
                use $krate::ecdsa::signature::hazmat::PrehashSigner;
                let key = $krate::ecdsa::SigningKey::from_slice(secret).ok()?;
                let signature: $krate::ecdsa::Signature = key.sign_prehash(digest).ok()?;
                Some(signature.to_der().as_bytes().to_vec())
            },
        )
    };
}

type Public = fn(&[u8]) -> Option<Vec<u8>>;
type Sign = fn(&[u8], &[u8]) -> Option<Vec<u8>>;

impl Curve {
    /// All curves, the default first.
    pub const ALL: [Curve; 4] = [Curve::P224, Curve::P256, Curve::P384, Curve::P521];

    /// The name in configurations.
    pub fn name(self) -> &'static str {
        match self {
            Curve::P224 => "P224",
            Curve::P256 => "P256",
            Curve::P384 => "P384",
            Curve::P521 => "P521",
        }
    }

    /// The name in certificates.
    pub fn oid(self) -> &'static str {
        match self {
            Curve::P224 => "1.3.132.0.33",
            Curve::P256 => "1.2.840.10045.3.1.7",
            Curve::P384 => "1.3.132.0.34",
            Curve::P521 => "1.3.132.0.35",
        }
    }

    /// The name in OpenSSH's formats, which lack one of the curves.
    pub fn ssh(self) -> Option<&'static str> {
        match self {
            Curve::P224 => None,
            Curve::P256 => Some("nistp256"),
            Curve::P384 => Some("nistp384"),
            Curve::P521 => Some("nistp521"),
        }
    }

    /// How many bytes a secret has.
    pub fn size(self) -> usize {
        match self {
            Curve::P224 => 28,
            Curve::P256 => 32,
            Curve::P384 => 48,
            Curve::P521 => 66,
        }
    }

    fn functions(self) -> (Public, Sign) {
        match self {
            Curve::P224 => on_curve!(p224),
            Curve::P256 => on_curve!(p256),
            Curve::P384 => on_curve!(p384),
            Curve::P521 => on_curve!(p521),
        }
    }

    /// The public point of a secret, if it is one.
    pub fn public(self, secret: &[u8]) -> Option<Vec<u8>> {
        self.functions().0(secret)
    }

    /// The signature of a digest.
    pub fn sign(self, secret: &[u8], digest: &[u8]) -> Option<Vec<u8>> {
        self.functions().1(secret, digest)
    }
}
