//! `tls_locally_signed_cert`: a certificate that an authority at hand signs.

use async_trait::async_trait;
use secstack_base::schema::{Draft, Schema};
use secstack_base::{Diags, Type, Value};
use secstack_sdk::Result;

use super::certificate::{self, Issuer, Owner};
use super::key::PrivateKey;
use super::pem_forces_new;
use super::x509::{Certificate, Request, decode};
use crate::framework::text;
use crate::kind::{Kind, fail, in_state_only};
use crate::schema::{Describe, computed, required, schema};

/// `tls_locally_signed_cert`.
pub(super) struct LocallySigned;

#[async_trait]
impl Kind for LocallySigned {
    fn name(&self) -> &'static str {
        "tls_locally_signed_cert"
    }

    fn schema(&self) -> Schema {
        let pem = |name: &str, about: &str| required(name, Type::String, about).forces_new_if(pem_forces_new);
        let more = [
            pem("ca_cert_pem", "The certificate of the authority, in PEM."),
            pem("ca_private_key_pem", "The key of the authority, in PEM.").sensitive(),
            pem("cert_request_pem", "The request for the certificate, in PEM."),
            computed("ca_key_algorithm", Type::String, "The algorithm of the authority's key."),
        ];
        schema("A certificate that an authority at hand signs.", certificate::attributes().into_iter().chain(more))
    }

    /// A certificate becomes due as time passes.
    fn is_remote(&self) -> bool {
        true
    }

    fn plan(&self, draft: &mut Draft) -> Diags {
        certificate::plan(&self.schema(), draft)
    }

    fn validate(&self, config: &Value) -> Diags {
        certificate::validate(config)
    }

    async fn create(&self, planned: &Value) -> Result<Value> {
        let unread = |what: &str| format!("Failed to parse {what} PEM");
        let request = Request::parse(text(planned, "cert_request_pem")).map_err(|e| fail(&unread("certificate request"), e))?;
        let key = PrivateKey::parse(text(planned, "ca_private_key_pem")).map_err(|e| fail(&unread("CA private key"), e))?;
        let der = decode(text(planned, "ca_cert_pem"), "CERTIFICATE").map_err(|e| fail(&unread("CA certificate"), e))?;
        let authority = Certificate::parse(&der).ok_or_else(|| fail(&unread("CA certificate"), "failed to parse certificate"))?;
        if key.public_der().is_ok_and(|public| public != authority.key) {
            let what = "x509: provided PrivateKey doesn't match parent's PublicKey";
            return Err(fail("Failed to create certificate", what));
        }
        let owner = Owner { subject: &request.subject, alternatives: &request.alternatives, key: &request.key };
        let issuer = Issuer { name: Some(authority.subject), key_id: authority.subject_key, key: &key };
        certificate::make(&planned.with("ca_key_algorithm", key.algorithm().into()), &owner, &issuer)
    }

    async fn read(&self, prior: &Value) -> Result<Option<Value>> {
        Ok(Some(certificate::read(prior)))
    }

    async fn delete(&self, _prior: &Value) -> Result<()> {
        Err(in_state_only())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::framework::with_all;
    use crate::tls::curve::Curve;
    use crate::tls::name;
    use crate::tls::request::CertRequest;
    use crate::tls::signed::SelfSigned;

    fn list(items: &[&str]) -> Value {
        Value::list(Type::String, items.iter().map(|i| Value::from(*i)))
    }

    fn subject(kind: &dyn Kind, set: &[(&str, &str)]) -> Value {
        let block = &kind.schema().block.blocks[0].block;
        Value::list(block.ty(), [with_all(&block.empty_value(), set.iter().map(|(k, v)| (*k, Value::from(*v))))])
    }

    /// The whole way: an authority, a request, a certificate, for every family of keys.
    #[tokio::test]
    async fn certificates_of_an_authority() {
        let keys = || [PrivateKey::ec(Curve::P224), PrivateKey::ec(Curve::P521), PrivateKey::ed25519(), PrivateKey::rsa(768)];
        for (ca_key, key) in keys().into_iter().zip(keys().into_iter().rev()) {
            let (ca_key, key) = (ca_key.unwrap(), key.unwrap());
            let set = [
                ("private_key_pem", ca_key.pem().unwrap().into()),
                ("validity_period_hours", 500_000i64.into()),
                ("early_renewal_hours", 0i64.into()),
                ("allowed_uses", list(&["cert_signing", "crl_signing"])),
                ("is_ca_certificate", true.into()),
                ("set_authority_key_id", true.into()),
                ("subject", subject(&SelfSigned, &[("common_name", "ca"), ("country", "DE")])),
            ];
            let ca = SelfSigned.create(&with_all(&SelfSigned.schema().block.empty_value(), set)).await.unwrap();
            let set = [
                ("private_key_pem", key.pem().unwrap().into()),
                ("dns_names", list(&["a.example"])),
                ("ip_addresses", list(&["10.0.0.1", "::1"])),
                ("uris", list(&["spiffe://x"])),
                ("subject", subject(&CertRequest, &[("common_name", "a"), ("email_address", "a@b")])),
            ];
            let request = CertRequest.create(&with_all(&CertRequest.schema().block.empty_value(), set)).await.unwrap();
            let take = |object: &Value, name: &str| object.get(name).cloned().unwrap();
            let set = [
                ("ca_cert_pem", take(&ca, "cert_pem")),
                ("ca_private_key_pem", ca_key.pem().unwrap().into()),
                ("cert_request_pem", take(&request, "cert_request_pem")),
                ("validity_period_hours", 1i64.into()),
                ("early_renewal_hours", 2i64.into()),
                ("allowed_uses", list(&["digital_signature", "server_auth"])),
            ];
            let planned = with_all(&LocallySigned.schema().block.empty_value(), set);
            let made = LocallySigned.create(&planned).await.unwrap();
            assert_eq!(made.get_str("ca_key_algorithm"), Some(ca_key.algorithm()));
            assert_eq!(made.get("ready_for_renewal").unwrap().as_bool(), Some(true));
            let (ca_der, der) =
                (decode(text(&ca, "cert_pem"), "CERTIFICATE").unwrap(), decode(text(&made, "cert_pem"), "CERTIFICATE").unwrap());
            let (ca_read, read) = (Certificate::parse(&ca_der).unwrap(), Certificate::parse(&der).unwrap());
            assert!(ca_read.is_ca && !read.is_ca);
            assert_eq!(read.issuer, ca_read.subject);
            assert_eq!((name::text(read.subject), name::text(read.issuer)), ("CN=a".into(), "CN=ca,C=DE".into()));
            assert_eq!(read.key, key.public_der().unwrap());
            assert_eq!(ca_read.not_after.unix() - ca_read.not_before.unix(), 500_000 * 3600);
            let wrong = planned.with("ca_private_key_pem", key.pem().unwrap().into());
            assert!(LocallySigned.create(&wrong).await.is_err_and(|e| e.message.contains("doesn't match")));
        }
    }
}
