//! A managed policy. Its text is kept in versions, of which AWS holds five.

use std::sync::Arc;

use aws_sdk_iam::types::PolicyVersion;
use secstack_base::Diags;
use secstack_base::schema::Draft;
use secstack_sdk::drift::Weakness;
use secstack_sdk::typed::{Ask, DataSource, Found, Resource, Schema, Tags};
use secstack_sdk::{Error, ErrorKind, Id, Result, Trace, check};

use super::account::{self, Fact, Question};
use super::{name_of, of_tags, prefix_of, to_tags};
use crate::error::{Answer, Missing};
use crate::loader::each;
use crate::{Aws, made, policy, tags};

/// The most versions of a policy.
const VERSIONS: usize = 5;

/// A policy that can be attached to roles, users and groups.
#[derive(Clone, Debug, Schema)]
#[resource("aws_iam_policy", conflicts(name, name_prefix))]
pub struct Policy {
    /// The ARN of the policy.
    #[attr(output)]
    pub arn: Option<String>,
    /// To how many roles, users and groups the policy is attached.
    #[attr(output)]
    pub attachment_count: Option<i64>,
    /// What the policy is for.
    #[attr(forces_new, check = check::length(0, 1000))]
    pub description: Option<String>,
    /// The name of the policy.
    #[attr(forces_new, computed, check = check::length(0, 128))]
    pub name: Option<String>,
    /// The beginning of a name that is made up.
    #[attr(forces_new, computed, check = check::length(0, 102))]
    pub name_prefix: Option<String>,
    /// The path of the policy.
    #[attr(forces_new, default = "/")]
    pub path: String,
    /// The policy, as JSON.
    #[attr(same = policy::same)]
    pub policy: String,
    /// The stable ID of the policy.
    #[attr(output)]
    pub policy_id: Option<String>,
    /// Tags of the policy.
    #[attr(tags)]
    pub tags: Tags,
}

impl Resource for Policy {
    type Cx = Aws;
    const DATED: bool = true;
    const BATCH: usize = 1000;

    async fn create(cx: &Aws, want: &Self, token: &str) -> Result<Id> {
        let made = cx
            .iam()
            .create_policy()
            .policy_name(want.name_for(token))
            .policy_document(&want.policy)
            .path(&want.path)
            .set_description(want.description.clone().filter(|d| !d.is_empty()))
            .set_tags(Some(to_tags(&want.tags)?).filter(|t| !t.is_empty()))
            .send()
            .await
            .api()?;
        Id::of(made.policy.and_then(|p| p.arn))
    }

    /// Path and name: with the account, the ARN.
    fn natural(want: &Self, token: &str) -> Option<String> {
        Some(format!("{}{}", want.path, want.name_for(token)))
    }

    async fn find_made(cx: &Aws, trace: &Trace) -> Result<Option<Id>> {
        let natural = made::name(trace)?;
        let arn = match cx.account_id().await? {
            "" => {
                let (path, name) = natural.split_at(natural.rfind('/').map_or(0, |at| at + 1));
                by_name(cx, name, Some(path)).await.or_missing()?
            }
            account => Some(format!("arn:{}:iam::{account}:policy{natural}", cx.partition())),
        };
        let Some(arn) = arn else { return Ok(None) };
        let found = cx.iam().get_policy().policy_arn(&arn).send().await.api().or_missing()?.and_then(|a| a.policy);
        Ok(found.and_then(|p| made::ours(trace, arn, p.create_date.as_ref())))
    }

    async fn read(cx: &Aws, asks: &[Ask<Self>]) -> Result<Vec<Found<Self>>> {
        account::prepare(cx, asks.iter().map(|a| Question::Text(a.id.0.to_string()))).await;
        each(asks, |ask| async move { Ok(find(cx, &ask.id.0).await.or_missing()?.map(|p| Found::ready(ask.id.clone(), p))) }).await
    }

    async fn update(cx: &Aws, id: &Id, prior: &Self, want: &Self) -> Result<()> {
        let (iam, arn) = (cx.iam(), &*id.0);
        if !policy::equivalent(&prior.policy, &want.policy) {
            drop_oldest(cx, arn).await?;
            let call = iam.create_policy_version().policy_arn(arn).policy_document(&want.policy).set_as_default(true);
            call.send().await.api()?;
        }
        let (set, remove) = tags::changes(&prior.tags, &want.tags);
        if !remove.is_empty() {
            iam.untag_policy().policy_arn(arn).set_tag_keys(Some(remove)).send().await.api()?;
        }
        if !set.is_empty() {
            iam.tag_policy().policy_arn(arn).set_tags(Some(to_tags(&set)?)).send().await.api()?;
        }
        Ok(())
    }

    async fn delete(cx: &Aws, id: &Id, _prior: &Self) -> Result<()> {
        for version in versions(cx, &id.0).await?.into_iter().filter(|v| !v.is_default_version) {
            let call = cx.iam().delete_policy_version().policy_arn(&*id.0).set_version_id(version.version_id);
            call.send().await.api().or_missing()?;
        }
        cx.iam().delete_policy().policy_arn(&*id.0).send().await.api()?;
        Ok(())
    }

    fn plan(draft: &mut Draft) -> Diags {
        policy::plan_normalized(draft, "policy");
        Diags::new()
    }

    fn weakened(was: &Self, now: Option<&Self>) -> Vec<Weakness> {
        now.map(|now| policy::widened("policy", &was.policy, &now.policy)).unwrap_or_default()
    }
}

