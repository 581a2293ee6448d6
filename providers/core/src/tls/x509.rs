//! The parts of certificates and requests: reading them, and writing what they have in common.

use std::net::IpAddr;

use super::der::{Item, Reader, octets, oid, oid_name, seq, tlv};
use super::{name, pem};
use crate::time::stamp::{Parts, Stamp};

const SUBJECT_KEY: &str = "2.5.29.14";
const ALTERNATIVES: &str = "2.5.29.17";
const CONSTRAINTS: &str = "2.5.29.19";
const EXTENSION_REQUEST: &str = "1.2.840.113549.1.9.14";

/// Whom a certificate is for, besides its subject.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Alternatives {
    pub dns: Vec<String>,
    pub ips: Vec<IpAddr>,
    pub uris: Vec<String>,
}

impl Alternatives {
    /// The extension, unless there is nothing to say.
    pub fn extension(&self, critical: bool) -> Result<Option<Vec<u8>>, String> {
        if let Some(wrong) = self.dns.iter().chain(&self.uris).find(|n| !n.is_ascii()) {
            return Err(format!("x509: {wrong:?} cannot be encoded as an IA5String"));
        }
        let ip = |ip: &IpAddr| match ip {
            IpAddr::V4(ip) => tlv(0x87, &ip.octets()),
            // Go takes an IPv4 address written as IPv6 for what it is.
            IpAddr::V6(ip) => ip.to_ipv4_mapped().map_or_else(|| tlv(0x87, &ip.octets()), |ip| tlv(0x87, &ip.octets())),
        };
        let dns = self.dns.iter().map(|n| tlv(0x82, n.as_bytes()));
        let names: Vec<_> = dns.chain(self.ips.iter().map(ip)).chain(self.uris.iter().map(|u| tlv(0x86, u.as_bytes()))).collect();
        Ok((!names.is_empty()).then(|| extension(ALTERNATIVES, critical, &seq(&names))))
    }

    fn parse(der: &[u8]) -> Option<Self> {
        let mut found = Self::default();
        for item in Reader(der).expect(0x30)?.inside() {
            let text = || String::from_utf8_lossy(item.content).into_owned();
            match item.tag {
                0x82 => found.dns.push(text()),
                0x86 => found.uris.push(text()),
                0x87 => match (<[u8; 4]>::try_from(item.content), <[u8; 16]>::try_from(item.content)) {
                    (Ok(four), _) => found.ips.push(four.into()),
                    (_, Ok(sixteen)) => found.ips.push(sixteen.into()),
                    _ => {}
                },
                _ => {}
            }
        }
        Some(found)
    }
}

/// An extension.
pub(super) fn extension(name: &str, critical: bool, value: &[u8]) -> Vec<u8> {
    let critical = if critical { tlv(1, &[0xff]) } else { Vec::new() };
    seq(&[oid(name), critical, octets(value)])
}

/// The attributes of a request that ask for extensions.
pub(super) fn extension_request(extensions: &[Vec<u8>]) -> Vec<u8> {
    if extensions.is_empty() {
        return tlv(0xa0, &[]);
    }
    tlv(0xa0, &seq(&[oid(EXTENSION_REQUEST), tlv(0x31, &seq(extensions))]))
}

/// A time as certificates have it.
pub(super) fn time(stamp: Stamp) -> Vec<u8> {
    let p = stamp.parts();
    let rest = format!("{:02}{:02}{:02}{:02}{:02}Z", p.month, p.day, p.hour, p.minute, p.second);
    if (1950..2050).contains(&p.year) {
        return tlv(0x17, format!("{:02}{rest}", p.year % 100).as_bytes());
    }
    tlv(0x18, format!("{:04}{rest}", p.year).as_bytes())
}

