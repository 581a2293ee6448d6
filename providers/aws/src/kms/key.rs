//! A key. Deleting one only marks it: the service keeps it for a week at least.

use std::time::Duration;

use aws_sdk_kms::types::{KeyListEntry, KeyManagerType, KeyMetadata, KeySpec, KeyState, KeyUsageType, Tag};
use futures::{StreamExt, TryStreamExt};
use secstack_base::Diags;
use secstack_base::schema::Draft;
use secstack_sdk::drift::{Severity, Weakness};
use secstack_sdk::typed::{Ask, Found, Resource, Schema, Tags};
use secstack_sdk::{Error, ErrorKind, Id, Result, Trace, Wait, check};

use crate::error::{Answer, Missing};
use crate::{Aws, made, policy, tags};

/// How many keys are looked at at once.
const AT_ONCE: usize = 8;

/// A key that encrypts or signs without leaving the service.
#[derive(Clone, Debug, Schema)]
#[resource("aws_kms_key", timeouts(create))]
pub struct Key {
    /// The ARN of the key.
    #[attr(output)]
    pub arn: Option<String>,
    /// Whether a policy may lock everyone out.
    #[attr(default = false, local, unset_by_import)]
    pub bypass_policy_lockout_safety_check: bool,
    /// The key store outside of the service that holds the key.
    #[attr(forces_new, check = check::length(1, 64))]
    pub custom_key_store_id: Option<String>,
    /// The kind of key.
    #[attr(forces_new, default = "SYMMETRIC_DEFAULT", check = check::one_of([
        "RSA_2048", "RSA_3072", "RSA_4096", "ECC_NIST_P256", "ECC_NIST_P384", "ECC_NIST_P521", "ECC_SECG_P256K1",
        "SYMMETRIC_DEFAULT", "HMAC_224", "HMAC_256", "HMAC_384", "HMAC_512", "SM2",
    ]))]
    pub customer_master_key_spec: String,
    /// How long the key is kept after it is deleted.
    #[attr(local, check = check::between(7, 30))]
    pub deletion_window_in_days: Option<i64>,
    /// What the key is for.
    #[attr(computed, check = check::length(0, 8192))]
    pub description: Option<String>,
    /// Whether the key is replaced regularly.
    #[attr(default = false)]
    pub enable_key_rotation: bool,
    /// Whether the key can be used.
    #[attr(default = true)]
    pub is_enabled: bool,
    /// The ID of the key.
    #[attr(output)]
    pub key_id: Option<String>,
    /// What the key may be used for.
    #[attr(forces_new, default = "ENCRYPT_DECRYPT", check = check::one_of([
        "SIGN_VERIFY", "ENCRYPT_DECRYPT", "GENERATE_VERIFY_MAC", "KEY_AGREEMENT",
    ]))]
    pub key_usage: String,
    /// Whether the key can be replicated to other regions.
    #[attr(forces_new, computed)]
    pub multi_region: Option<bool>,
    /// Who may do what with the key, as JSON.
    #[attr(computed, same = policy::same)]
    pub policy: Option<String>,
    /// How often the key is replaced.
    #[attr(computed, check = check::between(90, 2560))]
    pub rotation_period_in_days: Option<i64>,
    /// The ID of the key in the key store outside.
    #[attr(forces_new, check = check::length(1, 64))]
    pub xks_key_id: Option<String>,
    /// Tags of the key.
    #[attr(tags)]
    pub tags: Tags,
}

impl Resource for Key {
    type Cx = Aws;
    const WAIT: Wait = Wait { every: Duration::from_secs(1), create: Duration::from_secs(120), ..Wait::DEFAULT };
    const LEAVES_TOKEN: bool = true;

    async fn create(cx: &Aws, want: &Self, token: &str) -> Result<Id> {
        let given = |t: &Option<String>| t.clone().filter(|t| !t.is_empty());
        let made = cx
            .kms()
            .create_key()
            .bypass_policy_lockout_safety_check(want.bypass_policy_lockout_safety_check)
            .key_spec(KeySpec::from(&*want.customer_master_key_spec))
            .key_usage(KeyUsageType::from(&*want.key_usage))
            .set_custom_key_store_id(given(&want.custom_key_store_id))
            .set_description(given(&want.description))
            .set_multi_region(want.multi_region.filter(|m| *m))
            .set_policy(given(&want.policy))
            .set_xks_key_id(given(&want.xks_key_id))
            .set_tags(Some(to_tags(&made::marked(&want.tags, token))?).filter(|t| !t.is_empty()))
            .send()
            .await
            .api()?;
        Id::of(made.key_metadata.map(|m| m.key_id))
    }

