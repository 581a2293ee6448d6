//! `tls_cert_request`: a request for a certificate.

use async_trait::async_trait;
use secstack_base::schema::{Attribute, Draft, Schema};
use secstack_base::{Diags, Path, Type, Value};
use secstack_sdk::Result;

use super::certificate::validate_names;
use super::der::{bits, seq, uint};
use super::key::PrivateKey;
use super::x509::{Alternatives, extension_request};
use super::{checksum, name, pem, pem_forces_new, subject_block, texts};
use crate::framework::{text, with_all};
use crate::kind::{Kind, fail};
use crate::schema::{Describe, block, computed, optional, required};

/// `tls_cert_request`.
pub(super) struct CertRequest;

#[async_trait]
impl Kind for CertRequest {
    fn name(&self) -> &'static str {
        "tls_cert_request"
    }

    fn schema(&self) -> Schema {
        let more = [
            required("private_key_pem", Type::String, "The key that the certificate is for, in PEM.")
                .sensitive()
                .forces_new_if(pem_forces_new),
            computed("key_algorithm", Type::String, "The algorithm of the key."),
            computed("cert_request_pem", Type::String, "The request in PEM."),
            computed("id", Type::String, "A checksum of the request."),
        ];
        let block = block("A request for a certificate.", names().into_iter().chain(more), [subject_block()]);
        Schema { block, ..Schema::default() }
    }

    fn plan(&self, draft: &mut Draft) -> Diags {
        if let Some(prior) = &draft.prior
            && matches!((prior.get("subject"), draft.planned.get("subject")), (Some(a), Some(b)) if !a.same_unmarked(b))
        {
            draft.replace.push(Path::attr("subject"));
        }
        Diags::new()
    }

    fn validate(&self, config: &Value) -> Diags {
        validate_names(config)
    }

    async fn create(&self, planned: &Value) -> Result<Value> {
        let failed = |e: String| fail("Error creating certificate request", e);
        let key = PrivateKey::parse(text(planned, "private_key_pem")).map_err(|e| fail("Failed to parse private key PEM", e))?;
        let asked = alternatives(planned)?.extension(false).map_err(failed)?;
        let extensions: Vec<_> = asked.into_iter().collect();
        let info = seq(&[uint(&[0]), subject(planned), key.public_der().map_err(failed)?, extension_request(&extensions)]);
        let signature = key.sign(&info).map_err(failed)?;
        let der = seq(&[info, key.signature_algorithm(), bits(&signature)]);
        let made = [
            ("key_algorithm", key.algorithm().into()),
            ("cert_request_pem", pem::encode("CERTIFICATE REQUEST", &der).into()),
            ("id", checksum(&der)),
        ];
        Ok(with_all(planned, made))
    }
}

/// The arguments that say whom a certificate is for, besides its subject.
pub(super) fn names() -> [Attribute; 3] {
    let list = |name: &str, about: &str| optional(name, Type::list(Type::String), about).forces_new();
    [
        list("dns_names", "The DNS names that the certificate is for."),
        list("ip_addresses", "The IP addresses that the certificate is for."),
        list("uris", "The URIs that the certificate is for."),
    ]
}

/// The subject of an object.
pub(super) fn subject(object: &Value) -> Vec<u8> {
    let blocks = object.get("subject").and_then(Value::as_slice).unwrap_or_default();
    blocks.first().map_or_else(|| seq(&[]), name::from_subject)
}

/// Whom an object asks a certificate for, besides its subject.
pub(super) fn alternatives(object: &Value) -> Result<Alternatives> {
    let owned = |name: &str| texts(object, name).into_iter().map(String::from).collect();
    let ip = |given: &str| given.parse().map_err(|_| fail("Invalid IP address", format!("Failed to parse {given:?}")));
    Ok(Alternatives {
        dns: owned("dns_names"),
        ips: texts(object, "ip_addresses").into_iter().map(ip).collect::<Result<_>>()?,
        uris: owned("uris"),
    })
}
