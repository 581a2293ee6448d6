//! The inline policies that a role's own block lists.

use std::collections::{BTreeMap, BTreeSet};

use secstack_base::Value;
use secstack_base::schema::Draft;
use secstack_sdk::typed::Block;
use secstack_sdk::{Result, check};

use crate::error::{Answer, Missing};
use crate::{Aws, policy};

/// A policy that is part of a role.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Block)]
pub struct InlinePolicy {
    /// The name of the policy.
    #[attr(check = check::length(0, 128))]
    pub name: Option<String>,
    /// The policy, as JSON.
    #[attr(same = policy::same)]
    pub policy: Option<String>,
}

/// Policies by name. A block without a name only says that there are no others.
pub fn by_name(blocks: &BTreeSet<InlinePolicy>) -> BTreeMap<String, String> {
    let named = |b: &InlinePolicy| Some((b.name.clone().filter(|n| !n.is_empty())?, b.policy.clone().unwrap_or_default()));
    blocks.iter().filter_map(named).collect()
}

/// What the role has, in the words of `prior` where they mean the same.
pub fn read(found: BTreeMap<String, String>, prior: Option<&BTreeSet<InlinePolicy>>) -> BTreeSet<InlinePolicy> {
    let blocks = |p: &BTreeMap<String, String>| {
        let block = |(n, p): (&String, &String)| InlinePolicy { name: Some(n.clone()), policy: Some(policy::read_version_first(p)) };
        p.iter().map(block).collect()
    };
    match prior {
        Some(prior) if equivalent(&by_name(prior), &found) && !prior.is_empty() => prior.clone(),
        _ => blocks(&found),
    }
}

/// Changes the policies of a role.
///
/// # Errors
/// When a policy is refused.
pub async fn put(cx: &Aws, role: &str, prior: &BTreeMap<String, String>, want: &BTreeMap<String, String>) -> Result<()> {
    for name in prior.keys().filter(|n| !want.contains_key(*n)) {
        cx.iam().delete_role_policy().role_name(role).policy_name(name).send().await.api().or_missing()?;
    }
    for (name, text) in want {
        if prior.get(name).is_none_or(|old| !policy::equivalent(old, text)) {
            let call = cx.iam().put_role_policy().role_name(role).policy_name(name).policy_document(text);
            call.send().await.api()?;
        }
    }
    Ok(())
}

/// Plans policies as they are kept, and the prior ones where the planned ones mean the same.
pub fn plan(draft: &mut Draft) {
    if let Some(planned) = draft.planned.get("inline_policy").filter(|v| v.as_slice().is_some_and(|s| !s.is_empty())) {
        let kept = |v: &Value| match v.get_str("policy").and_then(policy::normalize_version_first) {
            Some(text) => v.with("policy", Value::string(&text)),
            None => v.clone(),
        };
        let kept = planned.map_parts(|_, v| kept(v));
        draft.planned = draft.planned.with("inline_policy", kept);
    }
    let Some(prior) = draft.prior.as_ref().and_then(|p| p.get("inline_policy")) else { return };
    let Some(planned) = draft.planned.get("inline_policy").filter(|v| v.is_wholly_known()) else { return };
    let texts = |v: &Value| {
        let pair = |v: &Value| Some((v.get_str("name")?.to_string(), v.get_str("policy")?.to_string()));
        v.as_slice().unwrap_or_default().iter().filter_map(pair).collect::<BTreeMap<_, _>>()
    };
    if equivalent(&texts(prior), &texts(planned)) {
        draft.planned = draft.planned.with("inline_policy", prior.clone());
    }
}

fn equivalent(a: &BTreeMap<String, String>, b: &BTreeMap<String, String>) -> bool {
    a.len() == b.len() && a.iter().all(|(n, p)| b.get(n).is_some_and(|q| policy::equivalent(p, q)))
}
