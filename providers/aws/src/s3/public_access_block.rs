//! What keeps a bucket from becoming public by mistake.

use aws_sdk_s3::types::PublicAccessBlockConfiguration;
use secstack_sdk::drift::{Severity, Weakness};
use secstack_sdk::typed::{Ask, Found, Resource, Schema};
use secstack_sdk::{Id, Result};

use crate::Aws;
use crate::error::{Answer, Missing};

/// What keeps a bucket from becoming public by mistake.
#[derive(Clone, Debug, Schema)]
#[resource("aws_s3_bucket_public_access_block")]
pub struct PublicAccessBlock {
    /// Whether public access lists are refused.
    #[attr(default = false)]
    pub block_public_acls: bool,
    /// Whether public policies are refused.
    #[attr(default = false)]
    pub block_public_policy: bool,
    /// The bucket.
    #[attr(forces_new)]
    pub bucket: String,
    /// Whether public access lists have no effect.
    #[attr(default = false)]
    pub ignore_public_acls: bool,
    /// Whether a public policy gives access to the account alone.
    #[attr(default = false)]
    pub restrict_public_buckets: bool,
}

impl Resource for PublicAccessBlock {
    type Cx = Aws;

    async fn create(cx: &Aws, want: &Self, _token: &str) -> Result<Id> {
        put(cx, want).await?;
        Ok(Id(want.bucket.as_str().into()))
    }

    fn natural(want: &Self, _token: &str) -> Option<String> {
        Some(want.bucket.clone())
    }

    async fn read(cx: &Aws, asks: &[Ask<Self>]) -> Result<Vec<Found<Self>>> {
        let mut found = Vec::new();
        for ask in asks {
            let Some(answer) = cx.s3().get_public_access_block().bucket(&*ask.id.0).send().await.api().or_missing()? else {
                continue;
            };
            let Some(c) = answer.public_access_block_configuration else { continue };
            let object = Self {
                block_public_acls: c.block_public_acls.unwrap_or_default(),
                block_public_policy: c.block_public_policy.unwrap_or_default(),
                bucket: ask.id.to_string(),
                ignore_public_acls: c.ignore_public_acls.unwrap_or_default(),
                restrict_public_buckets: c.restrict_public_buckets.unwrap_or_default(),
            };
            found.push(Found::ready(ask.id.clone(), object));
        }
        Ok(found)
    }

    async fn update(cx: &Aws, _id: &Id, _prior: &Self, want: &Self) -> Result<()> {
        put(cx, want).await
    }

    async fn delete(cx: &Aws, id: &Id, _prior: &Self) -> Result<()> {
        cx.s3().delete_public_access_block().bucket(&*id.0).send().await.api()?;
        Ok(())
    }

    fn weakened(was: &Self, now: Option<&Self>) -> Vec<Weakness> {
        let lifted = |attribute: &str, was: bool, now: Option<bool>, what: &str| {
            Weakness::when(was && now != Some(true), Severity::High, attribute, what)
        };
        let found = [
            lifted("block_public_acls", was.block_public_acls, now.map(|n| n.block_public_acls), "public ACLs can be set now"),
            lifted("block_public_policy", was.block_public_policy, now.map(|n| n.block_public_policy), "a public policy can be set now"),
            lifted("ignore_public_acls", was.ignore_public_acls, now.map(|n| n.ignore_public_acls), "public ACLs count now"),
            lifted(
                "restrict_public_buckets",
                was.restrict_public_buckets,
                now.map(|n| n.restrict_public_buckets),
                "a public policy opens the bucket to others now",
            ),
        ];
        found.into_iter().flatten().collect()
    }
}

async fn put(cx: &Aws, want: &PublicAccessBlock) -> Result<()> {
    let configuration = PublicAccessBlockConfiguration::builder()
        .block_public_acls(want.block_public_acls)
        .block_public_policy(want.block_public_policy)
        .ignore_public_acls(want.ignore_public_acls)
        .restrict_public_buckets(want.restrict_public_buckets)
        .build();
    let call = cx.s3().put_public_access_block().bucket(&want.bucket).public_access_block_configuration(configuration);
    call.send().await.api()?;
    Ok(())
}
