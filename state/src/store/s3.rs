//! States in S3, side by side with Terraform: the same objects, the same locks.
//!
//! - `config`, `arguments`: the arguments of the backend.
//! - `connect`, `login`, `oidc`, `http`: the client, with credentials and connections.
//! - `bucket`, `clock`: objects and their age, with `failure` for what the server refuses.
//!
//! What is stored in the bucket, and how, is told in `objects`.

mod arguments;
mod bucket;
mod clock;
mod config;
mod connect;
mod failure;
mod http;
mod login;
mod oidc;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use secstack_base::{Diagnostic, Value};
use tokio::sync::OnceCell;

use super::objects::{Bucket, ObjectStore, Objects};
use super::{Backend, Problem, Store};
use crate::crypt::Cipher;
use crate::error::{Error, Result};
use crate::model::Snapshot;
use crate::workspace;
use bucket::S3Objects;
use config::Config;

/// States in a bucket of S3.
pub struct S3Backend {
    /// What encrypts the states and their journals on this machine.
    pub cipher: Cipher,
    config: Config,
    objects: OnceCell<Arc<S3Objects>>,
}

impl S3Backend {
    /// The names of all arguments.
    pub const ARGUMENTS: &[&str] = &config::ARGUMENTS;

    /// Reads the arguments of the backend, an object. Nothing is called yet.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn new(arguments: &Value) -> Result<Self, Vec<Problem>> {
        Ok(Self { cipher: Cipher::default(), config: Config::read(arguments)?, objects: OnceCell::new() })
    }

    /// The same, with locks that are good for another time than `SECSTACK_LOCK_LEASE` says.
    #[must_use]
    pub fn with_lease(mut self, lease: Duration) -> Self {
        self.config.lease = lease;
        self
    }

    async fn objects(&self) -> Result<Arc<S3Objects>> {
        let opened = self.objects.get_or_try_init(|| async { S3Objects::open(&self.config).await.map(Arc::new) }).await?;
        Ok(opened.clone())
    }

    async fn bucket(&self) -> Result<Bucket> {
        Ok(Bucket::new(self.objects().await?))
    }

    async fn store(&self, name: &str) -> Result<ObjectStore> {
        workspace::check(name)?;
        Ok(ObjectStore::new(self.objects().await?, self.config.key_of(name), self.config.lease, self.cipher.clone()))
    }
}

#[async_trait]
impl Backend for S3Backend {
    async fn workspaces(&self) -> Result<Vec<String>> {
        let prefix = match self.config.workspace_key_prefix.as_str() {
            "" => String::new(),
            prefix => format!("{prefix}/"),
        };
        let objects = self.bucket().await?.list(&prefix).await?;
        let mut names: Vec<String> = objects.iter().filter_map(|o| self.config.workspace_at(&o.key)).map(str::to_string).collect();
        names.sort();
        names.insert(0, workspace::DEFAULT.into());
        Ok(names)
    }

    async fn open(&self, name: &str) -> Result<Arc<dyn Store>> {
        let store = self.store(name).await?;
        if name != workspace::DEFAULT {
            let key = self.config.key_of(name);
            if !self.bucket().await?.list(&key).await?.iter().any(|o| o.key == key) {
                store.create().await?;
            }
        }
        Ok(Arc::new(store))
    }

    async fn delete(&self, name: &str) -> Result<()> {
        workspace::check(name)?;
        if name == workspace::DEFAULT {
            return Err(Error::Workspace("The default workspace cannot be deleted.".into()));
        }
        let (bucket, key) = (self.bucket().await?, self.config.key_of(name));
        let journal = bucket.list(&format!("{key}.journal/")).await?;
        let objects = std::iter::once(key).chain(journal.into_iter().map(|o| o.key));
        bucket.delete(objects.collect()).await
    }

    async fn look(&self, name: &str) -> Result<Option<Snapshot>> {
        self.store(name).await?.snapshot().await
    }

    async fn check(&self) -> Result<Vec<Diagnostic>> {
        let bucket = self.objects().await?;
        if bucket.keeps_versions().await? != Some(false) {
            return Ok(Vec::new());
        }
        let what = format!(
            "The bucket {:?} does not keep old versions of objects. A state that is lost or broken cannot be restored then.",
            Objects::name(&*bucket)
        );
        let help = "Turn on versioning of the bucket.";
        Ok(vec![Diagnostic::warning("Bucket without versioning", what).help(help)])
    }
}