    async fn find_made(cx: &Aws, trace: &Trace) -> Result<Option<Id>> {
        let all: Vec<KeyListEntry> = cx.kms().list_keys().into_paginator().items().send().collect::<Result<_, _>>().await.api()?;
        let ids = all.into_iter().filter_map(|k| k.key_id);
        let looks = futures::stream::iter(ids).map(|id| async move { Ok::<_, Error>(is_marked(cx, &id, trace).await?.then_some(id)) });
        let found: Vec<Option<String>> = looks.buffer_unordered(AT_ONCE).try_collect().await?;
        Ok(found.into_iter().flatten().next().map(|id| Id(id.into())))
    }

    async fn finish(cx: &Aws, id: &Id, want: &Self) -> Result<()> {
        if want.enable_key_rotation {
            rotate(cx, id, want).await?;
        }
        if !want.is_enabled {
            cx.kms().disable_key().key_id(&*id.0).send().await.api()?;
        }
        Ok(())
    }

    async fn read(cx: &Aws, asks: &[Ask<Self>]) -> Result<Vec<Found<Self>>> {
        let mut found = Vec::new();
        for ask in asks {
            found.extend(find(cx, &ask.id).await.or_missing()?.flatten().map(|k| Found::ready(ask.id.clone(), k)));
        }
        Ok(found)
    }

    async fn update(cx: &Aws, id: &Id, prior: &Self, want: &Self) -> Result<()> {
        let (kms, key) = (cx.kms(), &*id.0);
        // A disabled key takes no other change.
        if want.is_enabled && !prior.is_enabled {
            kms.enable_key().key_id(key).send().await.api()?;
        }
        let rotation = |k: &Self| (k.enable_key_rotation, k.rotation_period_in_days.filter(|d| *d > 0));
        if rotation(prior) != rotation(want) {
            match want.enable_key_rotation {
                true => rotate(cx, id, want).await?,
                false if prior.enable_key_rotation => drop(kms.disable_key_rotation().key_id(key).send().await.api()?),
                false => {}
            }
        }
        if prior.description != want.description {
            let text = want.description.clone().unwrap_or_default();
            kms.update_key_description().key_id(key).description(text).send().await.api()?;
        }
        let text = |k: &Self| k.policy.clone().unwrap_or_default();
        if !text(want).is_empty() && !policy::equivalent(&text(prior), &text(want)) {
            let call = kms.put_key_policy().key_id(key).policy_name("default").policy(text(want));
            call.bypass_policy_lockout_safety_check(want.bypass_policy_lockout_safety_check).send().await.api()?;
        }
        let (set, remove) = tags::changes(&prior.tags, &want.tags);
        if !remove.is_empty() {
            kms.untag_resource().key_id(key).set_tag_keys(Some(remove)).send().await.api()?;
        }
        if !set.is_empty() {
            kms.tag_resource().key_id(key).set_tags(Some(to_tags(&set)?)).send().await.api()?;
        }
        if prior.is_enabled && !want.is_enabled {
            kms.disable_key().key_id(key).send().await.api()?;
        }
        Ok(())
    }

    async fn delete(cx: &Aws, id: &Id, prior: &Self) -> Result<()> {
        let window = prior.deletion_window_in_days.filter(|d| *d > 0).and_then(|d| i32::try_from(d).ok());
        let call = cx.kms().schedule_key_deletion().key_id(&*id.0).set_pending_window_in_days(window);
        match call.send().await.api() {
            Err(e) if e.message.contains("is pending deletion") => Ok(()),
            other => other.map(drop),
        }
    }

    fn plan(draft: &mut Draft) -> Diags {
        policy::plan_normalized(draft, "policy");
        Diags::new()
    }

    fn weakened(was: &Self, now: Option<&Self>) -> Vec<Weakness> {
        let Some(now) = now else {
            return vec![Weakness::new(Severity::High, "", "what the key encrypted cannot be read when the key is gone for good")];
        };
        let was_policy = was.policy.as_deref().unwrap_or_default();
        let mut found = policy::widened("policy", was_policy, now.policy.as_deref().unwrap_or_default());
        found.extend(Weakness::when(was.is_enabled && !now.is_enabled, Severity::High, "is_enabled", "the key is disabled"));
        let stale = was.enable_key_rotation && !now.enable_key_rotation;
        found.extend(Weakness::when(stale, Severity::Medium, "enable_key_rotation", "the key is not rotated any more"));
        found
    }
}

