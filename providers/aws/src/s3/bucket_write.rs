//! Changes of a bucket: one call for each part that differs.

use aws_sdk_s3::types;
use secstack_sdk::typed::Tags;
use secstack_sdk::{Error, Result};

use super::blocks::{CorsRule, Encryption, Grant, Logging, ObjectLock, VersioningBlock, Website};
use super::bucket::Bucket;
use super::server_side_encryption::{Rule, to_remote};
use super::{given, incomplete, int, lifecycle};
use crate::error::{Answer, Missing};
use crate::{Aws, policy, tags};

/// Brings a bucket from `prior` to `want`.
///
/// # Errors
/// When a part is refused; those before it are changed then.
pub async fn change(cx: &Aws, bucket: &str, prior: &Bucket, want: &Bucket) -> Result<()> {
    let s3 = cx.s3();
    let text = |t: &Option<String>| t.clone().unwrap_or_default();
    retag(cx, bucket, &prior.tags, &want.tags).await?;
    if !policy::equivalent(&text(&prior.policy), &text(&want.policy)) {
        match given(&want.policy) {
            Some(p) => drop(s3.put_bucket_policy().bucket(bucket).policy(p).send().await.api()?),
            None => drop(s3.delete_bucket_policy().bucket(bucket).send().await.api()?),
        }
    }
    if prior.cors_rule != want.cors_rule {
        cors(cx, bucket, &want.cors_rule).await?;
    }
    if prior.website != want.website {
        website(cx, bucket, want.website.as_ref()).await?;
    }
    let kept = |b: &Bucket| b.versioning.clone().unwrap_or(VersioningBlock { enabled: false, mfa_delete: false });
    if kept(prior) != kept(want) {
        versioning(cx, bucket, &kept(want)).await?;
    }
    if let Some(acl) = given(&want.acl).filter(|_| text(&prior.acl) != text(&want.acl)) {
        let acl = types::BucketCannedAcl::from(&*acl);
        s3.put_bucket_acl().bucket(bucket).acl(acl).send().await.api()?;
    }
    if prior.grant != want.grant && !want.grant.is_empty() {
        grants(cx, bucket, &want.grant).await?;
    }
    if prior.logging != want.logging {
        logging(cx, bucket, want.logging.as_ref()).await?;
    }
    if prior.lifecycle_rule != want.lifecycle_rule {
        lifecycle_rules(cx, bucket, want).await?;
    }
    if let Some(status) = given(&want.acceleration_status).filter(|_| prior.acceleration_status != want.acceleration_status) {
        let status = types::BucketAccelerateStatus::from(&*status);
        let configuration = types::AccelerateConfiguration::builder().status(status).build();
        let call = s3.put_bucket_accelerate_configuration().bucket(bucket).accelerate_configuration(configuration);
        call.send().await.api()?;
    }
    if let Some(payer) = given(&want.request_payer).filter(|_| prior.request_payer != want.request_payer) {
        let configuration = types::RequestPaymentConfiguration::builder().payer(types::Payer::from(&*payer)).build();
        let call = s3.put_bucket_request_payment().bucket(bucket);
        call.request_payment_configuration(configuration.map_err(incomplete)?).send().await.api()?;
    }
    if prior.server_side_encryption_configuration != want.server_side_encryption_configuration {
        encryption(cx, bucket, want.server_side_encryption_configuration.as_ref()).await?;
    }
    match (&prior.object_lock_configuration, &want.object_lock_configuration) {
        (old, Some(new)) if old.as_ref().and_then(|o| o.rule.as_ref()) != new.rule.as_ref() => object_lock(cx, bucket, new).await,
        _ => Ok(()),
    }
}

/// Tags are replaced as a whole, so those that are overlooked must be given back.
async fn retag(cx: &Aws, bucket: &str, prior: &Tags, want: &Tags) -> Result<()> {
    let (set, remove) = tags::changes(prior, want);
    if set.is_empty() && remove.is_empty() {
        return Ok(());
    }
    let there = cx.s3().get_bucket_tagging().bucket(bucket).send().await.api().or_missing()?;
    let overlooked = |key: &str| key.starts_with("aws:") || cx.tag_rules().ignores(key);
    let mut all: Tags = there.map(|t| t.tag_set).unwrap_or_default().into_iter().map(|t| (t.key, t.value)).collect();
    all.retain(|k, _| overlooked(k));
    all.extend(want.clone());
    if all.is_empty() {
        cx.s3().delete_bucket_tagging().bucket(bucket).send().await.api()?;
        return Ok(());
    }
    let tagging = types::Tagging::builder().set_tag_set(Some(lifecycle::to_tags(&all)?)).build().map_err(incomplete)?;
    cx.s3().put_bucket_tagging().bucket(bucket).tagging(tagging).send().await.api()?;
    Ok(())
}

