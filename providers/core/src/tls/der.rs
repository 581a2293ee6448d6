//! ASN.1 in its distinguished encoding: what keys and certificates are written in.

/// A value with its tag and length.
pub(super) fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    let n = content.len();
    if n < 128 {
        out.push(n as u8);
    } else {
        let bytes: Vec<u8> = n.to_be_bytes().into_iter().skip_while(|b| *b == 0).collect();
        out.push(0x80 | bytes.len() as u8);
        out.extend(bytes);
    }
    out.extend_from_slice(content);
    out
}

/// A sequence.
pub(super) fn seq(parts: &[Vec<u8>]) -> Vec<u8> {
    tlv(0x30, &parts.concat())
}

/// A set: its parts are in order of their bytes.
pub(super) fn set(mut parts: Vec<Vec<u8>>) -> Vec<u8> {
    parts.sort();
    tlv(0x31, &parts.concat())
}

/// A number that is not negative, from its bytes, the highest first.
pub(super) fn uint(bytes: &[u8]) -> Vec<u8> {
    let start = bytes.iter().position(|b| *b != 0).unwrap_or(bytes.len());
    let mut content = bytes[start..].to_vec();
    if content.first().is_none_or(|b| b & 0x80 != 0) {
        content.insert(0, 0);
    }
    tlv(2, &content)
}

/// Bytes.
pub(super) fn octets(bytes: &[u8]) -> Vec<u8> {
    tlv(4, bytes)
}

/// Whole bytes as a string of bits.
pub(super) fn bits(bytes: &[u8]) -> Vec<u8> {
    tlv(3, &[&[0], bytes].concat())
}

/// The name of an object, such as `1.2.840`.
pub(super) fn oid(name: &str) -> Vec<u8> {
    let arcs: Vec<u64> = name.split('.').filter_map(|a| a.parse().ok()).collect();
    let mut content = Vec::new();
    if let [first, second, rest @ ..] = &arcs[..] {
        for arc in std::iter::once(first * 40 + second).chain(rest.iter().copied()) {
            let groups = (1..10).find(|g| arc >> (7 * g) == 0).unwrap_or(10);
            content.extend((0..groups).rev().map(|g| (arc >> (7 * g) & 0x7f) as u8 | if g > 0 { 0x80 } else { 0 }));
        }
    }
    tlv(6, &content)
}

/// The name of an object from its content.
pub(super) fn oid_name(content: &[u8]) -> String {
    let mut arcs: Vec<u64> = Vec::new();
    let mut arc = 0u64;
    for byte in content {
        arc = arc.wrapping_shl(7) | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            if arcs.is_empty() {
                let first = (arc / 40).min(2);
                arcs.extend([first, arc - first * 40]);
            } else {
                arcs.push(arc);
            }
            arc = 0;
        }
    }
    arcs.iter().map(u64::to_string).collect::<Vec<_>>().join(".")
}

/// One value.
#[derive(Clone, Copy)]
pub(super) struct Item<'a> {
    /// Its tag.
    pub tag: u8,
    /// What is inside.
    pub content: &'a [u8],
    /// All of it.
    pub raw: &'a [u8],
}

impl<'a> Item<'a> {
    /// The values inside.
    pub fn inside(self) -> Reader<'a> {
        Reader(self.content)
    }
}

/// Reads one value after the other, as far as they are well formed.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a>(pub &'a [u8]);

impl<'a> Reader<'a> {
    /// The next value, if it has the tag.
    pub fn expect(&mut self, tag: u8) -> Option<Item<'a>> {
        let mut ahead = *self;
        let item = ahead.next().filter(|i| i.tag == tag)?;
        *self = ahead;
        Some(item)
    }
}

impl<'a> Iterator for Reader<'a> {
    type Item = Item<'a>;

    fn next(&mut self) -> Option<Item<'a>> {
        let [tag, length, ..] = *self.0 else { return None };
        let (start, n) = if length < 0x80 {
            (2, usize::from(length))
        } else {
            let more = usize::from(length & 0x7f);
            let bytes = self.0.get(2..2 + more).filter(|b| (1..=4).contains(&b.len()))?;
            (2 + more, bytes.iter().fold(0, |n, b| n << 8 | usize::from(*b)))
        };
        let raw = self.0.get(..start.checked_add(n)?)?;
        self.0 = &self.0[raw.len()..];
        Some(Item { tag, content: &raw[start..], raw })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodes_and_decodes() {
        assert_eq!(oid("1.2.840.113549.1.1.11"), [6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 11]);
        assert_eq!(oid_name(&oid("2.16.840.1.113730.4.1")[2..]), "2.16.840.1.113730.4.1");
        assert_eq!((uint(&[0, 0x80]), uint(&[])), (vec![2, 2, 0, 0x80], vec![2, 1, 0]));
        let long = tlv(4, &[7; 300]);
        assert_eq!(&long[..4], [4, 0x82, 1, 44]);
        let mut reader = Reader(&long);
        assert!(reader.expect(3).is_none());
        assert_eq!(reader.expect(4).unwrap().content.len(), 300);
        assert!(Reader(&[0x30, 5, 1]).next().is_none() && Reader(&[0x30, 0x85, 1, 1, 1, 1, 1]).next().is_none());
    }
}