impl Policy {
    fn name_for(&self, token: &str) -> String {
        name_of(self.name.as_ref(), self.name_prefix.as_ref(), "terraform-", token)
    }
}

async fn find(cx: &Aws, arn: &str) -> Result<Policy> {
    let found = cx.cached(format!("iam:GetPolicy:{arn}"), async { cx.iam().get_policy().policy_arn(arn).send().await.api() });
    let Some(p) = found.await?.policy.clone() else {
        return Err(Error::new(ErrorKind::NotFound, format!("IAM Policy {arn} not found")));
    };
    let text = text(cx, arn, p.default_version_id.as_deref().unwrap_or_default()).await?;
    Ok(Policy {
        arn: p.arn,
        attachment_count: p.attachment_count.map(Into::into),
        description: Some(p.description.unwrap_or_default()),
        name_prefix: prefix_of(p.policy_name.as_deref().unwrap_or_default()),
        name: p.policy_name,
        path: p.path.unwrap_or_default(),
        policy: policy::read(&text),
        policy_id: p.policy_id,
        tags: of_tags(&p.tags.unwrap_or_default()),
    })
}

/// The text of a version of a policy.
async fn text(cx: &Aws, arn: &str, version: &str) -> Result<Arc<String>> {
    match account::told(cx, Question::Text(arn.into())).await?.as_deref() {
        Some(Fact::Text(told, text)) if told == version => return Ok(text.clone()),
        _ => {}
    }
    let read = async {
        let call = cx.iam().get_policy_version().policy_arn(arn).version_id(version);
        let found = call.send().await.api()?.policy_version.and_then(|v| v.document);
        Ok(policy::decoded(&found.unwrap_or_default()))
    };
    cx.cached(format!("iam:GetPolicyVersion:{arn}:{version}"), read).await
}

async fn versions(cx: &Aws, arn: &str) -> Result<Vec<PolicyVersion>> {
    let pages = cx.iam().list_policy_versions().policy_arn(arn).into_paginator().items().send();
    pages.collect::<Result<_, _>>().await.api()
}

/// Makes room for a new version.
async fn drop_oldest(cx: &Aws, arn: &str) -> Result<()> {
    let versions = versions(cx, arn).await?;
    if versions.len() < VERSIONS {
        return Ok(());
    }
    let old = versions.into_iter().filter(|v| !v.is_default_version);
    if let Some(oldest) = old.min_by_key(|v| v.create_date.map(|d| (d.secs(), d.subsec_nanos()))) {
        let call = cx.iam().delete_policy_version().policy_arn(arn).set_version_id(oldest.version_id);
        call.send().await.api()?;
    }
    Ok(())
}

/// A policy that exists, by ARN or by name.
#[derive(Clone, Debug, Schema)]
#[data("aws_iam_policy", conflicts(arn, name), conflicts(arn, path_prefix))]
pub struct PolicyData {
    /// The ARN of the policy.
    #[attr(computed, check = check::arn)]
    pub arn: Option<String>,
    /// To how many roles, users and groups the policy is attached.
    #[attr(output)]
    pub attachment_count: Option<i64>,
    /// What the policy is for.
    #[attr(output)]
    pub description: Option<String>,
    /// The ARN of the policy.
    #[attr(computed)]
    pub id: Option<String>,
    /// The name of the policy.
    #[attr(computed)]
    pub name: Option<String>,
    /// The path of the policy.
    #[attr(output)]
    pub path: Option<String>,
    /// The beginning of the policy's path.
    pub path_prefix: Option<String>,
    /// The policy, as JSON.
    #[attr(output)]
    pub policy: Option<String>,
    /// The stable ID of the policy.
    #[attr(output)]
    pub policy_id: Option<String>,
    /// Tags of the policy.
    #[attr(computed)]
    pub tags: Tags,
}

impl DataSource for PolicyData {
    type Cx = Aws;

    async fn read(cx: &Aws, want: Self) -> Result<Self> {
        let arn = match (&want.arn, &want.name) {
            (Some(arn), _) => arn.clone(),
            (None, Some(name)) => by_name(cx, name, want.path_prefix.as_deref()).await?,
            (None, None) => return Err(Error::new(ErrorKind::Invalid, "one of `arn,name` must be specified")),
        };
        let p = find(cx, &arn).await?;
        let tags = p.tags.into_iter().filter(|(k, _)| !k.starts_with("aws:") && !cx.tag_rules().ignores(k)).collect();
        Ok(Self {
            arn: p.arn,
            attachment_count: p.attachment_count,
            description: p.description,
            id: Some(arn),
            name: p.name,
            path: Some(p.path),
            path_prefix: want.path_prefix,
            policy: Some(p.policy),
            policy_id: p.policy_id,
            tags,
        })
    }
}

async fn by_name(cx: &Aws, name: &str, path: Option<&str>) -> Result<String> {
    let call = cx.iam().list_policies().set_path_prefix(path.map(str::to_string));
    let found: Vec<_> = call.into_paginator().items().send().collect::<Result<_, _>>().await.api()?;
    let mut arns = found.into_iter().filter(|p| p.policy_name.as_deref() == Some(name)).filter_map(|p| p.arn);
    match (arns.next(), arns.next()) {
        (Some(arn), None) => Ok(arn),
        (None, _) => Err(Error::new(ErrorKind::NotFound, format!("no IAM policy found matching criteria (Name: {name})"))),
        _ => Err(Error::new(ErrorKind::Invalid, format!("multiple IAM policies found matching criteria (Name: {name})"))),
    }
}
