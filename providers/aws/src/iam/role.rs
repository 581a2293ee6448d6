//! A role, with the inline policies and attachments that its own block lists.
//!
//! The older arguments `inline_policy` and `managed_policy_arns` rule alone when they are given, and tell what is
//! there when they are not.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_iam::types;
use secstack_base::Diags;
use secstack_base::schema::Draft;
use secstack_sdk::drift::{Known, Severity, Shared, Unmanaged, Weakness};
use secstack_sdk::typed::{Ask, DataSource, Found, Resource, Schema, Tags};
use secstack_sdk::{Error, ErrorKind, Id, Result, Trace, check};

use super::account::{self, Fact, Question};
use super::role_inline::{self, InlinePolicy};
use super::{attached, inline_policies, name_of, of_tags, prefix_of, time, to_tags};
use crate::error::{Answer, Missing};
use crate::loader::each;
use crate::{Aws, made, policy, tags};

/// A role that users, services and accounts assume.
#[derive(Clone, Debug, Schema)]
#[resource("aws_iam_role", conflicts(name, name_prefix))]
pub struct Role {
    /// The ARN of the role.
    #[attr(output)]
    pub arn: Option<String>,
    /// The policy that says who may assume the role, as JSON.
    #[attr(same = policy::same)]
    pub assume_role_policy: String,
    /// When the role was created.
    #[attr(output)]
    pub create_date: Option<String>,
    /// What the role is for.
    #[attr(check = check::length(0, 1000))]
    pub description: Option<String>,
    /// Whether policies that others attached are detached before the role is deleted.
    #[attr(default = false, local)]
    pub force_detach_policies: bool,
    /// The ARNs of all managed policies attached to the role.
    #[attr(
        computed,
        deprecated = "Use the aws_iam_role_policy_attachment resource instead. If Terraform should exclusively manage all managed policy attachments (the current behavior of this argument), use the aws_iam_role_policy_attachments_exclusive resource as well."
    )]
    pub managed_policy_arns: BTreeSet<String>,
    /// The longest session in the role, in seconds.
    #[attr(default = 3600, check = check::between(3600, 43200))]
    pub max_session_duration: i64,
    /// The name of the role.
    #[attr(forces_new, computed, check = check::length(0, 64))]
    pub name: Option<String>,
    /// The beginning of a name that is made up.
    #[attr(forces_new, computed, check = check::length(0, 38))]
    pub name_prefix: Option<String>,
    /// The path of the role.
    #[attr(forces_new, default = "/")]
    pub path: String,
    /// The ARN of the policy that bounds the permissions of the role.
    #[attr(check = check::arn)]
    pub permissions_boundary: Option<String>,
    /// The stable ID of the role.
    #[attr(output)]
    pub unique_id: Option<String>,
    /// All inline policies of the role.
    #[attr(
        block = set,
        computed,
        deprecated = "Use the aws_iam_role_policy resource instead. If Terraform should exclusively manage all inline policy associations (the current behavior of this argument), use the aws_iam_role_policies_exclusive resource as well."
    )]
    pub inline_policy: BTreeSet<InlinePolicy>,
    /// Tags of the role.
    #[attr(tags)]
    pub tags: Tags,
}

impl Resource for Role {
    type Cx = Aws;
    const DATED: bool = true;
    const BATCH: usize = 1000;

    async fn create(cx: &Aws, want: &Self, token: &str) -> Result<Id> {
        let name = want.name_for(token);
        let call = cx
            .iam()
            .create_role()
            .role_name(&name)
            .assume_role_policy_document(&want.assume_role_policy)
            .path(&want.path)
            .set_description(want.description.clone().filter(|d| !d.is_empty()))
            .max_session_duration(seconds(want.max_session_duration))
            .set_permissions_boundary(want.permissions_boundary.clone().filter(|b| !b.is_empty()))
            .set_tags(Some(to_tags(&want.tags)?).filter(|t| !t.is_empty()));
        call.send().await.api()?;
        Ok(Id(name.into()))
    }

    fn natural(want: &Self, token: &str) -> Option<String> {
        Some(want.name_for(token))
    }

    async fn find_made(cx: &Aws, trace: &Trace) -> Result<Option<Id>> {
        let found = find(cx, made::name(trace)?).await?.ok();
        Ok(found.and_then(|r| made::ours(trace, r.role_name.as_str(), Some(&r.create_date))))
    }

