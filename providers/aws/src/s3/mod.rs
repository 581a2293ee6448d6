//! Buckets, and what is configured beside them.

pub mod blocks;
pub mod bucket;
pub mod bucket_read;
pub mod bucket_write;
pub mod lifecycle;
pub mod ownership_controls;
pub mod policy;
pub mod public_access_block;
pub mod replication;
pub mod server_side_encryption;
pub mod versioning;

use std::sync::Arc;

use aws_sdk_s3::types::ServerSideEncryptionConfiguration;
use secstack_sdk::typed::Registry;
use secstack_sdk::{Error, Id, Result};

use crate::Aws;
use crate::error::Answer;

/// Adds the types of this service.
pub fn register(types: Registry<Aws>) -> Registry<Aws> {
    types
        .resource::<bucket::Bucket>()
        .resource::<ownership_controls::OwnershipControls>()
        .resource::<policy::BucketPolicy>()
        .resource::<public_access_block::PublicAccessBlock>()
        .resource::<server_side_encryption::EncryptionConfiguration>()
        .resource::<versioning::Versioning>()
}

/// The ID of what is configured beside a bucket: its name, and who should own it if that is said.
pub(crate) fn id_of(bucket: &str, owner: Option<&String>) -> Id {
    match owner.filter(|o| !o.is_empty()) {
        Some(owner) => Id(format!("{bucket},{owner}").into()),
        None => Id(bucket.into()),
    }
}

/// Bucket and expected owner of such an ID.
pub(crate) fn parse_id(id: &Id) -> (&str, Option<&str>) {
    id.0.split_once(',').map_or((&*id.0, None), |(bucket, owner)| (bucket, Some(owner)))
}

/// Whether a bucket keeps old versions: empty texts where that was never said.
#[derive(Clone, Debug, Default)]
pub(crate) struct Versions {
    /// `Enabled` or `Suspended`.
    pub status: String,
    /// `Enabled` or `Disabled`.
    pub mfa_delete: String,
}

/// The versioning of a bucket.
pub(crate) async fn versioning_of(cx: &Aws, bucket: &str, owner: Option<&str>) -> Result<Arc<Versions>> {
    cx.cached(format!("s3:GetBucketVersioning:{bucket}:{owner:?}"), async {
        let call = cx.s3().get_bucket_versioning().bucket(bucket).set_expected_bucket_owner(owner.map(Into::into));
        let answer = call.send().await;
        // Emulators give the outermost element another name, which this SDK minds and others do not.
        if let Some(body) = answer.as_ref().err().and_then(|e| e.raw_response()).filter(|r| r.status().is_success()) {
            let text = String::from_utf8_lossy(body.body().bytes().unwrap_or_default()).into_owned();
            return Ok(Versions { status: element(&text, "Status"), mfa_delete: element(&text, "MfaDelete") });
        }
        let answer = answer.api()?;
        let text = |t: Option<&str>| t.unwrap_or_default().to_string();
        Ok(Versions {
            status: text(answer.status.as_ref().map(|s| s.as_str())),
            mfa_delete: text(answer.mfa_delete.as_ref().map(|m| m.as_str())),
        })
    })
    .await
}

/// The text in the first element of a name.
fn element(xml: &str, name: &str) -> String {
    let inside = xml.split_once(&format!("<{name}>")).and_then(|(_, rest)| rest.split_once(&format!("</{name}>")));
    inside.map(|(text, _)| text.trim().to_string()).unwrap_or_default()
}

/// The encryption of a bucket.
pub(crate) async fn encryption_of(cx: &Aws, bucket: &str, owner: Option<&str>) -> Result<Arc<Option<ServerSideEncryptionConfiguration>>> {
    cx.cached(format!("s3:GetBucketEncryption:{bucket}:{owner:?}"), async {
        let call = cx.s3().get_bucket_encryption().bucket(bucket).set_expected_bucket_owner(owner.map(Into::into));
        Ok(call.send().await.api()?.server_side_encryption_configuration)
    })
    .await
}

/// The error of a request that the SDK's builder refuses.
pub(crate) fn incomplete(e: impl std::fmt::Display) -> Error {
    Error::new(secstack_sdk::ErrorKind::Invalid, e.to_string())
}

/// A number for the service.
pub(crate) fn int(n: i64) -> i32 {
    i32::try_from(n).unwrap_or(i32::MAX)
}

/// The text, unless it is empty.
pub(crate) fn given(text: &Option<String>) -> Option<String> {
    text.clone().filter(|t| !t.is_empty())
}
