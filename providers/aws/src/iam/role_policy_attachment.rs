//! A managed policy on a role. The service knows no ID for that: one is made up, and means nothing.

use secstack_sdk::drift::{Severity, Weakness};
use secstack_sdk::typed::{Ask, Found, Resource, Schema};
use secstack_sdk::{Error, ErrorKind, Id, Result, check, naming};

use super::account::{self, Question};
use super::attached;
use crate::Aws;
use crate::error::{Answer, Missing};
use crate::loader::each;

/// Attaches a managed policy to a role.
#[derive(Clone, Debug, Schema)]
#[resource("aws_iam_role_policy_attachment")]
pub struct RolePolicyAttachment {
    /// The ARN of the policy.
    #[attr(forces_new, check = check::arn)]
    pub policy_arn: String,
    /// The name of the role.
    #[attr(forces_new)]
    pub role: String,
}

impl Resource for RolePolicyAttachment {
    type Cx = Aws;
    const BATCH: usize = 1000;

    async fn create(cx: &Aws, want: &Self, token: &str) -> Result<Id> {
        cx.iam().attach_role_policy().role_name(&want.role).policy_arn(&want.policy_arn).send().await.api()?;
        Ok(Id(naming::unique_for(&format!("{}-", want.role), token).into()))
    }

    fn natural(want: &Self, _token: &str) -> Option<String> {
        Some(format!("{}/{}", want.role, want.policy_arn))
    }

    async fn read(cx: &Aws, asks: &[Ask<Self>]) -> Result<Vec<Found<Self>>> {
        let tie = |ask: &Ask<Self>| ask.prior.clone().map_or_else(|| parse(&ask.id.0), Ok);
        account::prepare(cx, asks.iter().filter_map(|a| Some(Question::Attached(tie(a).ok()?.role)))).await;
        each(asks, |ask| async move {
            let object = tie(ask)?;
            let attached = attached(cx, &object.role).await.or_missing()?;
            let there = attached.is_some_and(|arns| arns.contains(&object.policy_arn));
            Ok(there.then(|| Found::ready(ask.id.clone(), object)))
        })
        .await
    }

    async fn delete(cx: &Aws, _id: &Id, prior: &Self) -> Result<()> {
        cx.iam().detach_role_policy().role_name(&prior.role).policy_arn(&prior.policy_arn).send().await.api()?;
        Ok(())
    }

    async fn parse_import(_cx: &Aws, text: &str) -> Result<Ask<Self>> {
        let object = parse(text)?;
        Ok(Ask::of(format!("{}-{}", object.role, object.policy_arn), object))
    }

    fn weakened(_was: &Self, now: Option<&Self>) -> Vec<Weakness> {
        // A policy may be there to deny.
        Weakness::when(now.is_none(), Severity::Low, "", "a policy of the role was detached").into_iter().collect()
    }
}

/// Reads `role/arn:...` and `role-arn:...`.
fn parse(text: &str) -> Result<RolePolicyAttachment> {
    let at = text.find("/arn:").or_else(|| text.find("-arn:")).filter(|at| *at > 0);
    let wrong = || Error::new(ErrorKind::Invalid, format!("unexpected format of ID ({text}), expected <role-name>/<policy_arn>"));
    let at = at.ok_or_else(wrong)?;
    Ok(RolePolicyAttachment { role: text[..at].into(), policy_arn: text[at + 1..].into() })
}