fn parse_time(item: Item<'_>) -> Option<Stamp> {
    let text = std::str::from_utf8(item.content).ok()?.strip_suffix('Z')?;
    let (year, rest) = text.split_at_checked(if item.tag == 0x17 { 2 } else { 4 })?;
    let mut year: i64 = year.parse().ok()?;
    if item.tag == 0x17 {
        year += if year < 50 { 2000 } else { 1900 };
    }
    let two = |at: usize| -> Option<i64> { rest.get(at..at + 2)?.parse().ok() };
    let second = if rest.len() > 8 { two(8)? } else { 0 };
    Stamp::utc(Parts { year, month: two(0)?, day: two(2)?, hour: two(4)?, minute: two(6)?, second })
}

/// What is read of a certificate.
pub(super) struct Certificate<'a> {
    pub raw: &'a [u8],
    pub version: i64,
    pub serial: &'a [u8],
    /// The algorithm of the signature, with its parameters.
    pub signature: &'a [u8],
    pub issuer: &'a [u8],
    pub not_before: Stamp,
    pub not_after: Stamp,
    pub subject: &'a [u8],
    /// The public key.
    pub key: &'a [u8],
    pub is_ca: bool,
    pub subject_key: Option<&'a [u8]>,
}

impl<'a> Certificate<'a> {
    /// Reads a certificate.
    pub fn parse(der: &'a [u8]) -> Option<Self> {
        let whole = Reader(der).expect(0x30)?;
        let mut tbs = whole.inside().expect(0x30)?.inside();
        let version = tbs.expect(0xa0).and_then(|v| v.inside().expect(2)?.content.last().copied()).map_or(1, |v| i64::from(v) + 1);
        let serial = tbs.expect(2)?.content;
        let signature = tbs.expect(0x30)?.content;
        let issuer = tbs.expect(0x30)?.raw;
        let mut validity = tbs.expect(0x30)?.inside();
        let (not_before, not_after) = (parse_time(validity.next()?)?, parse_time(validity.next()?)?);
        let (subject, key) = (tbs.expect(0x30)?.raw, tbs.expect(0x30)?.raw);
        let extensions = tbs.find(|i| i.tag == 0xa3).and_then(|i| i.inside().expect(0x30)).map(Item::content_of).unwrap_or_default();
        let constraints = find_extension(extensions, CONSTRAINTS).and_then(|v| Reader(v).expect(0x30));
        let is_ca = constraints.and_then(|c| c.inside().expect(1)).is_some_and(|b| b.content.first().is_some_and(|b| *b != 0));
        let subject_key = find_extension(extensions, SUBJECT_KEY).and_then(|v| Reader(v).expect(4)).map(Item::content_of);
        Some(Self { raw: whole.raw, version, serial, signature, issuer, not_before, not_after, subject, key, is_ca, subject_key })
    }

    /// The names of the algorithms of signature and key, as Go calls them.
    pub fn algorithms(&self) -> (String, String) {
        (signature_name(self.signature), key_name(self.key))
    }
}

impl<'a> Item<'a> {
    fn content_of(self) -> &'a [u8] {
        self.content
    }
}

fn find_extension<'a>(extensions: &'a [u8], name: &str) -> Option<&'a [u8]> {
    Reader(extensions).find_map(|item| {
        let mut inside = item.inside();
        let found = inside.expect(6).is_some_and(|i| oid_name(i.content) == name);
        inside.expect(1);
        inside.expect(4).filter(|_| found).map(Item::content_of)
    })
}

