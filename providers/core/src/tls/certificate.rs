//! Making certificates, and knowing when to make new ones.

use secstack_base::schema::{Attribute, Draft, Schema};
use secstack_base::{Diagnostic, Diags, Path, Type, Value};
use secstack_sdk::{Error, Result};

use super::der::{bits, octets, oid, seq, tlv, uint};
use super::key::PrivateKey;
use super::x509::{Alternatives, extension, key_id, time};
use super::{pem, texts};
use crate::framework::{at_least, decimal, invalid_value, is_true, whole, with_all};
use crate::kind::fail;
use crate::random::random_bytes;
use crate::schema::{Describe, chosen, computed, required};
use crate::time::stamp::Stamp;

/// The uses that are bits, the first of which is bit 0.
const USES: [&str; 9] = [
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "cert_signing",
    "crl_signing",
    "encipher_only",
    "decipher_only",
];

/// The uses that have names.
const MORE_USES: [(&str, &str); 14] = [
    ("any_extended", "2.5.29.37.0"),
    ("server_auth", "1.3.6.1.5.5.7.3.1"),
    ("client_auth", "1.3.6.1.5.5.7.3.2"),
    ("code_signing", "1.3.6.1.5.5.7.3.3"),
    ("email_protection", "1.3.6.1.5.5.7.3.4"),
    ("ipsec_end_system", "1.3.6.1.5.5.7.3.5"),
    ("ipsec_tunnel", "1.3.6.1.5.5.7.3.6"),
    ("ipsec_user", "1.3.6.1.5.5.7.3.7"),
    ("timestamping", "1.3.6.1.5.5.7.3.8"),
    ("ocsp_signing", "1.3.6.1.5.5.7.3.9"),
    ("microsoft_server_gated_crypto", "1.3.6.1.4.1.311.10.3.3"),
    ("netscape_server_gated_crypto", "2.16.840.1.113730.4.1"),
    ("microsoft_commercial_code_signing", "1.3.6.1.4.1.311.2.1.22"),
    ("microsoft_kernel_code_signing", "1.3.6.1.4.1.311.61.1.1"),
];

/// The attributes that all certificates have.
pub(super) fn attributes() -> Vec<Attribute> {
    let off = |name: &str, about: &str| chosen(name, Type::Bool, about).default(false).forces_new();
    vec![
        required("validity_period_hours", Type::Number, "How many hours the certificate is valid.").forces_new(),
        required("allowed_uses", Type::list(Type::String), "What the certificate may be used for.").forces_new(),
        chosen("early_renewal_hours", Type::Number, "How many hours before its end the certificate is replaced.").default(0i64),
        off("is_ca_certificate", "Whether the certificate is that of an authority."),
        off("set_subject_key_id", "Whether the certificate names its own key."),
        computed("cert_pem", Type::String, "The certificate in PEM."),
        computed("ready_for_renewal", Type::Bool, "Whether the certificate is to be replaced.").default(false),
        computed("validity_start_time", Type::String, "When the certificate begins to be valid."),
        computed("validity_end_time", Type::String, "When the certificate ceases to be valid."),
        computed("id", Type::String, "The serial number of the certificate."),
    ]
}

/// Checks the arguments that all certificates have.
pub(super) fn validate(config: &Value) -> Diags {
    let mut diags = Diags::new();
    ["validity_period_hours", "early_renewal_hours"].iter().for_each(|name| at_least(config, name, 0, &mut diags));
    let known = |given: &str| USES.contains(&given) || MORE_USES.iter().any(|(name, _)| *name == given);
    for (i, given) in texts(config, "allowed_uses").into_iter().enumerate().filter(|(_, given)| !known(given)) {
        let mut all: Vec<&str> = USES.into_iter().chain(MORE_USES.into_iter().map(|(name, _)| name)).collect();
        all.sort_unstable();
        let must = format!("must be one of: {all:?}");
        diags.push(invalid_value(&format!("allowed_uses[{i}]"), &must, &given.into()));
    }
    diags.extend(validate_names(config));
    diags
}

