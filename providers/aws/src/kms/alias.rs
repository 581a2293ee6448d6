//! The name of a key. All names come with one call.

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_sdk_kms::types::AliasListEntry;
use secstack_base::Value;
use secstack_sdk::typed::{Ask, DataSource, Found, Resource, Schema};
use secstack_sdk::{Error, ErrorKind, Id, Result, Trace};

use crate::error::Answer;
use crate::iam::{name_of, prefix_of};
use crate::{Aws, made};

/// A name for a key.
#[derive(Clone, Debug, Schema)]
#[resource("aws_kms_alias", conflicts(name, name_prefix))]
pub struct Alias {
    /// The ARN of the name.
    #[attr(output)]
    pub arn: Option<String>,
    /// The name, which begins with `alias/`.
    #[attr(forces_new, computed, check = check_name)]
    pub name: Option<String>,
    /// The beginning of a name that is made up.
    #[attr(forces_new, computed, check = check_name)]
    pub name_prefix: Option<String>,
    /// The ARN of the key.
    #[attr(output)]
    pub target_key_arn: Option<String>,
    /// The ID or the ARN of the key.
    #[attr(same = same_key, told)]
    pub target_key_id: String,
}

impl Resource for Alias {
    type Cx = Aws;
    const DATED: bool = true;
    const BATCH: usize = 1000;

    async fn create(cx: &Aws, want: &Self, token: &str) -> Result<Id> {
        let name = want.name_for(token);
        cx.kms().create_alias().alias_name(&name).target_key_id(&want.target_key_id).send().await.api()?;
        Ok(Id(name.into()))
    }

    fn natural(want: &Self, token: &str) -> Option<String> {
        Some(want.name_for(token))
    }

    async fn find_made(cx: &Aws, trace: &Trace) -> Result<Option<Id>> {
        let name = made::name(trace)?;
        let found = aliases(cx).await?;
        Ok(found.get(name).and_then(|a| made::ours(trace, name, a.creation_date())))
    }

    async fn read(cx: &Aws, asks: &[Ask<Self>]) -> Result<Vec<Found<Self>>> {
        let all = aliases(cx).await?;
        let found = |ask: &Ask<Self>| {
            let a = all.get(&*ask.id.0)?;
            let target = a.target_key_id.clone().unwrap_or_default();
            let object = Self {
                arn: a.alias_arn.clone(),
                name: a.alias_name.clone(),
                name_prefix: prefix_of(a.alias_name()?),
                target_key_arn: Some(key_arn(a.alias_arn()?, &target)),
                target_key_id: target,
            };
            Some(Found::ready(ask.id.clone(), object))
        };
        Ok(asks.iter().filter_map(found).collect())
    }

    async fn update(cx: &Aws, id: &Id, _prior: &Self, want: &Self) -> Result<()> {
        cx.kms().update_alias().alias_name(&*id.0).target_key_id(&want.target_key_id).send().await.api()?;
        Ok(())
    }

    async fn delete(cx: &Aws, id: &Id, _prior: &Self) -> Result<()> {
        cx.kms().delete_alias().alias_name(&*id.0).send().await.api()?;
        Ok(())
    }
}

impl Alias {
    fn name_for(&self, token: &str) -> String {
        name_of(self.name.as_ref(), self.name_prefix.as_ref(), "alias/", token)
    }
}

async fn aliases(cx: &Aws) -> Result<Arc<BTreeMap<String, AliasListEntry>>> {
    cx.cached("kms:ListAliases", async {
        let found: Vec<_> = cx.kms().list_aliases().into_paginator().items().send().collect::<Result<_, _>>().await.api()?;
        Ok(found.into_iter().filter_map(|a| Some((a.alias_name.clone()?, a))).collect())
    })
    .await
}

fn check_name(v: &Value) -> Result<(), String> {
    let Some(s) = v.as_str() else { return Ok(()) };
    let plain = |c: char| c.is_ascii_alphanumeric() || "/_-".contains(c);
    match s.strip_prefix("alias/") {
        Some(rest) if rest.chars().all(plain) => Ok(()),
        _ => Err(format!("name must begin with 'alias/' and be comprised of only [a-zA-Z0-9/_-], got {s:?}")),
    }
}

/// The key's ID is the end of its ARN.
fn same_key(a: &Value, b: &Value) -> bool {
    let id = |v: &Value| v.as_str().map(|s| s.rsplit("key/").next().unwrap_or(s).to_string());
    id(a) == id(b)
}

/// The ARN of a key of the account and region of a name.
fn key_arn(alias_arn: &str, key: &str) -> String {
    let end = alias_arn.find(":alias/").unwrap_or(alias_arn.len());
    format!("{}:key/{key}", &alias_arn[..end])
}

/// A name of a key that exists.
#[derive(Clone, Debug, Schema)]
#[data("aws_kms_alias")]
pub struct AliasData {
    /// The ARN of the name.
    #[attr(output)]
    pub arn: Option<String>,
    /// The ARN of the name.
    #[attr(computed)]
    pub id: Option<String>,
    /// The name, which begins with `alias/`.
    #[attr(check = check_name)]
    pub name: String,
    /// The ARN of the key.
    #[attr(output)]
    pub target_key_arn: Option<String>,
    /// The ID of the key.
    #[attr(output)]
    pub target_key_id: Option<String>,
}

impl DataSource for AliasData {
    type Cx = Aws;

    async fn read(cx: &Aws, want: Self) -> Result<Self> {
        let all = aliases(cx).await?;
        let missing = || Error::new(ErrorKind::NotFound, format!("reading KMS Alias ({}): couldn't find resource", want.name));
        let a = all.get(&want.name).ok_or_else(missing)?;
        let arn = a.alias_arn.clone().unwrap_or_default();
        // A name of the service's own may have no key yet; describing it makes one.
        let key = cx.kms().describe_key().key_id(a.target_key_id().unwrap_or(&arn)).send().await.api()?.key_metadata;
        let (key_arn, key_id) = key.map_or((None, None), |k| (k.arn, Some(k.key_id)));
        Ok(Self { arn: Some(arn.clone()), id: Some(arn), name: want.name, target_key_arn: key_arn, target_key_id: key_id })
    }
}
