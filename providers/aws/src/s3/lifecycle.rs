//! Lifecycle rules of a bucket's own block.

use aws_sdk_s3::types;
use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use secstack_sdk::typed::Tags;
use secstack_sdk::{Error, ErrorKind, Result};

use super::blocks::{Expiration, LifecycleRule, NoncurrentExpiration, NoncurrentTransition, Transition};
use super::{given, incomplete, int};

/// A rule as the service gives it. Rules of old have their prefix outside of the filter.
#[allow(deprecated)]
pub fn from_remote(r: &types::LifecycleRule) -> LifecycleRule {
    let and = r.filter.as_ref().and_then(|f| f.and.as_ref());
    let single = r.filter.as_ref().and_then(|f| f.tag.as_ref());
    let prefix = r.prefix.as_ref().or_else(|| and.and_then(|a| a.prefix.as_ref()));
    let prefix = prefix.or_else(|| r.filter.as_ref().and_then(|f| f.prefix.as_ref()));
    let tags = and.map(|a| a.tags()).unwrap_or_default().iter().chain(single);
    let days = |d: Option<i32>| Some(d.unwrap_or_default().into());
    LifecycleRule {
        abort_incomplete_multipart_upload_days: days(r.abort_incomplete_multipart_upload.as_ref().and_then(|a| a.days_after_initiation)),
        enabled: r.status == types::ExpirationStatus::Enabled,
        id: Some(r.id.clone().unwrap_or_default()),
        prefix: Some(prefix.cloned().unwrap_or_default()),
        tags: tags.map(|t| (t.key.clone(), t.value.clone())).collect(),
        expiration: r.expiration.as_ref().map(|e| Expiration {
            date: Some(e.date.as_ref().and_then(date).unwrap_or_default()),
            days: days(e.days),
            expired_object_delete_marker: Some(e.expired_object_delete_marker.unwrap_or_default()),
        }),
        noncurrent_version_expiration: r
            .noncurrent_version_expiration
            .as_ref()
            .map(|e| NoncurrentExpiration { days: days(e.noncurrent_days) }),
        noncurrent_version_transition: r.noncurrent_version_transitions().iter().map(noncurrent_transition).collect(),
        transition: r.transitions().iter().map(transition).collect(),
    }
}

fn noncurrent_transition(t: &types::NoncurrentVersionTransition) -> NoncurrentTransition {
    NoncurrentTransition {
        days: Some(t.noncurrent_days.unwrap_or_default().into()),
        storage_class: t.storage_class.as_ref().map(|c| c.as_str().into()).unwrap_or_default(),
    }
}

fn transition(t: &types::Transition) -> Transition {
    Transition {
        date: Some(t.date.as_ref().and_then(date).unwrap_or_default()),
        days: Some(t.days.unwrap_or_default().into()),
        storage_class: t.storage_class.as_ref().map(|c| c.as_str().into()).unwrap_or_default(),
    }
}

fn date(t: &DateTime) -> Option<String> {
    let text = t.fmt(Format::DateTime).ok()?;
    text.split('T').next().map(str::to_string)
}

/// A rule as the service takes it.
///
/// # Errors
/// When a date is none.
pub fn to_remote(r: &LifecycleRule) -> Result<types::LifecycleRule> {
    let days = |d: Option<i64>| d.filter(|d| *d > 0).map(int);
    let mut rule = types::LifecycleRule::builder().filter(filter(r)?).set_id(given(&r.id)).status(if r.enabled {
        types::ExpirationStatus::Enabled
    } else {
        types::ExpirationStatus::Disabled
    });
    if let Some(d) = days(r.abort_incomplete_multipart_upload_days) {
        let abort = types::AbortIncompleteMultipartUpload::builder().days_after_initiation(d).build();
        rule = rule.abort_incomplete_multipart_upload(abort);
    }
    if let Some(e) = &r.expiration {
        let marker = e.expired_object_delete_marker.filter(|m| *m);
        let expiration = types::LifecycleExpiration::builder().set_days(days(e.days)).set_date(day(&e.date)?);
        rule = rule.expiration(expiration.set_expired_object_delete_marker(marker).build());
    }
    if let Some(e) = &r.noncurrent_version_expiration {
        let expiration = types::NoncurrentVersionExpiration::builder().set_noncurrent_days(days(e.days)).build();
        rule = rule.noncurrent_version_expiration(expiration);
    }
    for t in &r.noncurrent_version_transition {
        let class = types::TransitionStorageClass::from(&*t.storage_class);
        let t = types::NoncurrentVersionTransition::builder().set_noncurrent_days(t.days.map(int)).storage_class(class);
        rule = rule.noncurrent_version_transitions(t.build());
    }
    for t in &r.transition {
        let class = types::TransitionStorageClass::from(&*t.storage_class);
        let date = day(&t.date)?;
        let days = t.days.map(int).filter(|_| date.is_none());
        rule = rule.transitions(types::Transition::builder().set_days(days).set_date(date).storage_class(class).build());
    }
    rule.build().map_err(incomplete)
}

fn filter(r: &LifecycleRule) -> Result<types::LifecycleRuleFilter> {
    let prefix = r.prefix.clone().unwrap_or_default();
    if r.tags.is_empty() {
        return Ok(types::LifecycleRuleFilter::builder().prefix(prefix).build());
    }
    let and = types::LifecycleRuleAndOperator::builder().prefix(prefix).set_tags(Some(to_tags(&r.tags)?)).build();
    Ok(types::LifecycleRuleFilter::builder().and(and).build())
}

/// Tags as the service takes them.
///
/// # Errors
/// When one has no key.
pub fn to_tags(tags: &Tags) -> Result<Vec<types::Tag>> {
    tags.iter().map(|(k, v)| types::Tag::builder().key(k).value(v).build().map_err(incomplete)).collect()
}

fn day(text: &Option<String>) -> Result<Option<DateTime>> {
    let Some(text) = given(text) else { return Ok(None) };
    let wrong = |_| Error::new(ErrorKind::Invalid, format!("{text:?} is not a date such as 2030-01-31"));
    DateTime::from_str(&format!("{text}T00:00:00Z"), Format::DateTime).map(Some).map_err(wrong)
}