/// Checks the arguments that say whom a certificate is for.
pub(super) fn validate_names(config: &Value) -> Diags {
    let mut diags = Diags::new();
    for name in ["ip_addresses", "uris"] {
        for (i, _) in texts(config, name).iter().enumerate().filter(|(_, given)| given.is_empty()) {
            let what = format!("Attribute {name}[{i}] string length must be at least 1, got: 0");
            diags.push(Diagnostic::error("Invalid Attribute Value Length", what));
        }
    }
    if let Some(n) = config.get("subject").and_then(Value::as_slice).map(<[Value]>::len).filter(|n| *n > 1) {
        let what = format!("Attribute subject list must contain at least 0 elements and at most 1 elements, got: {n}");
        diags.push(Diagnostic::error("Invalid Attribute Value", what));
    }
    diags
}

/// Plans what all certificates have in common: a certificate that is due is replaced.
pub(super) fn plan(schema: &Schema, draft: &mut Draft) -> Diags {
    let ready = match due_at_once(&draft.planned) {
        None => Value::unknown(Type::Bool),
        Some(due) => due.into(),
    };
    draft.planned = draft.planned.with("ready_for_renewal", ready);
    let Some(prior) = &draft.prior else { return Diags::new() };
    let subjects = (prior.get("subject"), draft.planned.get("subject"));
    if schema.block.nested("subject").is_some() && matches!(subjects, (Some(a), Some(b)) if !a.same_unmarked(b)) {
        draft.replace.push(Path::attr("subject"));
    }
    if is_due(&draft.planned) {
        draft.planned = draft.planned.with("ready_for_renewal", Value::unknown(Type::Bool));
        draft.replace.push(Path::attr("ready_for_renewal"));
    }
    Diags::new()
}

/// Whether a certificate is due from the start. `None` when that is not known yet.
fn due_at_once(planned: &Value) -> Option<bool> {
    let (valid, early) = (whole(planned, "validity_period_hours"), whole(planned, "early_renewal_hours"));
    match (valid, early) {
        (Some(0), _) => Some(true),
        (Some(valid), Some(early)) => Some(early >= valid),
        _ => None,
    }
}

fn is_due(object: &Value) -> bool {
    let end = object.get_str("validity_end_time").and_then(Stamp::parse);
    let early = whole(object, "early_renewal_hours").unwrap_or(0);
    end.is_some_and(|end| end.add_seconds(early.saturating_mul(-3600)).unix() <= Stamp::now().unix())
}

/// The object as it is now.
pub(super) fn read(prior: &Value) -> Value {
    if is_due(prior) { prior.with("ready_for_renewal", true.into()) } else { prior.clone() }
}

/// Who signs a certificate.
pub(super) struct Issuer<'a> {
    /// The signer's name; `None` when the certificate signs itself.
    pub name: Option<&'a [u8]>,
    /// The identifier of the signer's key.
    pub key_id: Option<&'a [u8]>,
    /// The signer's key.
    pub key: &'a PrivateKey,
}

/// Whom a certificate is for.
pub(super) struct Owner<'a> {
    pub subject: &'a [u8],
    pub alternatives: &'a Alternatives,
    pub key: &'a [u8],
}

/// Makes a certificate and gives the object that has it.
pub(super) fn make(planned: &Value, owner: &Owner<'_>, issuer: &Issuer<'_>) -> Result<Value> {
    let create = |e: String| fail("Failed to create certificate", e);
    let start = Stamp::now();
    let end = start.add_seconds(whole(planned, "validity_period_hours").unwrap_or(0).saturating_mul(3600));
    if end.parts().year > 9999 {
        return Err(create("the certificate would be valid beyond the year 9999".into()));
    }
    let serial = random_bytes(16)?;
    let name = issuer.name.unwrap_or(owner.subject);
    let extensions = extensions(planned, owner, issuer)?;
    let tbs = seq(&[
        tlv(0xa0, &uint(&[2])),
        uint(&serial),
        issuer.key.signature_algorithm(),
        name.to_vec(),
        seq(&[time(start), time(end)]),
        owner.subject.to_vec(),
        owner.key.to_vec(),
        tlv(0xa3, &seq(&extensions)),
    ]);
    let signature = issuer.key.sign(&tbs).map_err(create)?;
    let der = seq(&[tbs, issuer.key.signature_algorithm(), bits(&signature)]);
    let made = [
        ("id", decimal(&serial).into()),
        ("cert_pem", pem::encode("CERTIFICATE", &der).into()),
        ("validity_start_time", start.into()),
        ("validity_end_time", end.into()),
        ("ready_for_renewal", due_at_once(planned).unwrap_or(false).into()),
    ];
    Ok(with_all(planned, made))
}

