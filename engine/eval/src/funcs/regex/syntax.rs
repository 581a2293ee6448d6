//! Patterns in RE2's syntax, as Go reads it, rewritten for the `regex` crate.
//!
//! The two agree on most patterns but not on all: classes of characters are ASCII here, some escapes exist in
//! one only, and the crate takes much that RE2 refuses. So every piece is read by RE2's rules and written in a form
//! that has one meaning.

use std::fmt::Write;

/// A pattern for the `regex` crate.
pub struct Pattern {
    /// The rewritten text. Its groups have no names.
    pub text: String,
    /// The name of each group, where it has one.
    pub names: Vec<Option<String>>,
}

/// The largest count of a repetition, nested ones multiplied.
const MOST_REPEATS: usize = 1000;
/// Deeper groups are refused.
const MOST_DEPTH: usize = 250;

/// Rewrites a pattern.
///
/// # Errors
/// What RE2 says of the pattern.
pub fn translate(pattern: &str) -> Result<Pattern, String> {
    let mut t = Translator {
        rest: pattern,
        out: String::new(),
        names: Vec::new(),
        groups: Vec::new(),
        last: Last::Nothing,
        inner: 1,
        flags_len: 0,
    };
    while let Some(c) = t.rest.chars().next() {
        t.piece(c)?;
    }
    if t.groups.is_empty() { Ok(Pattern { text: t.out, names: t.names }) } else { Err(format!("missing closing ) in {pattern}")) }
}

/// What stands in front of a repetition.
#[derive(Clone, Copy, PartialEq)]
enum Last {
    Nothing,
    /// Something to repeat, with the count of repetitions in it.
    Atom(usize),
    Repetition,
}

struct Translator<'a> {
    rest: &'a str,
    out: String,
    names: Vec<Option<String>>,
    /// For each open group, the largest count of repetitions before it in the group around it.
    groups: Vec<usize>,
    last: Last,
    /// The largest count of repetitions so far in the group at hand.
    inner: usize,
    /// The length of the flags written after the last atom.
    flags_len: usize,
}

impl<'a> Translator<'a> {
    fn skip(&mut self, bytes: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(bytes);
        self.rest = rest;
        taken
    }

    fn atom(&mut self, text: &str) {
        self.out.push_str(text);
        (self.last, self.flags_len) = (Last::Atom(1), 0);
    }

    fn literal(&mut self, c: char) {
        self.atom(&code(c));
    }

    fn piece(&mut self, c: char) -> Result<(), String> {
        match c {
            '(' => return self.open(),
            '[' => return self.class(),
            '\\' => return self.escaped(),
            '*' | '+' | '?' => {
                self.skip(1);
                return self.repeat(&c.to_string(), 1);
            }
            '{' => {
                if let Some((min, max, len)) = counts(self.rest) {
                    return self.repeat_counted(min, max, len);
                }
                self.literal(c);
            }
            '|' => {
                self.out.push('|');
                (self.last, self.flags_len) = (Last::Nothing, 0);
            }
            ')' => {
                let outer = self.groups.pop().ok_or_else(|| format!("unexpected ): {}", self.rest))?;
                self.out.push(')');
                (self.last, self.flags_len) = (Last::Atom(self.inner), 0);
                self.inner = self.inner.max(outer);
            }
            '^' | '$' | '.' => self.atom(&c.to_string()),
            c => self.literal(c),
        }
        self.skip(c.len_utf8());
        Ok(())
    }

