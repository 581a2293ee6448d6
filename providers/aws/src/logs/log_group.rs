//! A log group. Its tags come by a call of their own.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_cloudwatchlogs::types::{self, LogGroupClass};
use secstack_base::{Number, Value};
use secstack_sdk::drift::{Severity, Weakness};
use secstack_sdk::typed::{Ask, Found, Resource, Schema, Tags};
use secstack_sdk::{Id, Result, Trace, Wait, check};

use crate::error::{Answer, Missing};
use crate::iam::{name_of, prefix_of};
use crate::{Aws, made, tags};

/// A group of log streams that are kept alike.
#[derive(Clone, Debug, Schema)]
#[resource("aws_cloudwatch_log_group", conflicts(name, name_prefix))]
pub struct LogGroup {
    /// The ARN of the group.
    #[attr(output)]
    pub arn: Option<String>,
    /// The key that encrypts the logs.
    #[attr(check = check::arn)]
    pub kms_key_id: Option<String>,
    /// The class of the group.
    #[attr(forces_new, computed, check = check::one_of(["STANDARD", "INFREQUENT_ACCESS", "DELIVERY"]))]
    pub log_group_class: Option<String>,
    /// The name of the group.
    #[attr(forces_new, computed, check = check::length(0, 512))]
    pub name: Option<String>,
    /// The beginning of a name that is made up.
    #[attr(forces_new, computed, check = check::length(0, 486))]
    pub name_prefix: Option<String>,
    /// How long logs are kept; 0 is for ever.
    #[attr(default = 0, check = retention)]
    pub retention_in_days: i64,
    /// Whether the group stays when it leaves the configuration.
    #[attr(default = false, local)]
    pub skip_destroy: bool,
    /// Tags of the group.
    #[attr(tags)]
    pub tags: Tags,
}

/// The retentions that the service knows.
const RETENTIONS: [i64; 23] = [0, 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653];

fn retention(v: &Value) -> Result<(), String> {
    let days = v.as_number().and_then(Number::to_i64);
    if days.is_none_or(|d| RETENTIONS.contains(&d)) {
        return Ok(());
    }
    Err(format!("expected one of {RETENTIONS:?}, got {}", days.unwrap_or_default()))
}

impl Resource for LogGroup {
    type Cx = Aws;
    const DATED: bool = true;
    // A group that is deleted is gone at once; one that `skip_destroy` spares stays.
    const WAIT: Wait = Wait { delete: Duration::ZERO, ..Wait::DEFAULT };

    async fn create(cx: &Aws, want: &Self, token: &str) -> Result<Id> {
        let name = want.name_for(token);
        let call = cx
            .logs()
            .create_log_group()
            .log_group_name(&name)
            .set_kms_key_id(want.kms_key_id.clone().filter(|k| !k.is_empty()))
            .set_log_group_class(want.log_group_class.as_deref().filter(|c| !c.is_empty()).map(LogGroupClass::from))
            .set_tags(Some(to_map(&want.tags)).filter(|t| !t.is_empty()));
        call.send().await.api()?;
        Ok(Id(name.into()))
    }

    fn natural(want: &Self, token: &str) -> Option<String> {
        Some(want.name_for(token))
    }

    async fn find_made(cx: &Aws, trace: &Trace) -> Result<Option<Id>> {
        let name = made::name(trace)?;
        let found = find(cx, name).await.or_missing()?.flatten();
        let found = found.filter(|g| made::is_ours(trace, g.creation_time.map(|ms| ms / 1000)));
        Ok(found.map(|_| Id(name.into())))
    }

    async fn finish(cx: &Aws, id: &Id, want: &Self) -> Result<()> {
        if want.retention_in_days == 0 {
            return Ok(());
        }
        retain(cx, &id.0, want.retention_in_days).await
    }

