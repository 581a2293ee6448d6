//! Whether a bucket keeps old versions of its objects. That can be suspended, but not undone.

use std::time::Duration;

use aws_sdk_s3::types::{BucketVersioningStatus, MfaDelete, VersioningConfiguration};
use secstack_sdk::drift::{Severity, Weakness};
use secstack_sdk::typed::{Ask, Block, Found, Resource, Schema};
use secstack_sdk::{Id, Result, Wait, check};

use super::{given, id_of, parse_id, versioning_of};
use crate::Aws;
use crate::error::{Answer, Missing};

/// Whether a bucket keeps old versions of its objects.
#[derive(Clone, Debug, Schema)]
#[resource("aws_s3_bucket_versioning")]
pub struct Versioning {
    /// The bucket.
    #[attr(forces_new, check = check::length(1, 63))]
    pub bucket: String,
    /// The account that must own the bucket.
    #[attr(forces_new)]
    pub expected_bucket_owner: Option<String>,
    /// Serial number and code of the device that confirms changes.
    #[attr(local)]
    pub mfa: Option<String>,
    /// What is kept.
    #[attr(block = list, min = 1, max = 1)]
    pub versioning_configuration: Option<Configuration>,
}

/// What is kept.
#[derive(Clone, Debug, Block)]
pub struct Configuration {
    /// Whether deleting versions needs a second factor.
    #[attr(computed, check = check::one_of(["Enabled", "Disabled"]))]
    pub mfa_delete: Option<String>,
    /// Whether versions are kept; `Disabled` only as long as they never were.
    #[attr(check = check::one_of(["Enabled", "Suspended", "Disabled"]))]
    pub status: String,
}

impl Resource for Versioning {
    type Cx = Aws;
    const WAIT: Wait = Wait { delete: Duration::ZERO, ..Wait::DEFAULT };

    async fn create(cx: &Aws, want: &Self, _token: &str) -> Result<Id> {
        put(cx, want, None).await?;
        Ok(id_of(&want.bucket, want.expected_bucket_owner.as_ref()))
    }

    fn natural(want: &Self, _token: &str) -> Option<String> {
        Some(id_of(&want.bucket, want.expected_bucket_owner.as_ref()).to_string())
    }

    async fn read(cx: &Aws, asks: &[Ask<Self>]) -> Result<Vec<Found<Self>>> {
        let mut found = Vec::new();
        for ask in asks {
            let (bucket, owner) = parse_id(&ask.id);
            let Some(v) = versioning_of(cx, bucket, owner).await.or_missing()? else { continue };
            let configuration = Configuration {
                mfa_delete: Some(v.mfa_delete.clone()),
                status: if v.status.is_empty() { "Disabled".into() } else { v.status.clone() },
            };
            let object = Self {
                bucket: bucket.into(),
                expected_bucket_owner: Some(owner.unwrap_or_default().into()),
                mfa: None,
                versioning_configuration: Some(configuration),
            };
            found.push(Found::ready(ask.id.clone(), object));
        }
        Ok(found)
    }

    async fn update(cx: &Aws, _id: &Id, _prior: &Self, want: &Self) -> Result<()> {
        put(cx, want, None).await
    }

    async fn delete(cx: &Aws, _id: &Id, prior: &Self) -> Result<()> {
        match prior.versioning_configuration.as_ref().map(|c| &*c.status) {
            Some("Disabled") => Ok(()),
            _ => put(cx, prior, Some(BucketVersioningStatus::Suspended)).await,
        }
    }

    fn weakened(was: &Self, now: Option<&Self>) -> Vec<Weakness> {
        let on = |v: &Self| v.versioning_configuration.as_ref().is_some_and(|c| c.status == "Enabled");
        let off = on(was) && !now.is_some_and(on);
        let what = "what is overwritten or deleted in the bucket is lost now";
        Weakness::when(off, Severity::Medium, "versioning_configuration", what).into_iter().collect()
    }
}

async fn put(cx: &Aws, want: &Versioning, status: Option<BucketVersioningStatus>) -> Result<()> {
    let Some(c) = &want.versioning_configuration else { return Ok(()) };
    let status = match status {
        Some(status) => status,
        None if c.status == "Disabled" => return Ok(()),
        None => BucketVersioningStatus::from(&*c.status),
    };
    let mfa = given(&c.mfa_delete).map(|m| MfaDelete::from(&*m));
    let configuration = VersioningConfiguration::builder().status(status).set_mfa_delete(mfa).build();
    let call = cx
        .s3()
        .put_bucket_versioning()
        .bucket(&want.bucket)
        .set_expected_bucket_owner(given(&want.expected_bucket_owner))
        .set_mfa(given(&want.mfa))
        .versioning_configuration(configuration);
    call.send().await.api()?;
    Ok(())
}
