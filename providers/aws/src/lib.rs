//! Objects of Amazon Web Services.
//!
//! A folder is a service, a file a resource type or data source. Each folder's `mod.rs` lists its types in
//! `register` and holds what they share. `client` is the context that all of them work with.

// Arguments may stand in several groups of a schema.
#![allow(clippy::duplicated_attributes)]

pub mod cache;
pub mod client;
pub mod config;
pub mod credentials;
pub mod error;
mod http;
mod loader;
pub mod made;
mod oidc;
pub mod partition;
mod plan;
pub mod policy;
pub mod provider;
mod regions;
mod retry;
pub mod tags;

pub mod ec2;
pub mod eks;
pub mod iam;
pub mod kms;
pub mod logs;
pub mod s3;
pub mod sts;

pub use client::Aws;
pub use provider::AwsProvider;

use secstack_sdk::typed::Registry;

/// Everything this provider manages, by service.
pub(crate) fn registry() -> Registry<Aws> {
    let services = [ec2::register, eks::register, iam::register, kms::register, logs::register, s3::register, sts::register];
    services.iter().fold(Registry::new(), |types, register| register(types))
}