    async fn finish(cx: &Aws, id: &Id, want: &Self) -> Result<()> {
        role_inline::put(cx, &id.0, &BTreeMap::new(), &role_inline::by_name(&want.inline_policy)).await?;
        attach(cx, &id.0, &BTreeSet::new(), &want.managed_policy_arns).await
    }

    async fn read(cx: &Aws, asks: &[Ask<Self>]) -> Result<Vec<Found<Self>>> {
        account::prepare(cx, asks.iter().flat_map(|a| account::of_role(&a.id.0))).await;
        each(asks, |ask| async move {
            let Some(role) = find(cx, &ask.id.0).await?.or_missing()? else { return Ok(None) };
            let (inline, attached) = futures::try_join!(inline_policies(cx, &role.role_name), attached(cx, &role.role_name))?;
            let mut object = Self::from_remote(role);
            object.inline_policy = role_inline::read(inline, ask.prior.as_ref().map(|p| &p.inline_policy));
            object.managed_policy_arns = attached.as_ref().clone();
            Ok(Some(Found::ready(ask.id.clone(), object)))
        })
        .await
    }

    async fn update(cx: &Aws, id: &Id, prior: &Self, want: &Self) -> Result<()> {
        let (iam, name) = (cx.iam(), &*id.0);
        if !policy::equivalent(&prior.assume_role_policy, &want.assume_role_policy) {
            let call = iam.update_assume_role_policy().role_name(name).policy_document(&want.assume_role_policy);
            call.send().await.api()?;
        }
        if text(&prior.description) != text(&want.description) || prior.max_session_duration != want.max_session_duration {
            let call = iam.update_role().role_name(name).description(text(&want.description));
            call.max_session_duration(seconds(want.max_session_duration)).send().await.api()?;
        }
        match (text(&prior.permissions_boundary), text(&want.permissions_boundary)) {
            (old, new) if old == new => {}
            (_, "") => drop(iam.delete_role_permissions_boundary().role_name(name).send().await.api()?),
            (_, new) => {
                let call = iam.put_role_permissions_boundary().role_name(name).permissions_boundary(new);
                call.send().await.api()?;
            }
        }
        let inline = (role_inline::by_name(&prior.inline_policy), role_inline::by_name(&want.inline_policy));
        role_inline::put(cx, name, &inline.0, &inline.1).await?;
        attach(cx, name, &prior.managed_policy_arns, &want.managed_policy_arns).await?;
        let (set, remove) = tags::changes(&prior.tags, &want.tags);
        if !remove.is_empty() {
            iam.untag_role().role_name(name).set_tag_keys(Some(remove)).send().await.api()?;
        }
        if !set.is_empty() {
            iam.tag_role().role_name(name).set_tags(Some(to_tags(&set)?)).send().await.api()?;
        }
        Ok(())
    }

    async fn delete(cx: &Aws, id: &Id, prior: &Self) -> Result<()> {
        let (iam, name) = (cx.iam(), &*id.0);
        let pages = iam.list_instance_profiles_for_role().role_name(name).into_paginator().items().send();
        for profile in pages.collect::<Result<Vec<_>, _>>().await.api()? {
            let call = iam.remove_role_from_instance_profile().role_name(name);
            call.instance_profile_name(profile.instance_profile_name).send().await.api().or_missing()?;
        }
        // Another's policies may have been added since the role was read.
        if prior.force_detach_policies || !prior.managed_policy_arns.is_empty() {
            for arn in attached(cx, name).await?.iter() {
                iam.detach_role_policy().role_name(name).policy_arn(arn).send().await.api().or_missing()?;
            }
        }
        if prior.force_detach_policies || !prior.inline_policy.is_empty() {
            for policy in super::inline_names(cx, name).await?.iter() {
                iam.delete_role_policy().role_name(name).policy_name(policy).send().await.api().or_missing()?;
            }
        }
        iam.delete_role().role_name(name).send().await.api()?;
        Ok(())
    }

    fn plan(draft: &mut Draft) -> Diags {
        policy::plan_normalized(draft, "assume_role_policy");
        role_inline::plan(draft);
        Diags::new()
    }