    fn open(&mut self) -> Result<(), String> {
        if self.groups.len() >= MOST_DEPTH {
            return Err("expression nests too deeply".into());
        }
        let named = self.rest.strip_prefix("(?P<").or_else(|| self.rest.strip_prefix("(?<"));
        if let Some(after) = named {
            let name = after.split_once('>').map(|(name, _)| name).unwrap_or_default();
            if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
                return Err(format!("invalid named capture: {}", self.rest));
            }
            self.names.push(Some(name.into()));
            self.skip(self.rest.len() - after.len() + name.len() + 1);
            self.out.push('(');
        } else if self.rest.starts_with("(?") {
            if !self.flags()? {
                return Ok(());
            }
        } else {
            self.names.push(None);
            self.skip(1);
            self.out.push('(');
        }
        self.groups.push(self.inner);
        (self.last, self.inner, self.flags_len) = (Last::Nothing, 1, 0);
        Ok(())
    }

    /// `(?flags)` or `(?flags:`; tells whether a group opened.
    fn flags(&mut self) -> Result<bool, String> {
        let invalid = || Err(format!("invalid or unsupported Perl syntax: {}", self.rest));
        let Some(end) = self.rest.find([')', ':']) else { return Err(format!("missing argument to group: {}", self.rest)) };
        let flags = &self.rest[2..end];
        let (on, off) = match flags.split_once('-') {
            Some((_, "")) => return invalid(),
            Some((on, off)) => (on, off),
            None => (flags, ""),
        };
        if !on.chars().chain(off.chars()).all(|c| "imsU".contains(c)) {
            return invalid();
        }
        let opened = self.rest.as_bytes()[end] == b':';
        let text = self.skip(end + 1);
        if opened || !flags.is_empty() {
            self.out.push_str(text);
        }
        // A repetition after `(?flags)` belongs to what stands before.
        if !opened && self.last != Last::Nothing {
            self.flags_len += if flags.is_empty() { 0 } else { text.len() };
            if self.last == Last::Repetition {
                self.last = Last::Atom(self.inner);
            }
        }
        Ok(opened)
    }

    fn repeat(&mut self, operator: &str, count: usize) -> Result<(), String> {
        let within = match self.last {
            Last::Nothing => return Err(format!("missing argument to repetition operator: {operator}")),
            Last::Repetition => return Err(format!("invalid nested repetition operator: {operator}")),
            Last::Atom(within) => within,
        };
        let total = within.saturating_mul(count.max(1));
        if count >= 2 && total > MOST_REPEATS {
            return Err(format!("invalid repeat count: {operator}"));
        }
        self.inner = self.inner.max(total);
        let at = self.out.len() - self.flags_len;
        self.out.insert_str(at, operator);
        if self.rest.starts_with('?') {
            self.skip(1);
            self.out.insert(at + operator.len(), '?');
        }
        self.last = Last::Repetition;
        Ok(())
    }

    fn repeat_counted(&mut self, min: usize, max: Option<usize>, len: usize) -> Result<(), String> {
        let operator = self.skip(len);
        if min > MOST_REPEATS || max.is_some_and(|max| max > MOST_REPEATS || max < min) {
            return Err(format!("invalid repeat count: {operator}"));
        }
        self.repeat(operator, max.unwrap_or(min))
    }

    /// A backslash outside a class.
    fn escaped(&mut self) -> Result<(), String> {
        let kind = self.rest[1..].chars().next();
        match kind {
            Some('A' | 'z') => {
                let text = self.skip(2);
                self.atom(text);
            }
            Some('b') => {
                self.skip(2);
                self.atom("(?-u:\\b)");
            }
            Some('B') => {
                self.skip(2);
                self.atom("(?-u:\\B)");
            }
            Some('Q') => {
                self.skip(2);
                let quoted = self.rest.split("\\E").next().unwrap_or_default();
                quoted.chars().for_each(|c| self.literal(c));
                self.skip(quoted.len());
                self.skip(if self.rest.is_empty() { 0 } else { 2 });
            }
            _ => match self.escaped_class()? {
                Some(class) => self.atom(&format!("[{class}]")),
                None => {
                    let c = self.escaped_char()?;
                    self.literal(c);
                }
            },
        }
        Ok(())
    }

    /// `\d` and its kin or `\p{...}`, as it stands in a class.
    fn escaped_class(&mut self) -> Result<Option<String>, String> {
        let class = match self.rest[1..].chars().next() {
            Some('d') => "0-9",
            Some('D') => "[^0-9]",
            Some('s') => "\\t\\n\\f\\r ",
            Some('S') => "[^\\t\\n\\f\\r ]",
            Some('w') => "0-9A-Za-z_",
            Some('W') => "[^0-9A-Za-z_]",
            Some('p' | 'P') => return self.unicode_class().map(Some),
            _ => return Ok(None),
        };
        self.skip(2);
        Ok(Some(class.into()))
    }

    fn unicode_class(&mut self) -> Result<String, String> {
        let whole = self.rest;
        let invalid = || format!("invalid character class range: {whole}");
        let mut negated = whole[1..].starts_with('P');
        let after = &whole[2..];
        let (name, len) = match after.strip_prefix('{') {
            Some(inner) => {
                let name = inner.split_once('}').map(|(name, _)| name).ok_or_else(invalid)?;
                (name, name.len() + 2)
            }
            None => {
                let len = after.chars().next().ok_or_else(invalid)?.len_utf8();
                (&after[..len], len)
            }
        };
        self.skip(2 + len);
        let name = name.strip_prefix('^').inspect(|_| negated = !negated).unwrap_or(name);
        let letter = if negated { 'P' } else { 'p' };
        match name {
            "Any" => Ok(if negated { "[^\\x{0}-\\x{10FFFF}]".into() } else { "\\x{0}-\\x{10FFFF}".into() }),
            _ if CATEGORIES.split(' ').any(|c| c == name) => Ok(format!("\\{letter}{{gc={name}}}")),
            _ if SCRIPTS.split(' ').any(|s| s == name) => Ok(format!("\\{letter}{{sc={name}}}")),
            _ => Err(invalid()),
        }
    }

    /// The character that an escape stands for.
    fn escaped_char(&mut self) -> Result<char, String> {
        let whole = self.rest;
        let invalid = || format!("invalid escape sequence: {}", whole.chars().take(2).collect::<String>());
        let c = whole[1..].chars().next().ok_or("trailing backslash at end of expression")?;
        self.skip(1 + c.len_utf8());
        let octal = |s: &str| s.starts_with(|c: char| ('0'..='7').contains(&c));
        match c {
            '0' => Ok(self.octal(c)),
            '1'..='7' if octal(self.rest) => Ok(self.octal(c)),
            'x' => self.hex().ok_or_else(invalid),
            'a' => Ok('\u{7}'),
            'f' => Ok('\u{c}'),
            'n' => Ok('\n'),
            'r' => Ok('\r'),
            't' => Ok('\t'),
            'v' => Ok('\u{b}'),
            c if c.is_ascii() && !c.is_ascii_alphanumeric() => Ok(c),
            _ => Err(invalid()),
        }
    }

    /// Up to three octal digits, of which the first is read already.
    fn octal(&mut self, first: char) -> char {
        let mut n = first.to_digit(8).unwrap_or(0);
        for _ in 0..2 {
            let Some(digit) = self.rest.chars().next().and_then(|c| c.to_digit(8)) else { break };
            n = n * 8 + digit;
            self.skip(1);
        }
        char::from_u32(n).unwrap_or('\0')
    }

    fn hex(&mut self) -> Option<char> {
        let (digits, len) = match self.rest.strip_prefix('{') {
            Some(inner) => inner.split_once('}').map(|(digits, _)| (digits, digits.len() + 2))?,
            None => (self.rest.get(..2)?, 2),
        };
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        let c = u32::from_str_radix(digits, 16).ok().and_then(char::from_u32)?;
        self.skip(len);
        Some(c)
    }

    fn class(&mut self) -> Result<(), String> {
        let whole = self.rest;
        let missing = || format!("missing closing ]: {whole}");
        self.skip(1);
        let mut out = String::from("[");
        if self.rest.starts_with('^') {
            out.push_str(self.skip(1));
        }
        let mut first = true;
        while first || !self.rest.starts_with(']') {
            first = false;
            if self.rest.is_empty() {
                return Err(missing());
            }
            if let Some(end) = self.rest.strip_prefix("[:").and_then(|r| r.find(":]")) {
                let name = self.skip(end + 4);
                let known = POSIX.split(' ').any(|p| name[2..2 + end].trim_start_matches('^') == p && !name.starts_with("[:^^"));
                if !known {
                    return Err(format!("invalid character class range: {name}"));
                }
                out.push_str(name);
                continue;
            }
            if self.rest.starts_with('\\')
                && let Some(class) = self.escaped_class()?
            {
                out.push_str(&class);
                continue;
            }
            let before = self.rest;
            let low = self.class_char().ok_or_else(missing)??;
            let high = match self.rest.strip_prefix('-') {
                Some(after) if !after.is_empty() && !after.starts_with(']') => {
                    self.skip(1);
                    self.class_char().ok_or_else(missing)??
                }
                _ => low,
            };
            if high < low {
                return Err(format!("invalid character class range: {}", &before[..before.len() - self.rest.len()]));
            }
            let _written = write!(out, "{}-{}", code(low), code(high));
        }
        self.skip(1);
        out.push(']');
        self.atom(&out);
        Ok(())
    }

    fn class_char(&mut self) -> Option<Result<char, String>> {
        let c = self.rest.chars().next()?;
        if c == '\\' {
            return Some(self.escaped_char());
        }
        self.skip(c.len_utf8());
        Some(Ok(c))
    }
}

