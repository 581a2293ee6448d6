//! `tls_private_key`, also as an ephemeral resource, and the data source `tls_public_key`.

use async_trait::async_trait;
use secstack_base::schema::{Attribute, Schema};
use secstack_base::{Diags, Type, Value};
use secstack_sdk::Result;

use super::curve::Curve;
use super::key::PrivateKey;
use super::{checksum, openssh, pem};
use crate::framework::{invalid_value, text, whole, with_all};
use crate::kind::{DataKind, EphemeralKind, Kind, fail};
use crate::schema::{Describe, chosen, computed, optional, required, schema};

const ALGORITHMS: [&str; 3] = ["RSA", "ECDSA", "ED25519"];
const BITS: i64 = 2048;

/// `tls_private_key`.
pub(super) struct PrivateKeyKind;

#[async_trait]
impl Kind for PrivateKeyKind {
    fn name(&self) -> &'static str {
        "tls_private_key"
    }

    fn schema(&self) -> Schema {
        let default = |a: Attribute| match &*a.name {
            "rsa_bits" => a.default(BITS).forces_new(),
            "ecdsa_curve" => a.default(Curve::P224.name()).forces_new(),
            "algorithm" => a.forces_new(),
            _ => a,
        };
        let id = computed("id", Type::String, "A checksum of the public key.");
        let all = arguments().into_iter().chain(secrets()).chain(public_attributes()).map(default).chain([id]);
        Schema { version: 1, ..schema("A private key.", all) }
    }

    fn validate(&self, config: &Value) -> Diags {
        check(config)
    }

    async fn create(&self, planned: &Value) -> Result<Value> {
        let key = generate(planned).await?;
        let public = public_values(&key)?;
        Ok(with_all(planned, private_values(&key)?.into_iter().chain(public)))
    }
}

#[async_trait]
impl EphemeralKind for PrivateKeyKind {
    fn name(&self) -> &'static str {
        "tls_private_key"
    }

    fn schema(&self) -> Schema {
        schema("A private key that is never stored.", arguments().into_iter().chain(secrets()).chain(public_attributes()))
    }

    async fn open(&self, config: &Value) -> Result<Value> {
        if let Some(d) = check(config).iter().next() {
            return Err(fail(&d.summary, &d.detail));
        }
        let or = |name: &str, default: Value| config.get(name).filter(|v| !v.is_null()).cloned().unwrap_or(default);
        let config =
            with_all(config, [("rsa_bits", or("rsa_bits", BITS.into())), ("ecdsa_curve", or("ecdsa_curve", Curve::P224.name().into()))]);
        let key = generate(&config).await?;
        let public = public_values(&key)?.into_iter().filter(|(name, _)| *name != "id");
        Ok(with_all(&config, private_values(&key)?.into_iter().chain(public)))
    }
}

/// `tls_public_key`.
pub(super) struct PublicKey;

#[async_trait]
impl DataKind for PublicKey {
    fn name(&self) -> &'static str {
        "tls_public_key"
    }

    fn schema(&self) -> Schema {
        let given = [
            optional("private_key_pem", Type::String, "The private key in PEM.").sensitive(),
            optional("private_key_openssh", Type::String, "The private key in the form of OpenSSH.").sensitive(),
            computed("algorithm", Type::String, "The algorithm of the key."),
            computed("id", Type::String, "A checksum of the public key."),
        ];
        let exactly_one = vec![vec!["private_key_pem".into(), "private_key_openssh".into()]];
        Schema { exactly_one, ..schema("The public half of a private key.", given.into_iter().chain(public_attributes())) }
    }

    async fn read(&self, _provider: &Value, config: &Value) -> Result<Value> {
        let key = match config.get_str("private_key_pem") {
            Some(text) => PrivateKey::parse(text),
            None => PrivateKey::parse_openssh(text(config, "private_key_openssh")),
        };
        let key = key.map_err(|e| fail("Unable to parse private key", e))?;
        Ok(with_all(config, public_values(&key)?).with("algorithm", key.algorithm().into()))
    }
}

fn arguments() -> [Attribute; 3] {
    [
        required("algorithm", Type::String, "The algorithm: `RSA`, `ECDSA` or `ED25519`."),
        chosen("rsa_bits", Type::Number, "The size of an RSA key in bits. 2048 unless set."),
        chosen("ecdsa_curve", Type::String, "The curve of an ECDSA key: `P224`, `P256`, `P384` or `P521`. `P224` unless set."),
    ]
}