    fn weakened(was: &Self, now: Option<&Self>) -> Vec<Weakness> {
        let Some(now) = now else { return Vec::new() };
        let mut found = policy::widened("assume_role_policy", &was.assume_role_policy, &now.assume_role_policy);
        let lost = was.permissions_boundary.is_some() && was.permissions_boundary != now.permissions_boundary;
        let what = "the permissions boundary of the role is another one or gone";
        found.extend(Weakness::when(lost, Severity::High, "permissions_boundary", what));
        let attached = now.managed_policy_arns.difference(&was.managed_policy_arns);
        found.extend(attached.map(|arn| {
            let (severity, what) = attached_policy(arn);
            Weakness::new(severity, "managed_policy_arns", format!("{what} now"))
        }));
        for one in now.inline_policy.difference(&was.inline_policy) {
            let before = was.inline_policy.iter().find(|p| p.name == one.name).and_then(|p| p.policy.as_deref());
            found.extend(policy::widened("inline_policy", before.unwrap_or_default(), one.policy.as_deref().unwrap_or_default()));
        }
        let other = was.unique_id.is_some() && was.unique_id != now.unique_id;
        found.extend(Weakness::when(other, Severity::High, "unique_id", "the role was deleted and made again outside"));
        found
    }

    fn shared(id: &Id, now: &Self, known: &Known) -> Vec<Shared> {
        let mut found = Vec::new();
        let name = |p: &InlinePolicy| p.name.clone().unwrap_or_default();
        let made = |policy: &str| known.of(INLINE).any(|p| p.get_str("role") == Some(&id.0) && p.get_str("name") == Some(policy));
        if known.has(INLINE, "role", &id.0) {
            let strange = now.inline_policy.iter().filter(|p| !made(&name(p)));
            let unmanaged = strange.map(|p| Unmanaged {
                owner: id.clone(),
                ty: INLINE.into(),
                id: format!("{}:{}", id.0, name(p)).into(),
                text: format!("the inline policy {:?}", name(p)),
                weakens: policy::widened("", "", p.policy.as_deref().unwrap_or_default()).pop().map(|w| (w.severity, w.text)),
            });
            found.push(Shared { attribute: "inline_policy", unmanaged: unmanaged.collect() });
        }
        if known.has(ATTACHED, "role", &id.0) {
            let made = |arn: &str| known.of(ATTACHED).any(|a| a.get_str("role") == Some(&id.0) && a.get_str("policy_arn") == Some(arn));
            let strange = now.managed_policy_arns.iter().filter(|arn| !made(arn));
            let unmanaged = strange.map(|arn| Unmanaged {
                owner: id.clone(),
                ty: ATTACHED.into(),
                id: format!("{}/{arn}", id.0).into(),
                text: format!("the attached policy {arn}"),
                weakens: Some(attached_policy(arn)),
            });
            found.push(Shared { attribute: "managed_policy_arns", unmanaged: unmanaged.collect() });
        }
        found
    }
}

/// The types that make what a role shows as its own.
const INLINE: &str = "aws_iam_role_policy";
const ATTACHED: &str = "aws_iam_role_policy_attachment";

/// How grave it is that a managed policy is attached, and what that is.
fn attached_policy(arn: &str) -> (Severity, String) {
    let all = ["AdministratorAccess", "PowerUserAccess", "IAMFullAccess"].iter().any(|n| arn.ends_with(&format!("/{n}")));
    (if all { Severity::Critical } else { Severity::High }, format!("the role has the rights of {arn}"))
}

impl Role {
    fn name_for(&self, token: &str) -> String {
        name_of(self.name.as_ref(), self.name_prefix.as_ref(), "terraform-", token)
    }

    fn from_remote(r: types::Role) -> Self {
        Self {
            arn: Some(r.arn),
            assume_role_policy: policy::read(&policy::decoded(&r.assume_role_policy_document.unwrap_or_default())),
            create_date: time(&r.create_date),
            description: Some(r.description.unwrap_or_default()),
            force_detach_policies: false,
            managed_policy_arns: BTreeSet::new(),
            max_session_duration: r.max_session_duration.unwrap_or_default().into(),
            name_prefix: prefix_of(&r.role_name),
            name: Some(r.role_name),
            path: r.path,
            permissions_boundary: Some(r.permissions_boundary.and_then(|b| b.permissions_boundary_arn).unwrap_or_default()),
            unique_id: Some(r.role_id),
            inline_policy: BTreeSet::new(),
            tags: of_tags(&r.tags.unwrap_or_default()),
        }
    }
}

