//! `hashicorp/local`: files on this machine.

mod data;
mod file;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use md5::Md5;
use secstack_base::schema::Attribute;
use secstack_base::{ProviderAddr, Type, Value};
use sha1::{Digest, Sha1};
use sha2::{Sha256, Sha512};

use crate::framework::with_all;
use crate::kind::{Native, Parts};
use crate::schema::computed;

/// The provider.
pub(crate) fn provider() -> Native {
    let parts = Parts {
        versions: vec!["2.5.3", "2.5.2", "2.5.1", "2.5.0"],
        resources: vec![Box::new(file::LocalFile::Plain), Box::new(file::LocalFile::Sensitive)],
        data: vec![Box::new(data::FileData::Plain), Box::new(data::FileData::Sensitive)],
        ..Parts::default()
    };
    Native::new(ProviderAddr::hashicorp("local"), parts)
}

/// The attributes that [`with_checksums`] fills in.
fn checksum_attributes() -> impl Iterator<Item = Attribute> {
    let of = |(name, about): (&str, &str)| computed(name, Type::String, about);
    [
        ("content_md5", "The MD5 checksum of the content."),
        ("content_sha1", "The SHA1 checksum of the content."),
        ("content_sha256", "The SHA256 checksum of the content."),
        ("content_base64sha256", "The SHA256 checksum of the content, in base64."),
        ("content_sha512", "The SHA512 checksum of the content."),
        ("content_base64sha512", "The SHA512 checksum of the content, in base64."),
        ("id", "The SHA1 checksum of the content."),
    ]
    .into_iter()
    .map(of)
}

fn with_checksums(object: &Value, content: &[u8]) -> Value {
    let (sha256, sha512) = (Sha256::digest(content), Sha512::digest(content));
    let sums = [
        ("id", sha1(content)),
        ("content_md5", hex::encode(Md5::digest(content))),
        ("content_sha1", sha1(content)),
        ("content_sha256", hex::encode(sha256)),
        ("content_base64sha256", BASE64_STANDARD.encode(sha256)),
        ("content_sha512", hex::encode(sha512)),
        ("content_base64sha512", BASE64_STANDARD.encode(sha512)),
    ];
    with_all(object, sums.map(|(name, sum)| (name, sum.into())))
}

fn sha1(content: &[u8]) -> String {
    hex::encode(Sha1::digest(content))
}