fn extensions(planned: &Value, owner: &Owner<'_>, issuer: &Issuer<'_>) -> Result<Vec<Vec<u8>>> {
    let uses = texts(planned, "allowed_uses");
    let nameless = owner.subject == seq(&[]);
    let is_ca = is_true(planned, "is_ca_certificate");
    if is_ca && nameless {
        let what = "Must contain at least one Distinguished Name when creating Certificate Authority (CA)";
        return Err(fail("Invalid Certificate Subject", what));
    }
    let own_id = (is_ca || is_true(planned, "set_subject_key_id")).then(|| key_id(owner.key));
    let mut all = Vec::new();
    if let Some(bits) = key_usage(&uses) {
        all.push(extension("2.5.29.15", true, &bits));
    }
    let more: Vec<_> = uses.iter().filter_map(|u| MORE_USES.iter().find(|(name, _)| name == u)).map(|(_, name)| oid(name)).collect();
    if !more.is_empty() {
        all.push(extension("2.5.29.37", false, &seq(&more)));
    }
    let constraints = if is_ca { seq(&[tlv(1, &[0xff])]) } else { seq(&[]) };
    all.push(extension("2.5.29.19", true, &constraints));
    if let Some(id) = &own_id {
        all.push(extension("2.5.29.14", false, &octets(id)));
    }
    if let Some(id) = issuer_id(planned, own_id.as_deref(), owner, issuer)? {
        all.push(extension("2.5.29.35", false, &seq(&[tlv(0x80, &id)])));
    }
    let alternatives = owner.alternatives.extension(nameless).map_err(|e| fail("Failed to create certificate", e))?;
    all.extend(alternatives);
    Ok(all)
}

/// The identifier of the key that signs, where the certificate names it.
fn issuer_id(planned: &Value, own: Option<&[u8]>, owner: &Owner<'_>, issuer: &Issuer<'_>) -> Result<Option<Vec<u8>>, Error> {
    match issuer.name {
        Some(name) if name != owner.subject => Ok(issuer.key_id.map(<[u8]>::to_vec)),
        Some(_) => Ok(None),
        None if is_true(planned, "set_authority_key_id") => match own {
            Some(id) => Ok(Some(id.to_vec())),
            None => Err(fail("Invalid Certificate Authority", "Could not determine Authority Key Identifier")),
        },
        None => Ok(None),
    }
}

/// The uses that are bits, without zeros at the end.
fn key_usage(uses: &[&str]) -> Option<Vec<u8>> {
    let last = USES.iter().rposition(|u| uses.contains(u))?;
    let mut bytes = vec![0u8; last / 8 + 1];
    for (i, _) in USES.iter().enumerate().filter(|(_, u)| uses.contains(u)) {
        bytes[i / 8] |= 0x80 >> (i % 8);
    }
    let unused = 7 - (last % 8) as u8;
    Some(tlv(3, &[&[unused], &bytes[..]].concat()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uses_as_bits() {
        assert_eq!(key_usage(&["digital_signature", "key_encipherment"]), Some(vec![3, 2, 5, 0xa0]));
        assert_eq!(key_usage(&["decipher_only"]), Some(vec![3, 3, 7, 0, 0x80]));
        assert_eq!(key_usage(&["server_auth"]), None);
    }

    #[test]
    fn due() {
        let object =
            |valid: i64, early: i64| Value::object([("validity_period_hours", valid.into()), ("early_renewal_hours", Value::from(early))]);
        assert_eq!(due_at_once(&object(0, 0)), Some(true));
        assert_eq!(due_at_once(&object(5, 5)), Some(true));
        assert_eq!(due_at_once(&object(5, 4)), Some(false));
        let ends = |hours: i64| object(5, 1).with("validity_end_time", Stamp::now().add_seconds(hours * 3600 + 60).into());
        assert!(!is_due(&ends(1)) && is_due(&ends(0)));
    }
}