async fn cors(cx: &Aws, bucket: &str, rules: &[CorsRule]) -> Result<()> {
    if rules.is_empty() {
        cx.s3().delete_bucket_cors().bucket(bucket).send().await.api()?;
        return Ok(());
    }
    let some = |l: &Vec<String>| Some(l.clone()).filter(|l| !l.is_empty());
    let rule = |r: &CorsRule| {
        types::CorsRule::builder()
            .set_allowed_headers(some(&r.allowed_headers))
            .set_allowed_methods(Some(r.allowed_methods.clone()))
            .set_allowed_origins(Some(r.allowed_origins.clone()))
            .set_expose_headers(some(&r.expose_headers))
            .set_max_age_seconds(r.max_age_seconds.map(int))
            .build()
            .map_err(incomplete)
    };
    let rules = rules.iter().map(rule).collect::<Result<Vec<_>>>()?;
    let configuration = types::CorsConfiguration::builder().set_cors_rules(Some(rules)).build().map_err(incomplete)?;
    cx.s3().put_bucket_cors().bucket(bucket).cors_configuration(configuration).send().await.api()?;
    Ok(())
}

async fn website(cx: &Aws, bucket: &str, want: Option<&Website>) -> Result<()> {
    let Some(w) = want else {
        cx.s3().delete_bucket_website().bucket(bucket).send().await.api()?;
        return Ok(());
    };
    let mut site = types::WebsiteConfiguration::builder();
    if let Some(page) = given(&w.index_document) {
        site = site.index_document(types::IndexDocument::builder().suffix(page).build().map_err(incomplete)?);
    }
    if let Some(page) = given(&w.error_document) {
        site = site.error_document(types::ErrorDocument::builder().key(page).build().map_err(incomplete)?);
    }
    if let Some(to) = given(&w.redirect_all_requests_to) {
        let (protocol, host) = to.split_once("://").map_or((None, &*to), |(p, h)| (Some(types::Protocol::from(p)), h));
        let redirect = types::RedirectAllRequestsTo::builder().host_name(host).set_protocol(protocol);
        site = site.redirect_all_requests_to(redirect.build().map_err(incomplete)?);
    }
    cx.s3().put_bucket_website().bucket(bucket).website_configuration(site.build()).send().await.api()?;
    Ok(())
}

async fn versioning(cx: &Aws, bucket: &str, want: &VersioningBlock) -> Result<()> {
    let status = if want.enabled { types::BucketVersioningStatus::Enabled } else { types::BucketVersioningStatus::Suspended };
    let mut configuration = types::VersioningConfiguration::builder().status(status);
    if want.mfa_delete {
        configuration = configuration.mfa_delete(types::MfaDelete::Enabled);
    }
    let call = cx.s3().put_bucket_versioning().bucket(bucket).versioning_configuration(configuration.build());
    call.send().await.api()?;
    Ok(())
}

async fn grants(cx: &Aws, bucket: &str, want: &std::collections::BTreeSet<Grant>) -> Result<()> {
    let owner = cx.s3().get_bucket_acl().bucket(bucket).send().await.api()?.owner;
    let mut all = Vec::new();
    for g in want {
        let who = types::Grantee::builder().set_id(given(&g.id)).set_uri(given(&g.uri)).r#type(types::Type::from(&*g.r#type));
        let who = who.build().map_err(incomplete)?;
        let grant = |p: &String| types::Grant::builder().grantee(who.clone()).permission(types::Permission::from(&**p)).build();
        all.extend(g.permissions.iter().map(grant));
    }
    let list = types::AccessControlPolicy::builder().set_owner(owner).set_grants(Some(all)).build();
    cx.s3().put_bucket_acl().bucket(bucket).access_control_policy(list).send().await.api()?;
    Ok(())
}