/// Whether a key has the tag of a creation. Keys of others may be hidden from the caller.
async fn is_marked(cx: &Aws, id: &str, trace: &Trace) -> Result<bool> {
    let visible = |e: &Error| !matches!(e.kind, ErrorKind::NotFound | ErrorKind::Denied);
    let key = match cx.kms().describe_key().key_id(id).send().await.api() {
        Ok(answer) => answer.key_metadata,
        Err(e) if visible(&e) => return Err(e),
        Err(_) => return Ok(false),
    };
    let recent = key.as_ref().and_then(KeyMetadata::creation_date).is_some_and(|c| made::is_recent(trace, c.secs()));
    if !recent || key.is_none_or(|k| k.key_manager == Some(KeyManagerType::Aws) || is_deleted(&k)) {
        return Ok(false);
    }
    match cx.kms().list_resource_tags().key_id(id).into_paginator().items().send().collect::<Result<Vec<_>, _>>().await.api() {
        Ok(tags) => Ok(tags.iter().any(|t| t.tag_key == made::INTENT && t.tag_value == *trace.token)),
        Err(e) if visible(&e) => Err(e),
        Err(_) => Ok(false),
    }
}

/// Takes the tag of its creation from a key. One that is deleted does not matter.
pub(crate) async fn unmark(cx: &Aws, id: &Id) -> Result<()> {
    match cx.kms().untag_resource().key_id(&*id.0).tag_keys(made::INTENT).send().await.api().or_missing() {
        Err(e) if e.message.contains("is pending deletion") => Ok(()),
        other => other.map(drop),
    }
}

fn is_deleted(key: &KeyMetadata) -> bool {
    matches!(key.key_state, Some(KeyState::PendingDeletion | KeyState::PendingReplicaDeletion))
}

async fn rotate(cx: &Aws, id: &Id, want: &Key) -> Result<()> {
    let period = want.rotation_period_in_days.filter(|d| *d > 0).and_then(|d| i32::try_from(d).ok());
    cx.kms().enable_key_rotation().key_id(&*id.0).set_rotation_period_in_days(period).send().await.api()?;
    Ok(())
}

async fn find(cx: &Aws, id: &Id) -> Result<Option<Key>> {
    let (kms, key) = (cx.kms(), &*id.0);
    let Some(m) = kms.describe_key().key_id(key).send().await.api()?.key_metadata else { return Ok(None) };
    if is_deleted(&m) {
        return Ok(None);
    }
    let text = async { kms.get_key_policy().key_id(key).policy_name("default").send().await.api() };
    let tags = kms.list_resource_tags().key_id(key).into_paginator().items().send().collect::<Result<Vec<_>, _>>();
    let (text, rotation, tags) = futures::join!(text, rotation(cx, &m), tags);
    let (rotates, period) = rotation?;
    let text = text?.policy.unwrap_or_default();
    Ok(Some(Key {
        arn: m.arn,
        bypass_policy_lockout_safety_check: false,
        custom_key_store_id: Some(m.custom_key_store_id.unwrap_or_default()),
        customer_master_key_spec: m.key_spec.map(|s| s.as_str().to_string()).unwrap_or_default(),
        deletion_window_in_days: None,
        description: Some(m.description.unwrap_or_default()),
        enable_key_rotation: rotates,
        is_enabled: m.enabled,
        key_id: Some(m.key_id),
        key_usage: m.key_usage.map(|u| u.as_str().to_string()).unwrap_or_default(),
        multi_region: Some(m.multi_region.unwrap_or_default()),
        policy: Some(policy::read(&text)),
        rotation_period_in_days: Some(period),
        xks_key_id: Some(m.xks_key_configuration.and_then(|x| x.id).unwrap_or_default()),
        tags: tags.api()?.into_iter().map(|t| (t.tag_key, t.tag_value)).collect(),
    }))
}

/// Whether the key is replaced, and how often. Kinds of keys that cannot be answer with an error.
async fn rotation(cx: &Aws, key: &KeyMetadata) -> Result<(bool, i64)> {
    let outside = key.origin.as_ref().is_some_and(|o| o.as_str() != "AWS_KMS");
    if outside || key.key_spec.as_ref().is_some_and(|s| *s != KeySpec::SymmetricDefault) {
        return Ok((false, 0));
    }
    match cx.kms().get_key_rotation_status().key_id(&key.key_id).send().await.api() {
        Ok(r) => Ok((r.key_rotation_enabled, r.rotation_period_in_days.unwrap_or_default().into())),
        Err(e) if e.kind == ErrorKind::NotFound => Err(e),
        Err(e) if e.message.contains("UnsupportedOperationException") => Ok((false, 0)),
        Err(e) => Err(e),
    }
}

fn to_tags(tags: &Tags) -> Result<Vec<Tag>> {
    let tag = |(k, v): (&String, &String)| Tag::builder().tag_key(k).tag_value(v).build();
    tags.iter().map(tag).collect::<Result<_, _>>().map_err(|e| Error::other(e.to_string()))
}