fn secrets() -> [Attribute; 3] {
    [
        computed("private_key_pem", Type::String, "The key in PEM.").sensitive(),
        computed("private_key_openssh", Type::String, "The key in the form of OpenSSH.").sensitive(),
        computed("private_key_pem_pkcs8", Type::String, "The key in PEM, as PKCS#8.").sensitive(),
    ]
}

fn public_attributes() -> [Attribute; 4] {
    [
        computed("public_key_pem", Type::String, "The public key in PEM."),
        computed("public_key_openssh", Type::String, "The public key in the form of OpenSSH."),
        computed("public_key_fingerprint_md5", Type::String, "The MD5 fingerprint of the public key."),
        computed("public_key_fingerprint_sha256", Type::String, "The SHA256 fingerprint of the public key."),
    ]
}

fn check(config: &Value) -> Diags {
    let mut diags = Diags::new();
    let curves = Curve::ALL.map(Curve::name);
    for (name, words) in [("algorithm", &ALGORITHMS[..]), ("ecdsa_curve", &curves[..])] {
        if let Some(value) = config.get(name).filter(|v| v.as_str().is_some_and(|s| !words.contains(&s))) {
            diags.push(invalid_value(name, &format!("must be one of: {words:?}"), value));
        }
    }
    diags
}

async fn generate(planned: &Value) -> Result<PrivateKey> {
    let bits = whole(planned, "rsa_bits").and_then(|n| usize::try_from(n).ok()).unwrap_or(0);
    let curve = Curve::ALL.into_iter().find(|c| c.name() == text(planned, "ecdsa_curve"));
    let algorithm = text(planned, "algorithm").to_string();
    // Large keys take seconds.
    let made = tokio::task::spawn_blocking(move || match &*algorithm {
        "RSA" => PrivateKey::rsa(bits),
        "ECDSA" => PrivateKey::ec(curve.ok_or("ECDSA curve not provided")?),
        "ED25519" => PrivateKey::ed25519(),
        other => Err(format!("Key Algorithm {other:?} is not supported")),
    });
    let made = made.await.unwrap_or_else(|e| Err(e.to_string()));
    made.map_err(|e| fail("Unable to generate Key from configuration", e))
}

fn private_values(key: &PrivateKey) -> Result<[(&'static str, Value); 3]> {
    let failed = |e: String| fail("Unable to encode key to PEM", e);
    Ok([
        ("private_key_pem", key.pem().map_err(failed)?.into()),
        ("private_key_openssh", openssh::private(key).map_err(failed)?.unwrap_or_default().into()),
        ("private_key_pem_pkcs8", key.pkcs8_pem().map_err(failed)?.into()),
    ])
}

fn public_values(key: &PrivateKey) -> Result<[(&'static str, Value); 5]> {
    let der = key.public_der().map_err(|e| fail("Failed to marshal public key", e))?;
    let [line, md5, sha256] = openssh::public(key).unwrap_or_default();
    Ok([
        ("id", checksum(&der)),
        ("public_key_pem", pem::encode("PUBLIC KEY", &der).into()),
        ("public_key_openssh", line.into()),
        ("public_key_fingerprint_md5", md5.into()),
        ("public_key_fingerprint_sha256", sha256.into()),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn keys_and_their_public_halves() {
        let empty = Kind::schema(&PrivateKeyKind).block.empty_value();
        for (algorithm, curve) in [("ECDSA", "P224"), ("ECDSA", "P384"), ("ED25519", "P224")] {
            let planned = with_all(&empty, [("algorithm", algorithm.into()), ("ecdsa_curve", curve.into())]);
            let made = PrivateKeyKind.create(&planned).await.unwrap();
            let config = PublicKey.schema().block.empty_value().with("private_key_pem", made.get("private_key_pem").cloned().unwrap());
            let public = PublicKey.read(&Value::NULL, &config).await.unwrap();
            assert_eq!(public.get_str("algorithm"), Some(algorithm));
            for name in ["id", "public_key_pem", "public_key_openssh", "public_key_fingerprint_md5", "public_key_fingerprint_sha256"] {
                assert_eq!(public.get_str(name), made.get_str(name), "{name}");
            }
            assert_eq!(text(&made, "public_key_openssh").is_empty(), curve == "P224" && algorithm == "ECDSA");
        }
        let wrong = with_all(&empty, [("algorithm", "DSA".into())]);
        assert!(check(&wrong).has_errors() && PrivateKeyKind.create(&wrong).await.is_err());
    }
}
