//! Keys that the service makes for others to encrypt with, as the encryption of states does.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::DataKeySpec;
use secstack_sdk::{Error, ErrorKind, Result};

use crate::Aws;
use crate::config::Config;
use crate::error::Answer;

/// A new key of a kind such as `AES_256`: the key, and the same encrypted under the key `key_id` of the service.
///
/// # Errors
/// When the service cannot be reached, or refuses.
pub async fn generate(config: Config, key_id: &str, spec: &str, context: BTreeMap<String, String>) -> Result<(Vec<u8>, Vec<u8>)> {
    let aws = Aws::open(config).await?;
    let asked = aws.kms().generate_data_key().key_id(key_id).key_spec(DataKeySpec::from(spec));
    let made = asked.set_encryption_context(pairs(context)).send().await.api()?;
    match (made.plaintext, made.ciphertext_blob) {
        (Some(key), Some(encrypted)) => Ok((key.into_inner(), encrypted.into_inner())),
        _ => Err(Error::new(ErrorKind::Other, "the key management service answered without a key")),
    }
}

/// The key that the service encrypted.
///
/// # Errors
/// When the service cannot be reached, or refuses.
pub async fn decrypt(config: Config, key_id: &str, encrypted: Vec<u8>, context: BTreeMap<String, String>) -> Result<Vec<u8>> {
    let aws = Aws::open(config).await?;
    let asked = aws.kms().decrypt().key_id(key_id).ciphertext_blob(Blob::new(encrypted));
    let found = asked.set_encryption_context(pairs(context)).send().await.api()?;
    found.plaintext.map(Blob::into_inner).ok_or_else(|| Error::new(ErrorKind::Other, "the key management service answered without a key"))
}

fn pairs(context: BTreeMap<String, String>) -> Option<HashMap<String, String>> {
    (!context.is_empty()).then(|| context.into_iter().collect())
}
