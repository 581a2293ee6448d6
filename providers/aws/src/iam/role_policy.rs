//! A policy that is part of a role. Its ID is the role's name and its own, with a colon between.

use secstack_base::schema::Draft;
use secstack_base::{Diags, Value};
use secstack_sdk::drift::Weakness;
use secstack_sdk::typed::{Ask, Found, Resource, Schema};
use secstack_sdk::{Error, ErrorKind, Id, Result, check};

use super::account::{self, Question};
use super::{inline_policy, name_of, prefix_of};
use crate::error::{Answer, Missing};
use crate::loader::each;
use crate::{Aws, policy};

/// A policy that is part of a role.
#[derive(Clone, Debug, Schema)]
#[resource("aws_iam_role_policy", conflicts(name, name_prefix))]
pub struct RolePolicy {
    /// The name of the policy.
    #[attr(forces_new, computed, check = check::length(0, 128))]
    pub name: Option<String>,
    /// The beginning of a name that is made up.
    #[attr(forces_new, computed, check = check::length(0, 102))]
    pub name_prefix: Option<String>,
    /// The policy, as JSON.
    #[attr(same = policy::same)]
    pub policy: String,
    /// The name of the role.
    #[attr(forces_new)]
    pub role: String,
}

impl Resource for RolePolicy {
    type Cx = Aws;
    const BATCH: usize = 1000;

    async fn create(cx: &Aws, want: &Self, token: &str) -> Result<Id> {
        let name = want.name_for(token);
        put(cx, &want.role, &name, &want.policy).await?;
        Ok(Id(format!("{}:{name}", want.role).into()))
    }

    fn natural(want: &Self, token: &str) -> Option<String> {
        Some(format!("{}:{}", want.role, want.name_for(token)))
    }

    async fn read(cx: &Aws, asks: &[Ask<Self>]) -> Result<Vec<Found<Self>>> {
        let roles = asks.iter().filter_map(|a| Some(parse(&a.id).ok()?.0));
        account::prepare(cx, roles.map(|r| Question::Inline(r.into()))).await;
        each(asks, |ask| async move {
            let (role, name) = parse(&ask.id)?;
            let Some(text) = inline_policy(cx, role, name).await.or_missing()? else { return Ok(None) };
            let object = Self {
                name: Some(name.into()),
                name_prefix: prefix_of(name),
                policy: policy::read_version_first(&text),
                role: role.into(),
            };
            Ok(Some(Found::ready(ask.id.clone(), object)))
        })
        .await
    }

    async fn update(cx: &Aws, id: &Id, _prior: &Self, want: &Self) -> Result<()> {
        let (role, name) = parse(id)?;
        put(cx, role, name, &want.policy).await
    }

    async fn delete(cx: &Aws, id: &Id, _prior: &Self) -> Result<()> {
        let (role, name) = parse(id)?;
        cx.iam().delete_role_policy().role_name(role).policy_name(name).send().await.api()?;
        Ok(())
    }

    fn plan(draft: &mut Draft) -> Diags {
        if let Some(text) = draft.planned.get_str("policy").and_then(policy::normalize_version_first) {
            draft.planned = draft.planned.with("policy", Value::string(&text));
        }
        Diags::new()
    }

    fn weakened(was: &Self, now: Option<&Self>) -> Vec<Weakness> {
        policy::widened("policy", &was.policy, now.map_or("", |now| &now.policy))
    }
}

impl RolePolicy {
    fn name_for(&self, token: &str) -> String {
        name_of(self.name.as_ref(), self.name_prefix.as_ref(), "terraform-", token)
    }
}

async fn put(cx: &Aws, role: &str, name: &str, text: &str) -> Result<()> {
    cx.iam().put_role_policy().role_name(role).policy_name(name).policy_document(text).send().await.api()?;
    Ok(())
}

fn parse(id: &Id) -> Result<(&str, &str)> {
    let wrong = || Error::new(ErrorKind::Invalid, format!("role_policy id must be of the form <role name>:<role policy name>, got {id}"));
    id.0.split_once(':').ok_or_else(wrong)
}
