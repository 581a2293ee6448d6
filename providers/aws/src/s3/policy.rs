//! Who may do what with a bucket.

use secstack_base::Diags;
use secstack_base::schema::Draft;
use secstack_sdk::drift::Weakness;
use secstack_sdk::typed::{Ask, Found, Resource, Schema};
use secstack_sdk::{Id, Result};

use crate::error::{Answer, Missing};
use crate::{Aws, policy};

/// Who may do what with a bucket.
#[derive(Clone, Debug, Schema)]
#[resource("aws_s3_bucket_policy")]
pub struct BucketPolicy {
    /// The bucket.
    #[attr(forces_new)]
    pub bucket: String,
    /// The policy, as JSON.
    #[attr(same = policy::same)]
    pub policy: String,
}

impl Resource for BucketPolicy {
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
            let answer = cx.s3().get_bucket_policy().bucket(&*ask.id.0).send().await.api().or_missing()?;
            let Some(text) = answer.and_then(|a| a.policy).filter(|p| !p.is_empty()) else { continue };
            let object = Self { bucket: ask.id.to_string(), policy: policy::read(&text) };
            found.push(Found::ready(ask.id.clone(), object));
        }
        Ok(found)
    }

    async fn update(cx: &Aws, _id: &Id, _prior: &Self, want: &Self) -> Result<()> {
        put(cx, want).await
    }

    async fn delete(cx: &Aws, id: &Id, _prior: &Self) -> Result<()> {
        cx.s3().delete_bucket_policy().bucket(&*id.0).send().await.api()?;
        Ok(())
    }

    fn plan(draft: &mut Draft) -> Diags {
        policy::plan_normalized(draft, "policy");
        Diags::new()
    }

    fn weakened(was: &Self, now: Option<&Self>) -> Vec<Weakness> {
        policy::widened("policy", &was.policy, now.map_or("", |now| &now.policy))
    }
}

async fn put(cx: &Aws, want: &BucketPolicy) -> Result<()> {
    cx.s3().put_bucket_policy().bucket(&want.bucket).policy(&want.policy).send().await.api()?;
    Ok(())
}
