//! Identity and access management: roles, policies, what ties them together, and identity providers.

mod account;
pub mod open_id_connect_provider;
pub mod policy;
pub mod policy_document;
pub mod policy_json;
pub mod role;
pub mod role_inline;
pub mod role_policy;
pub mod role_policy_attachment;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use aws_sdk_iam::types::Tag;
use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use secstack_sdk::typed::{Registry, Tags};
use secstack_sdk::{Error, ErrorKind, Result, naming};

use self::account::{Fact, Question};
use crate::Aws;
use crate::error::Answer;

/// Adds the types of this service.
pub fn register(types: Registry<Aws>) -> Registry<Aws> {
    types
        .resource::<open_id_connect_provider::OpenIdConnectProvider>()
        .resource::<policy::Policy>()
        .resource::<role::Role>()
        .resource::<role_policy::RolePolicy>()
        .resource::<role_policy_attachment::RolePolicyAttachment>()
        .data::<policy_document::PolicyDocument>()
        .data::<policy::PolicyData>()
        .data::<role::RoleData>()
        .data::<open_id_connect_provider::OpenIdConnectProviderData>()
}

/// The name that the arguments `name` and `name_prefix` ask for, where a name must begin with `default_prefix` if neither
/// is given. One that is made up is the same for the same token.
pub(crate) fn name_of(name: Option<&String>, prefix: Option<&String>, default_prefix: &str, token: &str) -> String {
    let given = |s: Option<&String>| s.filter(|s| !s.is_empty()).cloned();
    given(name).unwrap_or_else(|| naming::unique_for(&given(prefix).unwrap_or_else(|| default_prefix.into()), token))
}

/// The prefix that a name was made from, or nothing.
pub(crate) fn prefix_of(name: &str) -> Option<String> {
    Some(naming::prefix_of(name).unwrap_or_default().to_string())
}

/// Tags as IAM takes them.
pub(crate) fn to_tags(tags: &Tags) -> Result<Vec<Tag>> {
    let tag = |(k, v): (&String, &String)| Tag::builder().key(k).value(v).build();
    tags.iter().map(tag).collect::<Result<_, _>>().map_err(|e| Error::other(e.to_string()))
}

/// Tags as IAM gives them.
pub(crate) fn of_tags(tags: &[Tag]) -> Tags {
    tags.iter().map(|t| (t.key.clone(), t.value.clone())).collect()
}

/// A point in time with seconds, as the provider writes it.
pub(crate) fn time(t: &DateTime) -> Option<String> {
    DateTime::from_secs(t.secs()).fmt(Format::DateTime).ok()
}

/// The ARNs of the policies attached to a role.
pub(crate) async fn attached(cx: &Aws, role: &str) -> Result<Arc<BTreeSet<String>>> {
    if let Some(Fact::Attached(arns)) = account::told(cx, Question::Attached(role.into())).await?.as_deref() {
        return Ok(arns.clone());
    }
    cx.cached(format!("iam:ListAttachedRolePolicies:{role}"), async {
        let pages = cx.iam().list_attached_role_policies().role_name(role).into_paginator().items().send();
        let found: Vec<_> = pages.collect::<Result<_, _>>().await.api()?;
        Ok(found.into_iter().filter_map(|p| p.policy_arn).collect())
    })
    .await
}

/// The names of a role's inline policies.
pub(crate) async fn inline_names(cx: &Aws, role: &str) -> Result<Arc<Vec<String>>> {
    cx.cached(format!("iam:ListRolePolicies:{role}"), async {
        let pages = cx.iam().list_role_policies().role_name(role).into_paginator().items().send();
        pages.collect::<Result<Vec<String>, _>>().await.api()
    })
    .await
}

/// One of a role's inline policies.
pub(crate) async fn inline_policy(cx: &Aws, role: &str, name: &str) -> Result<Arc<String>> {
    if let Some(Fact::Inline(policies)) = account::told(cx, Question::Inline(role.into())).await?.as_deref() {
        let missing = || Error::new(ErrorKind::NotFound, format!("the role {role} has no policy {name}"));
        return policies.get(name).cloned().ok_or_else(missing);
    }
    cx.cached(format!("iam:GetRolePolicy:{role}:{name}"), async {
        let found = cx.iam().get_role_policy().role_name(role).policy_name(name).send().await.api()?;
        Ok(crate::policy::decoded(&found.policy_document))
    })
    .await
}

/// A role's inline policies by name.
pub(crate) async fn inline_policies(cx: &Aws, role: &str) -> Result<BTreeMap<String, String>> {
    if let Some(Fact::Inline(policies)) = account::told(cx, Question::Inline(role.into())).await?.as_deref() {
        return Ok(policies.iter().map(|(name, text)| (name.clone(), text.to_string())).collect());
    }
    let mut found = BTreeMap::new();
    for name in inline_names(cx, role).await?.iter() {
        found.insert(name.clone(), inline_policy(cx, role, name).await?.to_string());
    }
    Ok(found)
}
