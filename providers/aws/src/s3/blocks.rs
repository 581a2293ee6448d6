//! The nested blocks of a bucket. All have resource types of their own by now, which should be used instead.

use std::collections::BTreeSet;

use secstack_sdk::check;
use secstack_sdk::typed::{Block, Tags};

use super::server_side_encryption::ByDefault;

/// What pages of other origins may do.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Block)]
pub struct CorsRule {
    /// Headers that requests may have.
    pub allowed_headers: Vec<String>,
    /// Methods of requests.
    #[attr(required)]
    pub allowed_methods: Vec<String>,
    /// Origins of pages.
    #[attr(required)]
    pub allowed_origins: Vec<String>,
    /// Headers of answers that pages see.
    pub expose_headers: Vec<String>,
    /// How long a browser remembers the answer.
    pub max_age_seconds: Option<i64>,
}

/// What somebody may do.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Block)]
pub struct Grant {
    /// The canonical ID of a user.
    pub id: Option<String>,
    /// What is allowed.
    #[attr(required)]
    pub permissions: BTreeSet<String>,
    /// `CanonicalUser` or `Group`.
    #[attr(check = check::one_of(["CanonicalUser", "Group"]))]
    pub r#type: String,
    /// The URI of a group.
    pub uri: Option<String>,
}

/// What becomes of objects with time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Block)]
pub struct LifecycleRule {
    /// Days after which an unfinished upload is dropped.
    pub abort_incomplete_multipart_upload_days: Option<i64>,
    /// Whether the rule holds.
    pub enabled: bool,
    /// The name of the rule.
    #[attr(computed, check = check::length(0, 255))]
    pub id: Option<String>,
    /// The beginning of the names of objects.
    pub prefix: Option<String>,
    /// Tags of objects.
    pub tags: Tags,
    /// When objects go.
    #[attr(block = list, max = 1)]
    pub expiration: Option<Expiration>,
    /// When old versions go.
    #[attr(block = list, max = 1)]
    pub noncurrent_version_expiration: Option<NoncurrentExpiration>,
    /// When old versions move.
    #[attr(block = set)]
    pub noncurrent_version_transition: BTreeSet<NoncurrentTransition>,
    /// When objects move.
    #[attr(block = set)]
    pub transition: BTreeSet<Transition>,
}

/// When objects go.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Block)]
pub struct Expiration {
    /// The day.
    pub date: Option<String>,
    /// Days after creation.
    pub days: Option<i64>,
    /// Whether marks of deletion with nothing behind them go.
    pub expired_object_delete_marker: Option<bool>,
}

/// When old versions go.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Block)]
pub struct NoncurrentExpiration {
    /// Days after they became old.
    pub days: Option<i64>,
}

/// When old versions move.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Block)]
pub struct NoncurrentTransition {
    /// Days after they became old.
    pub days: Option<i64>,
    /// Where to.
    pub storage_class: String,
}

/// When objects move.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Block)]
pub struct Transition {
    /// The day.
    pub date: Option<String>,
    /// Days after creation.
    pub days: Option<i64>,
    /// Where to.
    pub storage_class: String,
}

/// Where accesses are recorded.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Block)]
pub struct Logging {
    /// The bucket of the records.
    pub target_bucket: String,
    /// The beginning of their names.
    pub target_prefix: Option<String>,
}

/// How long objects cannot be deleted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Block)]
pub struct ObjectLock {
    /// `Enabled`.
    #[attr(forces_new, deprecated = "Use the top-level parameter object_lock_enabled instead.", check = check::one_of(["Enabled"]))]
    pub object_lock_enabled: Option<String>,
    /// The rule for objects that say nothing themselves.
    #[attr(block = list, max = 1)]
    pub rule: Option<ObjectLockRule>,
}

/// The rule for objects that say nothing themselves.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Block)]
pub struct ObjectLockRule {
    /// How long, and who may shorten that.
    #[attr(block = list, min = 1, max = 1)]
    pub default_retention: Option<Retention>,
}

/// How long objects are kept.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Block)]
pub struct Retention {
    /// In days.
    pub days: Option<i64>,
    /// `GOVERNANCE` or `COMPLIANCE`.
    #[attr(check = check::one_of(["GOVERNANCE", "COMPLIANCE"]))]
    pub mode: String,
    /// In years.
    pub years: Option<i64>,
}

/// How objects are encrypted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Block)]
pub struct Encryption {
    /// What is encrypted how.
    #[attr(block = list, min = 1, max = 1)]
    pub rule: Option<EncryptionRule>,
}

/// What is encrypted how.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Block)]
pub struct EncryptionRule {
    /// Whether a key of the bucket's own saves calls to the key service.
    pub bucket_key_enabled: Option<bool>,
    /// How objects are encrypted that do not say themselves.
    #[attr(block = list, min = 1, max = 1)]
    pub apply_server_side_encryption_by_default: Option<ByDefault>,
}

/// Whether old versions are kept.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Block)]
pub struct VersioningBlock {
    /// Whether they are.
    #[attr(default = false)]
    pub enabled: bool,
    /// Whether deleting them needs a second factor.
    #[attr(default = false)]
    pub mfa_delete: bool,
}

/// A bucket as a web site.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Block)]
pub struct Website {
    /// The page for errors.
    pub error_document: Option<String>,
    /// The page of folders.
    pub index_document: Option<String>,
    /// The host that all requests are sent to.
    pub redirect_all_requests_to: Option<String>,
    /// Rules that send requests elsewhere, as JSON.
    #[attr(same = crate::policy::same_json)]
    pub routing_rules: Option<String>,
}