/// A character by its number, which is safe wherever a character may stand.
fn code(c: char) -> String {
    if c.is_ascii_alphanumeric() { c.into() } else { format!("\\x{{{:x}}}", c as u32) }
}

/// The bounds of `{n}`, `{n,}` or `{n,m}` at the start, and its length. What looks different is literal text.
fn counts(text: &str) -> Option<(usize, Option<usize>, usize)> {
    let (inner, _) = text.strip_prefix('{')?.split_once('}')?;
    let number = |s: &str| {
        let plain = !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit()) && (s.len() == 1 || !s.starts_with('0'));
        plain.then(|| s.parse().unwrap_or(usize::MAX))
    };
    let (min, max) = match inner.split_once(',') {
        None => (number(inner)?, Some(number(inner)?)),
        Some((min, "")) => (number(min)?, None),
        Some((min, max)) => (number(min)?, Some(number(max)?)),
    };
    Some((min, max, inner.len() + 2))
}

const POSIX: &str = "alnum alpha ascii blank cntrl digit graph lower print punct space upper word xdigit";
const CATEGORIES: &str = "C Cc Cf Co Cs L Ll Lm Lo Lt Lu M Mc Me Mn N Nd Nl No P Pc Pd Pe Pf Pi Po Ps S Sc Sk Sm So Z Zl Zp Zs";
const SCRIPTS: &str = "\
    Adlam Ahom Anatolian_Hieroglyphs Arabic Armenian Avestan Balinese Bamum Bassa_Vah Batak Bengali Bhaiksuki \
    Bopomofo Brahmi Braille Buginese Buhid Canadian_Aboriginal Carian Caucasian_Albanian Chakma Cham Cherokee \
    Chorasmian Common Coptic Cuneiform Cypriot Cypro_Minoan Cyrillic Deseret Devanagari Dives_Akuru Dogra \
    Duployan Egyptian_Hieroglyphs Elbasan Elymaic Ethiopic Georgian Glagolitic Gothic Grantha Greek Gujarati \
    Gunjala_Gondi Gurmukhi Han Hangul Hanifi_Rohingya Hanunoo Hatran Hebrew Hiragana Imperial_Aramaic \
    Inherited Inscriptional_Pahlavi Inscriptional_Parthian Javanese Kaithi Kannada Katakana Kawi Kayah_Li \
    Kharoshthi Khitan_Small_Script Khmer Khojki Khudawadi Lao Latin Lepcha Limbu Linear_A Linear_B Lisu \
    Lycian Lydian Mahajani Makasar Malayalam Mandaic Manichaean Marchen Masaram_Gondi Medefaidrin \
    Meetei_Mayek Mende_Kikakui Meroitic_Cursive Meroitic_Hieroglyphs Miao Modi Mongolian Mro Multani Myanmar \
    Nabataean Nag_Mundari Nandinagari New_Tai_Lue Newa Nko Nushu Nyiakeng_Puachue_Hmong Ogham Ol_Chiki \
    Old_Hungarian Old_Italic Old_North_Arabian Old_Permic Old_Persian Old_Sogdian Old_South_Arabian \
    Old_Turkic Old_Uyghur Oriya Osage Osmanya Pahawh_Hmong Palmyrene Pau_Cin_Hau Phags_Pa Phoenician \
    Psalter_Pahlavi Rejang Runic Samaritan Saurashtra Sharada Shavian Siddham SignWriting Sinhala Sogdian \
    Sora_Sompeng Soyombo Sundanese Syloti_Nagri Syriac Tagalog Tagbanwa Tai_Le Tai_Tham Tai_Viet Takri Tamil \
    Tangsa Tangut Telugu Thaana Thai Tibetan Tifinagh Tirhuta Toto Ugaritic Vai Vithkuqi Wancho Warang_Citi \
    Yezidi Yi Zanabazar_Square";