    async fn read(cx: &Aws, asks: &[Ask<Self>]) -> Result<Vec<Found<Self>>> {
        let mut found = Vec::new();
        for ask in asks {
            let Some(group) = find(cx, &ask.id.0).await.or_missing()?.flatten() else { continue };
            let arn = group.arn.as_deref().unwrap_or_default().trim_end_matches(":*").to_string();
            let tags = cx.logs().list_tags_for_resource().resource_arn(&arn).send().await.api()?.tags;
            let name = group.log_group_name.unwrap_or_default();
            let object = Self {
                arn: Some(arn),
                kms_key_id: Some(group.kms_key_id.unwrap_or_default()),
                log_group_class: Some(group.log_group_class.map(|c| c.as_str().to_string()).unwrap_or_default()),
                name_prefix: prefix_of(&name),
                name: Some(name),
                retention_in_days: group.retention_in_days.unwrap_or_default().into(),
                skip_destroy: false,
                tags: tags.unwrap_or_default().into_iter().collect(),
            };
            found.push(Found::ready(ask.id.clone(), object));
        }
        Ok(found)
    }

    async fn update(cx: &Aws, id: &Id, prior: &Self, want: &Self) -> Result<()> {
        let (logs, name) = (cx.logs(), &*id.0);
        if prior.retention_in_days != want.retention_in_days {
            match want.retention_in_days {
                0 => drop(logs.delete_retention_policy().log_group_name(name).send().await.api()?),
                days => retain(cx, name, days).await?,
            }
        }
        if prior.kms_key_id.as_deref().unwrap_or_default() != want.kms_key_id.as_deref().unwrap_or_default() {
            match want.kms_key_id.as_deref().filter(|k| !k.is_empty()) {
                Some(key) => drop(logs.associate_kms_key().log_group_name(name).kms_key_id(key).send().await.api()?),
                None => drop(logs.disassociate_kms_key().log_group_name(name).send().await.api()?),
            }
        }
        let arn = prior.arn.clone().unwrap_or_default();
        let (set, remove) = tags::changes(&prior.tags, &want.tags);
        if !remove.is_empty() {
            logs.untag_resource().resource_arn(&arn).set_tag_keys(Some(remove)).send().await.api()?;
        }
        if !set.is_empty() {
            logs.tag_resource().resource_arn(&arn).set_tags(Some(to_map(&set))).send().await.api()?;
        }
        Ok(())
    }

    async fn delete(cx: &Aws, id: &Id, prior: &Self) -> Result<()> {
        if !prior.skip_destroy {
            cx.logs().delete_log_group().log_group_name(&*id.0).send().await.api()?;
        }
        Ok(())
    }

    fn weakened(was: &Self, now: Option<&Self>) -> Vec<Weakness> {
        let Some(now) = now else {
            return vec![Weakness::new(Severity::High, "", "the logs are gone, and nothing is logged here any more")];
        };
        // 0 is for ever.
        let kept = |days: i64| if days == 0 { i64::MAX } else { days };
        let shorter = kept(now.retention_in_days) < kept(was.retention_in_days);
        let bare = was.kms_key_id.is_some() && now.kms_key_id.is_none();
        let found = [
            Weakness::when(bare, Severity::High, "kms_key_id", "the logs are not encrypted with the key any more"),
            Weakness::when(shorter, Severity::Medium, "retention_in_days", "logs are deleted earlier"),
        ];
        found.into_iter().flatten().collect()
    }
}

impl LogGroup {
    fn name_for(&self, token: &str) -> String {
        name_of(self.name.as_ref(), self.name_prefix.as_ref(), "terraform-", token)
    }
}

async fn find(cx: &Aws, name: &str) -> Result<Option<types::LogGroup>> {
    let mut pages = cx.logs().describe_log_groups().log_group_name_prefix(name).into_paginator().send();
    while let Some(page) = pages.next().await {
        let groups = page.api()?.log_groups.unwrap_or_default();
        let found = groups.into_iter().find(|g| g.log_group_name.as_deref() == Some(name));
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

async fn retain(cx: &Aws, name: &str, days: i64) -> Result<()> {
    let days = i32::try_from(days).unwrap_or(i32::MAX);
    cx.logs().put_retention_policy().log_group_name(name).retention_in_days(days).send().await.api()?;
    Ok(())
}

fn to_map(tags: &Tags) -> HashMap<String, String> {
    tags.iter().map(|(k, v)| (k.clone(), v.clone())).collect()
}
