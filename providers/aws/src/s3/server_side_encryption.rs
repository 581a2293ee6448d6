//! How a bucket encrypts its objects. Every bucket encrypts: taking the configuration away brings the default back.

use std::collections::BTreeSet;
use std::time::Duration;

use aws_sdk_s3::types::{ServerSideEncryption, ServerSideEncryptionByDefault, ServerSideEncryptionConfiguration, ServerSideEncryptionRule};
use secstack_sdk::drift::{Severity, Weakness};
use secstack_sdk::typed::{Ask, Block, Found, Resource, Schema};
use secstack_sdk::{Id, Result, Wait, check};

use super::{encryption_of, given, id_of, incomplete, parse_id};
use crate::Aws;
use crate::error::{Answer, Missing};

/// How a bucket encrypts its objects.
#[derive(Clone, Debug, Schema)]
#[resource("aws_s3_bucket_server_side_encryption_configuration")]
pub struct EncryptionConfiguration {
    /// The bucket.
    #[attr(forces_new, check = check::length(1, 63))]
    pub bucket: String,
    /// The account that must own the bucket.
    #[attr(forces_new)]
    pub expected_bucket_owner: Option<String>,
    /// What is encrypted how.
    #[attr(block = set, min = 1)]
    pub rule: BTreeSet<Rule>,
}

/// What is encrypted how.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Block)]
pub struct Rule {
    /// Whether a key of the bucket's own saves calls to the key service.
    pub bucket_key_enabled: Option<bool>,
    /// How objects are encrypted that do not say themselves.
    #[attr(block = list, max = 1)]
    pub apply_server_side_encryption_by_default: Option<ByDefault>,
}

/// How objects are encrypted that do not say themselves.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Block)]
pub struct ByDefault {
    /// The key.
    pub kms_master_key_id: Option<String>,
    /// The algorithm.
    #[attr(check = check::one_of(["AES256", "aws:kms", "aws:kms:dsse"]))]
    pub sse_algorithm: String,
}

impl Resource for EncryptionConfiguration {
    type Cx = Aws;
    const WAIT: Wait = Wait { delete: Duration::ZERO, ..Wait::DEFAULT };

    async fn create(cx: &Aws, want: &Self, _token: &str) -> Result<Id> {
        put(cx, want).await?;
        Ok(id_of(&want.bucket, want.expected_bucket_owner.as_ref()))
    }

    fn natural(want: &Self, _token: &str) -> Option<String> {
        Some(id_of(&want.bucket, want.expected_bucket_owner.as_ref()).to_string())
    }

    async fn read(cx: &Aws, asks: &[Ask<Self>]) -> Result<Vec<Found<Self>>> {
        let mut found = Vec::new();
        for ask in asks {
            let (bucket, owner) = parse_id(&ask.id);
            let Some(configuration) = encryption_of(cx, bucket, owner).await.or_missing()? else { continue };
            let Some(configuration) = configuration.as_ref() else { continue };
            let object = Self {
                bucket: bucket.into(),
                expected_bucket_owner: Some(owner.unwrap_or_default().into()),
                rule: configuration.rules.iter().map(from_remote).collect(),
            };
            found.push(Found::ready(ask.id.clone(), object));
        }
        Ok(found)
    }

    async fn update(cx: &Aws, _id: &Id, _prior: &Self, want: &Self) -> Result<()> {
        put(cx, want).await
    }

    async fn delete(cx: &Aws, id: &Id, _prior: &Self) -> Result<()> {
        let (bucket, owner) = parse_id(id);
        let call = cx.s3().delete_bucket_encryption().bucket(bucket).set_expected_bucket_owner(owner.map(Into::into));
        call.send().await.api()?;
        Ok(())
    }

    fn weakened(was: &Self, now: Option<&Self>) -> Vec<Weakness> {
        let by_key = |v: &Self| {
            let by_default = v.rule.iter().filter_map(|r| r.apply_server_side_encryption_by_default.as_ref());
            by_default.filter(|d| d.sse_algorithm.starts_with("aws:kms")).map(|d| d.kms_master_key_id.clone()).next()
        };
        let Some(key) = by_key(was) else { return Vec::new() };
        let what = match now.and_then(by_key) {
            None => "new objects are not encrypted with a key of KMS any more",
            Some(other) if other != key => "new objects are encrypted with another key",
            Some(_) => return Vec::new(),
        };
        vec![Weakness::new(Severity::High, "rule", what)]
    }
}

async fn put(cx: &Aws, want: &EncryptionConfiguration) -> Result<()> {
    let rules = want.rule.iter().map(to_remote).collect::<Result<Vec<_>>>()?;
    let configuration = ServerSideEncryptionConfiguration::builder().set_rules(Some(rules)).build().map_err(incomplete)?;
    let call = cx
        .s3()
        .put_bucket_encryption()
        .bucket(&want.bucket)
        .set_expected_bucket_owner(given(&want.expected_bucket_owner))
        .server_side_encryption_configuration(configuration);
    call.send().await.api()?;
    Ok(())
}

/// A rule as the service takes it.
///
/// # Errors
/// When it is incomplete.
pub(crate) fn to_remote(rule: &Rule) -> Result<ServerSideEncryptionRule> {
    let by_default = match &rule.apply_server_side_encryption_by_default {
        Some(d) => {
            let builder = ServerSideEncryptionByDefault::builder().set_kms_master_key_id(given(&d.kms_master_key_id));
            Some(builder.sse_algorithm(ServerSideEncryption::from(&*d.sse_algorithm)).build().map_err(incomplete)?)
        }
        None => None,
    };
    let builder = ServerSideEncryptionRule::builder().set_apply_server_side_encryption_by_default(by_default);
    Ok(builder.set_bucket_key_enabled(rule.bucket_key_enabled).build())
}

/// A rule as the service gives it.
pub(crate) fn from_remote(rule: &ServerSideEncryptionRule) -> Rule {
    let by_default = rule.apply_server_side_encryption_by_default.as_ref().map(|d| ByDefault {
        kms_master_key_id: Some(d.kms_master_key_id.clone().unwrap_or_default()),
        sse_algorithm: d.sse_algorithm.as_str().into(),
    });
    Rule { bucket_key_enabled: rule.bucket_key_enabled, apply_server_side_encryption_by_default: by_default }
}
