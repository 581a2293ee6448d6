//! Who owns the objects that others put into a bucket.

use aws_sdk_s3::types;
use secstack_sdk::drift::{Severity, Weakness};
use secstack_sdk::typed::{Ask, Block, Found, Resource, Schema};
use secstack_sdk::{Id, Result, check};

use super::incomplete;
use crate::Aws;
use crate::error::{Answer, Missing};

/// Who owns the objects that others put into a bucket.
#[derive(Clone, Debug, Schema)]
#[resource("aws_s3_bucket_ownership_controls")]
pub struct OwnershipControls {
    /// The bucket.
    #[attr(forces_new)]
    pub bucket: String,
    /// The rule.
    #[attr(block = list, min = 1, max = 1)]
    pub rule: Option<Rule>,
}

/// Who owns what.
#[derive(Clone, Debug, Block)]
pub struct Rule {
    /// Who owns objects.
    #[attr(check = check::one_of(["BucketOwnerPreferred", "ObjectWriter", "BucketOwnerEnforced"]))]
    pub object_ownership: String,
}

impl Resource for OwnershipControls {
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
            let answer = cx.s3().get_bucket_ownership_controls().bucket(&*ask.id.0).send().await.api().or_missing()?;
            let Some(controls) = answer.and_then(|a| a.ownership_controls) else { continue };
            let rule = controls.rules.first().map(|r| Rule { object_ownership: r.object_ownership.as_str().into() });
            found.push(Found::ready(ask.id.clone(), Self { bucket: ask.id.to_string(), rule }));
        }
        Ok(found)
    }

    async fn update(cx: &Aws, _id: &Id, _prior: &Self, want: &Self) -> Result<()> {
        put(cx, want).await
    }

    async fn delete(cx: &Aws, id: &Id, _prior: &Self) -> Result<()> {
        cx.s3().delete_bucket_ownership_controls().bucket(&*id.0).send().await.api()?;
        Ok(())
    }

    fn weakened(was: &Self, now: Option<&Self>) -> Vec<Weakness> {
        let enforced = |v: &Self| v.rule.as_ref().is_some_and(|r| r.object_ownership == "BucketOwnerEnforced");
        let lifted = enforced(was) && !now.is_some_and(enforced);
        Weakness::when(lifted, Severity::Medium, "rule", "access can be given by ACLs now").into_iter().collect()
    }
}

async fn put(cx: &Aws, want: &OwnershipControls) -> Result<()> {
    let rule = |r: &Rule| {
        let ownership = types::ObjectOwnership::from(&*r.object_ownership);
        types::OwnershipControlsRule::builder().object_ownership(ownership).build().map_err(incomplete)
    };
    let rules = want.rule.iter().map(rule).collect::<Result<Vec<_>>>()?;
    let controls = types::OwnershipControls::builder().set_rules(Some(rules)).build().map_err(incomplete)?;
    cx.s3().put_bucket_ownership_controls().bucket(&want.bucket).ownership_controls(controls).send().await.api()?;
    Ok(())
}