async fn logging(cx: &Aws, bucket: &str, want: Option<&Logging>) -> Result<()> {
    let enabled = match want {
        Some(l) => {
            let prefix = l.target_prefix.clone().unwrap_or_default();
            let builder = types::LoggingEnabled::builder().target_bucket(&l.target_bucket).target_prefix(prefix);
            Some(builder.build().map_err(incomplete)?)
        }
        None => None,
    };
    let status = types::BucketLoggingStatus::builder().set_logging_enabled(enabled).build();
    cx.s3().put_bucket_logging().bucket(bucket).bucket_logging_status(status).send().await.api()?;
    Ok(())
}

async fn lifecycle_rules(cx: &Aws, bucket: &str, want: &Bucket) -> Result<()> {
    if want.lifecycle_rule.is_empty() {
        cx.s3().delete_bucket_lifecycle().bucket(bucket).send().await.api()?;
        return Ok(());
    }
    let rules = want.lifecycle_rule.iter().map(lifecycle::to_remote).collect::<Result<Vec<_>>>()?;
    let rules = types::BucketLifecycleConfiguration::builder().set_rules(Some(rules)).build().map_err(incomplete)?;
    cx.s3().put_bucket_lifecycle_configuration().bucket(bucket).lifecycle_configuration(rules).send().await.api()?;
    Ok(())
}

async fn encryption(cx: &Aws, bucket: &str, want: Option<&Encryption>) -> Result<()> {
    let Some(rule) = want.and_then(|e| e.rule.as_ref()) else {
        cx.s3().delete_bucket_encryption().bucket(bucket).send().await.api()?;
        return Ok(());
    };
    let rule = to_remote(&Rule {
        bucket_key_enabled: rule.bucket_key_enabled,
        apply_server_side_encryption_by_default: rule.apply_server_side_encryption_by_default.clone(),
    })?;
    let configuration = types::ServerSideEncryptionConfiguration::builder().rules(rule).build().map_err(incomplete)?;
    let call = cx.s3().put_bucket_encryption().bucket(bucket);
    call.server_side_encryption_configuration(configuration).send().await.api()?;
    Ok(())
}

async fn object_lock(cx: &Aws, bucket: &str, want: &ObjectLock) -> Result<()> {
    let retention = want.rule.as_ref().and_then(|r| r.default_retention.as_ref()).map(|r| {
        let some = |n: Option<i64>| n.filter(|n| *n > 0).map(int);
        let mode = types::ObjectLockRetentionMode::from(&*r.mode);
        types::DefaultRetention::builder().mode(mode).set_days(some(r.days)).set_years(some(r.years)).build()
    });
    let rule = retention.map(|r| types::ObjectLockRule::builder().default_retention(r).build());
    let lock = types::ObjectLockConfiguration::builder().object_lock_enabled(types::ObjectLockEnabled::Enabled);
    let call = cx.s3().put_object_lock_configuration().bucket(bucket);
    call.object_lock_configuration(lock.set_rule(rule).build()).send().await.api()?;
    Ok(())
}

/// Deletes everything in a bucket: objects, their versions and marks of deletion. A bucket that is `locked` needs a
/// permission for that which others do not.
///
/// # Errors
/// When something cannot be deleted.
pub async fn empty(cx: &Aws, bucket: &str, locked: Option<bool>) -> Result<()> {
    loop {
        let page = cx.s3().list_object_versions().bucket(bucket).send().await.api()?;
        let versions = page.versions().iter().map(|v| (v.key.clone(), v.version_id.clone()));
        let marks = page.delete_markers().iter().map(|m| (m.key.clone(), m.version_id.clone()));
        let object = |(key, version): (Option<String>, Option<String>)| {
            types::ObjectIdentifier::builder().key(key.unwrap_or_default()).set_version_id(version).build().map_err(incomplete)
        };
        let all = versions.chain(marks).map(object).collect::<Result<Vec<_>>>()?;
        if all.is_empty() {
            return Ok(());
        }
        let delete = types::Delete::builder().set_objects(Some(all)).quiet(true).build().map_err(incomplete)?;
        let done = cx.s3().delete_objects().bucket(bucket).delete(delete);
        let done = done.set_bypass_governance_retention(locked.filter(|l| *l));
        if let Some(e) = done.send().await.api()?.errors().first() {
            let (key, why) = (e.key().unwrap_or_default(), e.message().unwrap_or_default());
            return Err(Error::other(format!("emptying S3 Bucket ({bucket}): object {key:?} cannot be deleted: {why}")));
        }
    }
}
