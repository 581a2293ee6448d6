//! `tls_self_signed_cert`: a certificate that its own key signs.

use async_trait::async_trait;
use secstack_base::schema::{Draft, Schema};
use secstack_base::{Diags, Type, Value};
use secstack_sdk::Result;

use super::certificate::{self, Issuer, Owner};
use super::key::PrivateKey;
use super::request::{alternatives, names, subject};
use super::{pem_forces_new, subject_block};
use crate::framework::text;
use crate::kind::{Kind, fail, in_state_only};
use crate::schema::{Describe, block, chosen, computed, required};

/// `tls_self_signed_cert`.
pub(super) struct SelfSigned;

#[async_trait]
impl Kind for SelfSigned {
    fn name(&self) -> &'static str {
        "tls_self_signed_cert"
    }

    fn schema(&self) -> Schema {
        let more = [
            required("private_key_pem", Type::String, "The key of the certificate, in PEM.").sensitive().forces_new_if(pem_forces_new),
            chosen("set_authority_key_id", Type::Bool, "Whether the certificate names the key that signs it.").default(false).forces_new(),
            computed("key_algorithm", Type::String, "The algorithm of the key."),
        ];
        let all = certificate::attributes().into_iter().chain(names()).chain(more);
        Schema { block: block("A certificate that its own key signs.", all, [subject_block()]), ..Schema::default() }
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
        let key = PrivateKey::parse(text(planned, "private_key_pem")).map_err(|e| fail("Failed to parse private key PEM", e))?;
        let public = key.public_der().map_err(|e| fail("Failed to get public key from private key", e))?;
        let owner = Owner { subject: &subject(planned), alternatives: &alternatives(planned)?, key: &public };
        let issuer = Issuer { name: None, key_id: None, key: &key };
        certificate::make(&planned.with("key_algorithm", key.algorithm().into()), &owner, &issuer)
    }

    async fn read(&self, prior: &Value) -> Result<Option<Value>> {
        Ok(Some(certificate::read(prior)))
    }

    async fn delete(&self, _prior: &Value) -> Result<()> {
        Err(in_state_only())
    }
}
