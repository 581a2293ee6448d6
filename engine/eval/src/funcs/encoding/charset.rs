//! Character sets by the names that IANA registers for them.

use encoding_rs::Encoding;

/// A character set.
pub enum Charset {
    Ascii,
    Utf8,
    /// UTF-16: with a byte order mark, or of a fixed order.
    Utf16 {
        mark: bool,
        little: bool,
    },
    /// One byte a character: the characters of the bytes from the first that is not ASCII on.
    Single(Vec<char>),
    Multi(&'static Encoding),
}

/// Sets of one byte a character: names, a tab, and four hexadecimal digits for each byte, from 0x80 where the first
/// half is ASCII. `fffd` stands for bytes without a character.
const SINGLE: &str = include_str!("charsets.txt");

/// The character set of that name, in whatever case.
pub fn find(name: &str) -> Option<Charset> {
    let name = name.to_ascii_lowercase();
    Some(match name.as_str() {
        "ansi_x3.4-1968" | "ansi_x3.4-1986" | "cp367" | "csascii" | "ibm367" | "iso-ir-6" | "iso646-us" | "iso_646.irv:1991" | "us"
        | "us-ascii" => Charset::Ascii,
        "csutf8" | "utf-8" => Charset::Utf8,
        "csutf16" | "utf-16" => Charset::Utf16 { mark: true, little: false },
        "csutf16be" | "utf-16be" => Charset::Utf16 { mark: false, little: false },
        "csutf16le" | "utf-16le" => Charset::Utf16 { mark: false, little: true },
        "csshiftjis" | "ms_kanji" | "shift_jis" => Charset::Multi(encoding_rs::SHIFT_JIS),
        "cseucpkdfmtjapanese" | "euc-jp" | "extended_unix_code_packed_format_for_japanese" => Charset::Multi(encoding_rs::EUC_JP),
        "cseuckr" | "euc-kr" => Charset::Multi(encoding_rs::EUC_KR),
        "csiso2022jp" | "iso-2022-jp" => Charset::Multi(encoding_rs::ISO_2022_JP),
        "cp936" | "csgbk" | "gbk" | "ms936" | "windows-936" => Charset::Multi(encoding_rs::GBK),
        "csgb18030" | "gb18030" => Charset::Multi(encoding_rs::GB18030),
        "big5" | "csbig5" => Charset::Multi(encoding_rs::BIG5),
        name => Charset::Single(single(name)?),
    })
}

fn single(name: &str) -> Option<Vec<char>> {
    let rows = SINGLE.lines().filter_map(|line| line.split_once('\t'));
    let (_, table) = rows.into_iter().find(|(names, _)| names.split(' ').any(|n| n == name))?;
    let code = |i| table.get(i * 4..i * 4 + 4).and_then(|hex| u32::from_str_radix(hex, 16).ok()).and_then(char::from_u32);
    (0..table.len() / 4).map(code).collect()
}

const MISSING: char = '\u{fffd}';

impl Charset {
    /// The bytes of the text, if the set has all its characters.
    pub fn encode(&self, text: &str) -> Option<Vec<u8>> {
        match self {
            Charset::Ascii => text.is_ascii().then(|| text.into()),
            Charset::Utf8 => Some(text.into()),
            Charset::Utf16 { mark, little } => {
                let units = mark.then_some(0xfeff).into_iter().chain(text.encode_utf16());
                Some(units.flat_map(|u| if *little { u.to_le_bytes() } else { u.to_be_bytes() }).collect())
            }
            Charset::Single(table) => text.chars().map(|c| single_byte(table, c)).collect(),
            Charset::Multi(encoding) => {
                let (bytes, _, failed) = encoding.encode(text);
                (!failed).then(|| bytes.into_owned())
            }
        }
    }

    /// The text of the bytes, if all of them mean something.
    pub fn decode(&self, bytes: &[u8]) -> Option<String> {
        let text = match self {
            Charset::Ascii if !bytes.is_ascii() => return None,
            Charset::Ascii | Charset::Utf8 => String::from_utf8(bytes.to_vec()).ok()?,
            Charset::Utf16 { mark, little } => utf16(bytes, *mark, *little)?,
            Charset::Single(table) => {
                let first = 256 - table.len();
                let char_of = |b: &u8| usize::from(*b).checked_sub(first).map_or(char::from(*b), |i| table[i]);
                bytes.iter().map(char_of).collect()
            }
            Charset::Multi(encoding) => encoding.decode_without_bom_handling(bytes).0.into_owned(),
        };
        (!text.contains(MISSING)).then_some(text)
    }
}

fn single_byte(table: &[char], c: char) -> Option<u8> {
    let first = 256 - table.len();
    if c == MISSING {
        return None;
    }
    if (c as usize) < first {
        return u8::try_from(c).ok();
    }
    table.iter().position(|t| *t == c).and_then(|i| u8::try_from(first + i).ok())
}

fn utf16(bytes: &[u8], mark: bool, little: bool) -> Option<String> {
    let (little, bytes) = match bytes {
        [0xfe, 0xff, rest @ ..] if mark => (false, rest),
        [0xff, 0xfe, rest @ ..] if mark => (true, rest),
        bytes => (little, bytes),
    };
    if bytes.len() % 2 != 0 {
        return None;
    }
    let units = bytes.chunks_exact(2).map(|b| if little { u16::from_le_bytes([b[0], b[1]]) } else { u16::from_be_bytes([b[0], b[1]]) });
    char::decode_utf16(units).collect::<Result<String, _>>().ok()
}
