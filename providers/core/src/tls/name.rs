//! Distinguished names: who a certificate is for, and who signed it.

use secstack_base::Value;

use super::der::{Reader, oid, oid_name, seq, set, tlv};
use super::texts;

/// One part that a name can have.
pub(super) struct Field {
    pub argument: &'static str,
    pub oid: &'static str,
    /// The abbreviation in text.
    pub short: &'static str,
    pub about: &'static str,
    pub many: bool,
}

const fn field(argument: &'static str, oid: &'static str, short: &'static str, about: &'static str) -> Field {
    Field { argument, oid, short, about, many: false }
}

/// The parts, in the order in which they are written. The last has a form of its own and no abbreviation.
pub(super) const FIELDS: [Field; 10] = [
    field("country", "2.5.4.6", "C", "The country."),
    field("province", "2.5.4.8", "ST", "The state or province."),
    field("locality", "2.5.4.7", "L", "The place."),
    Field { many: true, ..field("street_address", "2.5.4.9", "STREET", "The lines of the street address.") },
    field("postal_code", "2.5.4.17", "POSTALCODE", "The postal code."),
    field("organization", "2.5.4.10", "O", "The organization."),
    field("organizational_unit", "2.5.4.11", "OU", "The unit of the organization."),
    field("common_name", "2.5.4.3", "CN", "The common name."),
    field("serial_number", "2.5.4.5", "SERIALNUMBER", "The serial number."),
    field("email_address", "1.2.840.113549.1.9.1", "", "The e-mail address."),
];
const EMAIL: usize = 9;

/// The name that the block `subject` describes.
pub(super) fn from_subject(subject: &Value) -> Vec<u8> {
    let rdns = FIELDS.iter().enumerate().filter_map(|(i, field)| {
        if i == EMAIL {
            let address = subject.get_str(field.argument)?;
            return Some(set(vec![seq(&[oid(field.oid), tlv(0x16, address.as_bytes())])]));
        }
        let one = subject.get_str(field.argument).filter(|s| !s.is_empty());
        let values: Vec<&str> = if field.many { texts(subject, field.argument) } else { one.into_iter().collect() };
        rdn(field.oid, &values)
    });
    seq(&rdns.collect::<Vec<_>>())
}

/// The same name as Go writes it anew: the parts it knows, in its order.
pub(super) fn rewritten(name: &[u8]) -> Vec<u8> {
    let parts = parts(name);
    let of = |field: &Field| -> Vec<&str> {
        let mut found = parts.iter().filter(|(oid, _)| oid == field.oid).map(|(_, text)| text.as_str());
        // Of a part that can only be there once, the last counts.
        if matches!(field.short, "CN" | "SERIALNUMBER") { found.next_back().into_iter().collect() } else { found.collect() }
    };
    seq(&FIELDS[..EMAIL].iter().filter_map(|f| rdn(f.oid, &of(f))).collect::<Vec<_>>())
}

fn rdn(name: &str, values: &[&str]) -> Option<Vec<u8>> {
    let part = |text: &&str| seq(&[oid(name), string(text)]);
    (!values.is_empty()).then(|| set(values.iter().map(part).collect()))
}

/// Text in the simplest form that holds it.
fn string(text: &str) -> Vec<u8> {
    let simple = |b: u8| b.is_ascii_alphanumeric() || b"'()+,-./ :=?".contains(&b);
    tlv(if text.bytes().all(simple) { 0x13 } else { 0x0c }, text.as_bytes())
}

/// The parts of a name in order: what they are and their text.
fn parts(name: &[u8]) -> Vec<(String, String)> {
    let rdns = Reader(name).next().map(|i| i.inside()).into_iter().flatten();
    let parts = rdns.flat_map(|rdn| rdn.inside());
    let part = |item: super::der::Item<'_>| {
        let mut inside = item.inside();
        let (oid, value) = (inside.expect(6)?, inside.next()?);
        Some((oid_name(oid.content), text_of(value.tag, value.content)))
    };
    parts.filter_map(part).collect()
}

fn text_of(tag: u8, content: &[u8]) -> String {
    match tag {
        // Two bytes a character.
        0x1e => {
            let units: Vec<u16> = content.chunks_exact(2).map(|c| u16::from_be_bytes([c[0], c[1]])).collect();
            String::from_utf16_lossy(&units)
        }
        // Latin-1, more or less.
        0x14 if std::str::from_utf8(content).is_err() => content.iter().map(|b| char::from(*b)).collect(),
        _ => String::from_utf8_lossy(content).into_owned(),
    }
}

/// The name as text, its last part first.
pub(super) fn text(name: &[u8]) -> String {
    let parts = parts(name);
    let known = |oid: &str| FIELDS[..EMAIL].iter().any(|f| f.oid == oid);
    let others = parts.iter().filter(|(oid, _)| !known(oid));
    let mut rdns: Vec<String> = others.map(|(oid, text)| format!("{oid}=#{}", hex::encode(string(text)))).collect();
    for field in &FIELDS[..EMAIL] {
        let values: Vec<_> =
            parts.iter().filter(|(oid, _)| oid == field.oid).map(|(_, v)| format!("{}={}", field.short, escaped(v))).collect();
        let once = matches!(field.short, "CN" | "SERIALNUMBER");
        let shown = if once { values.last().cloned().unwrap_or_default() } else { values.join("+") };
        if !shown.is_empty() {
            rdns.push(shown);
        }
    }
    rdns.reverse();
    rdns.join(",")
}

fn escaped(text: &str) -> String {
    let last = text.chars().count().saturating_sub(1);
    let escape = |(i, c): (usize, char)| {
        let needed = ",+\"\\<>;".contains(c) || c == ' ' && (i == 0 || i == last) || c == '#' && i == 0;
        if needed { format!("\\{c}") } else { c.to_string() }
    };
    text.chars().enumerate().map(escape).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let subject = Value::object([
            ("common_name", Value::from("a*b")),
            ("organization", "X, Y".into()),
            ("locality", "Ort".into()),
            ("country", "DE".into()),
            ("email_address", "a@b".into()),
        ]);
        let name = from_subject(&subject);
        assert_eq!(text(&name), "CN=a*b,O=X\\, Y,L=Ort,C=DE,1.2.840.113549.1.9.1=#0c03614062");
        assert_eq!(text(&rewritten(&name)), "CN=a*b,O=X\\, Y,L=Ort,C=DE");
        assert_eq!(from_subject(&Value::object::<&str>([])), [0x30, 0]);
        assert_eq!((escaped(" a "), escaped("#")), ("\\ a\\ ".into(), "\\#".into()));
    }
}
