//! `hashicorp/tls`: keys, certificates and requests for them.
//!
//! Everything is encoded by hand in `der` and in the order in which Go's library writes it, so that a certificate made
//! here differs from one made by Terraform in nothing but its random parts.

mod authority;
mod certificate;
mod curve;
mod der;
mod key;
mod lookup;
mod name;
mod openssh;
mod pem;
mod private_key;
mod request;
mod signed;
mod x509;

use secstack_base::schema::{NestedBlock, Schema};
use secstack_base::{ProviderAddr, Type, Value};
use sha1::{Digest, Sha1};

use crate::kind::{Native, Parts};
use crate::schema::{Describe, block, nested, optional};

/// The provider.
pub(crate) fn provider() -> Native {
    let proxy = block(
        "The proxy for connections to other machines.",
        [
            optional("url", Type::String, "The URL of the proxy."),
            optional("username", Type::String, "The name to give to the proxy."),
            optional("password", Type::String, "The password to give to the proxy.").sensitive(),
            optional("from_env", Type::Bool, "Whether the environment names the proxy. True unless set."),
        ],
        [],
    );
    let config = Schema { block: block("", [], [nested("proxy", None, proxy)]), ..Schema::default() };
    let parts = Parts {
        versions: vec!["4.1.0", "4.0.6", "4.0.5"],
        config,
        resources: vec![
            Box::new(private_key::PrivateKeyKind),
            Box::new(request::CertRequest),
            Box::new(signed::SelfSigned),
            Box::new(authority::LocallySigned),
        ],
        data: vec![Box::new(lookup::Certificates), Box::new(private_key::PublicKey)],
        ephemeral: vec![Box::new(private_key::PrivateKeyKind)],
    };
    Native::new(ProviderAddr::hashicorp("tls"), parts)
}

/// The ID that Terraform's provider makes of bytes: a checksum without white space at either end, even in bytes that
/// are not text.
fn checksum(bytes: &[u8]) -> Value {
    hex::encode(Sha1::digest(trimmed(bytes))).into()
}

fn trimmed(mut bytes: &[u8]) -> &[u8] {
    let space = |bytes: &[u8]| std::str::from_utf8(bytes).is_ok_and(|s| !s.is_empty() && s.chars().all(char::is_whitespace));
    'start: loop {
        for n in 1..=bytes.len().min(3) {
            if space(&bytes[..n]) {
                bytes = &bytes[n..];
                continue 'start;
            }
        }
        break;
    }
    'end: loop {
        for n in 1..=bytes.len().min(3) {
            if space(&bytes[bytes.len() - n..]) {
                bytes = &bytes[..bytes.len() - n];
                continue 'end;
            }
        }
        break;
    }
    bytes
}

/// The block `subject` of a certificate.
fn subject_block() -> NestedBlock {
    let attributes = name::FIELDS.iter().map(|f| {
        let ty = if f.many { Type::list(Type::String) } else { Type::String };
        optional(f.argument, ty, f.about).forces_new()
    });
    let mut block = nested("subject", None, block("The owner of the certificate.", attributes, []));
    block.forces_new = secstack_base::schema::ForcesNew::Always;
    block
}

/// Older versions stored a checksum in place of a key or certificate: its change needs no new object.
fn pem_forces_new(prior: &Value, _: &Value) -> bool {
    prior.as_str().is_some_and(|s| s.starts_with("-----BEGIN "))
}

/// The texts of a list.
fn texts<'a>(object: &'a Value, name: &str) -> Vec<&'a str> {
    let items = object.get(name).and_then(Value::as_slice).unwrap_or_default();
    items.iter().filter_map(Value::as_str).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trims_like_go() {
        assert_eq!(trimmed(b"\x30\xff \n"), b"\x30\xff");
        assert_eq!(trimmed(b" \x30\xff\xc2\x85"), b"\x30\xff");
        assert_eq!(trimmed(b"\x30\x85"), b"\x30\x85");
        assert_eq!(trimmed(b"  "), b"");
    }
}