fn signature_name(algorithm: &[u8]) -> String {
    const PSS: &str = "1.2.840.113549.1.1.10";
    const NAMES: [(&str, &str); 13] = [
        ("1.2.840.113549.1.1.2", "MD2-RSA"),
        ("1.2.840.113549.1.1.4", "MD5-RSA"),
        ("1.2.840.113549.1.1.5", "SHA1-RSA"),
        ("1.2.840.113549.1.1.11", "SHA256-RSA"),
        ("1.2.840.113549.1.1.12", "SHA384-RSA"),
        ("1.2.840.113549.1.1.13", "SHA512-RSA"),
        ("1.2.840.10040.4.3", "DSA-SHA1"),
        ("2.16.840.1.101.3.4.3.2", "DSA-SHA256"),
        ("1.2.840.10045.4.1", "ECDSA-SHA1"),
        ("1.2.840.10045.4.3.2", "ECDSA-SHA256"),
        ("1.2.840.10045.4.3.3", "ECDSA-SHA384"),
        ("1.2.840.10045.4.3.4", "ECDSA-SHA512"),
        ("1.3.101.112", "Ed25519"),
    ];
    let mut inside = Reader(algorithm);
    let name = inside.expect(6).map(|i| oid_name(i.content)).unwrap_or_default();
    if name == PSS {
        let holds = |oid_of: &str| inside.0.windows(11).any(|w| w == oid(oid_of));
        let hashes = [
            ("2.16.840.1.101.3.4.2.1", "SHA256-RSAPSS"),
            ("2.16.840.1.101.3.4.2.2", "SHA384-RSAPSS"),
            ("2.16.840.1.101.3.4.2.3", "SHA512-RSAPSS"),
        ];
        return hashes.into_iter().find(|(hash, _)| holds(hash)).map_or("0", |(_, n)| n).into();
    }
    NAMES.into_iter().find(|(oid, _)| *oid == name).map_or("0", |(_, n)| n).into()
}

fn key_name(key: &[u8]) -> String {
    let mut algorithm = Reader(key).expect(0x30).and_then(|k| k.inside().expect(0x30)).map(Item::inside).unwrap_or(Reader(&[]));
    match &*algorithm.expect(6).map(|i| oid_name(i.content)).unwrap_or_default() {
        "1.2.840.113549.1.1.1" => "RSA",
        "1.2.840.10040.4.1" => "DSA",
        "1.2.840.10045.2.1" => "ECDSA",
        "1.3.101.112" => "Ed25519",
        _ => "0",
    }
    .into()
}

/// The identifier of a public key: a checksum of it.
pub(super) fn key_id(key: &[u8]) -> Vec<u8> {
    use sha1::{Digest, Sha1};
    let mut inside = Reader(key).expect(0x30).map(Item::inside).unwrap_or(Reader(&[]));
    inside.expect(0x30);
    let bits = inside.expect(3).and_then(|b| b.content.get(1..)).unwrap_or_default();
    // Of an Ed25519 key, Terraform's provider takes the checksum with its tag and length.
    let bytes = if key_name(key) == "Ed25519" { octets(bits) } else { bits.to_vec() };
    Sha1::digest(bytes).to_vec()
}

/// What is read of a request for a certificate.
pub(super) struct Request {
    /// The subject, as Go writes it anew.
    pub subject: Vec<u8>,
    pub key: Vec<u8>,
    pub alternatives: Alternatives,
}

impl Request {
    /// Reads a request in PEM.
    pub fn parse(text: &str) -> Result<Self, String> {
        let der = decode(text, "CERTIFICATE REQUEST")?;
        Self::parse_der(&der).ok_or_else(|| "failed to parse certificate request".into())
    }

    fn parse_der(der: &[u8]) -> Option<Self> {
        let mut info = Reader(der).expect(0x30)?.inside().expect(0x30)?.inside();
        info.expect(2)?;
        let (subject, key) = (info.expect(0x30)?.raw, info.expect(0x30)?.raw);
        let asked = info.expect(0xa0).into_iter().flat_map(Item::inside).find_map(|attribute| {
            let mut inside = attribute.inside();
            let wanted = inside.expect(6).is_some_and(|i| oid_name(i.content) == EXTENSION_REQUEST);
            inside.expect(0x31).filter(|_| wanted)?.inside().expect(0x30)
        });
        let alternatives = asked.and_then(|e| Alternatives::parse(find_extension(e.content, ALTERNATIVES)?)).unwrap_or_default();
        Some(Self { subject: name::rewritten(subject), key: key.to_vec(), alternatives })
    }
}

/// The bytes of a PEM block of a kind.
pub(super) fn decode(text: &str, want: &str) -> Result<Vec<u8>, String> {
    match pem::decode(text) {
        Some((label, bytes)) if label == want => Ok(bytes),
        Some((label, _)) => Err(format!("invalid PEM type - expected {want:?}, got {label:?}")),
        None => Err(format!("failed to decode PEM of expected type {want:?} from bytes")),
    }
}