/// A role, or the error that says why there is none.
async fn find(cx: &Aws, name: &str) -> Result<Result<types::Role>> {
    if let Some(Fact::Role(role)) = account::told(cx, Question::Role(name.into())).await?.as_deref() {
        return Ok(Ok(role.as_ref().clone()));
    }
    let found = cx.cached(format!("iam:GetRole:{name}"), async {
        let answer = cx.iam().get_role().role_name(name).send().await.api()?;
        answer.role.ok_or_else(|| Error::new(ErrorKind::NotFound, format!("IAM Role {name} not found")))
    });
    match found.await {
        Ok(role) => Ok(Ok(role.as_ref().clone())),
        Err(e) if e.kind == ErrorKind::NotFound => Ok(Err(e)),
        Err(e) => Err(e),
    }
}

async fn attach(cx: &Aws, role: &str, prior: &BTreeSet<String>, want: &BTreeSet<String>) -> Result<()> {
    for arn in prior.difference(want) {
        cx.iam().detach_role_policy().role_name(role).policy_arn(arn).send().await.api().or_missing()?;
    }
    for arn in want.difference(prior) {
        cx.iam().attach_role_policy().role_name(role).policy_arn(arn).send().await.api()?;
    }
    Ok(())
}

fn text(given: &Option<String>) -> &str {
    given.as_deref().unwrap_or_default()
}

fn seconds(n: i64) -> i32 {
    i32::try_from(n).unwrap_or(i32::MAX)
}

/// A role that exists.
#[derive(Clone, Debug, Schema)]
#[data("aws_iam_role")]
pub struct RoleData {
    /// The ARN of the role.
    #[attr(output)]
    pub arn: Option<String>,
    /// The policy that says who may assume the role, as JSON.
    #[attr(output)]
    pub assume_role_policy: Option<String>,
    /// When the role was created.
    #[attr(output)]
    pub create_date: Option<String>,
    /// What the role is for.
    #[attr(output)]
    pub description: Option<String>,
    /// The name of the role.
    #[attr(computed)]
    pub id: Option<String>,
    /// The longest session in the role, in seconds.
    #[attr(output)]
    pub max_session_duration: Option<i64>,
    /// The name of the role.
    pub name: String,
    /// The path of the role.
    #[attr(output)]
    pub path: Option<String>,
    /// The ARN of the policy that bounds the permissions of the role.
    #[attr(output)]
    pub permissions_boundary: Option<String>,
    /// When and where the role was last used.
    #[attr(output)]
    pub role_last_used: Vec<LastUsed>,
    /// Tags of the role.
    #[attr(computed)]
    pub tags: Tags,
    /// The stable ID of the role.
    #[attr(output)]
    pub unique_id: Option<String>,
}

/// When and where a role was last used.
#[derive(Clone, Debug, secstack_sdk::typed::Block)]
pub struct LastUsed {
    /// When.
    pub last_used_date: Option<String>,
    /// Where.
    pub region: Option<String>,
}

impl DataSource for RoleData {
    type Cx = Aws;

    async fn read(cx: &Aws, want: Self) -> Result<Self> {
        let missing = |e: Error| Error::new(e.kind, format!("reading IAM Role ({}): {}", want.name, e.message));
        let role = find(cx, &want.name).await?.map_err(missing)?;
        let last_used = role.role_last_used.clone().map(|u| LastUsed {
            last_used_date: Some(u.last_used_date.as_ref().and_then(time).unwrap_or_default()),
            region: u.region.or_else(|| Some(String::new())),
        });
        let role = Role::from_remote(role);
        let tags = role.tags.into_iter().filter(|(k, _)| !k.starts_with("aws:") && !cx.tag_rules().ignores(k)).collect();
        Ok(Self {
            arn: role.arn,
            assume_role_policy: Some(role.assume_role_policy),
            create_date: role.create_date,
            description: role.description,
            id: role.name.clone(),
            max_session_duration: Some(role.max_session_duration),
            name: role.name.unwrap_or_default(),
            path: Some(role.path),
            permissions_boundary: role.permissions_boundary,
            role_last_used: last_used.into_iter().collect(),
            tags,
            unique_id: role.unique_id,
        })
    }
}
