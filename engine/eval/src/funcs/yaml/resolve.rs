//! What a scalar of YAML 1.1 means.

use secstack_base::{Number, Value};

use super::super::datetime::Moment;
use super::super::encoding::decode_base64;

/// The meaning of a scalar.
pub enum Scalar {
    /// A value.
    Value(Value),
    /// `<<`, which as a key merges the mapping that follows.
    Merge,
}

const BINARY: &str = "tag:yaml.org,2002:binary";
const BOOL: &str = "tag:yaml.org,2002:bool";
const FLOAT: &str = "tag:yaml.org,2002:float";
const INT: &str = "tag:yaml.org,2002:int";
const NULL: &str = "tag:yaml.org,2002:null";
const STR: &str = "tag:yaml.org,2002:str";
const TIMESTAMP: &str = "tag:yaml.org,2002:timestamp";

/// Resolves a scalar by its tag, or by its looks when it has none.
///
/// # Errors
/// A sentence when the tag is not known or does not fit.
pub fn resolve(tag: &str, text: &str, quoted: bool) -> Result<Scalar, String> {
    if !["", BINARY, BOOL, FLOAT, INT, NULL, STR, TIMESTAMP].contains(&tag) {
        return Err(format!("unsupported tag {tag:?}"));
    }
    let first = text.bytes().next();
    let hinted = first.is_none_or(|b| b.is_ascii_digit() || b"+-.yYnNtTfFoO~".contains(&b));
    let mut kind = tag;
    if hinted && tag != STR && tag != BINARY {
        if quoted {
            return Ok(Scalar::Value(Value::string(text)));
        }
        if let Some(value) = word(text) {
            return Ok(Scalar::Value(value));
        }
        if tag.is_empty() && matches!(text, ".nan" | ".NaN" | ".NAN") {
            return Err("floating point NaN is not supported".into());
        }
        match first {
            Some(b'.') => {
                if let Some(n) = Number::parse(text) {
                    return Ok(Scalar::Value(n.into()));
                }
            }
            Some(b'0'..=b'9' | b'+' | b'-') => {
                if (tag.is_empty() || tag == TIMESTAMP)
                    && let Some(moment) = timestamp(text)
                {
                    return Ok(Scalar::Value(Value::from(moment.to_string())));
                }
                if is_integer(text) || is_float(text) {
                    kind = INT;
                }
            }
            _ => {}
        }
    }
    if tag.is_empty() && text == "<<" {
        return Ok(Scalar::Merge);
    }
    tagged(kind, text).map(Scalar::Value)
}

fn tagged(tag: &str, text: &str) -> Result<Value, String> {
    let misfit = || format!("cannot parse {text:?} as {tag}");
    match tag {
        BINARY => decode_base64(text).map(|_| Value::string(text)).map_err(|_| format!("{}: not valid base64", misfit())),
        BOOL => word(text).filter(|v| v.as_bool().is_some()).ok_or_else(misfit),
        INT | FLOAT => number(&text.replace('_', "")).map(Value::from).ok_or_else(misfit),
        TIMESTAMP => timestamp(text).map(|t| Value::from(t.to_string())).ok_or_else(misfit),
        NULL => Ok(Value::NULL),
        _ => Ok(Value::string(text)),
    }
}

/// The words that are no strings.
fn word(text: &str) -> Option<Value> {
    Some(match text {
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => Value::from(true),
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => Value::from(false),
        "" | "~" | "null" | "Null" | "NULL" => Value::NULL,
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => Value::from(Number::parse("Inf")?),
        "-.inf" | "-.Inf" | "-.INF" => Value::from(Number::parse("Inf")?.neg()),
        _ => return None,
    })
}

fn all(text: &str, test: fn(&u8) -> bool) -> bool {
    !text.is_empty() && text.as_bytes().iter().all(test)
}

fn is_integer(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    all(unsigned, u8::is_ascii_digit)
        || text.strip_prefix("0o").is_some_and(|t| all(t, |b| (b'0'..=b'7').contains(b)))
        || text.strip_prefix("0x").is_some_and(|t| all(t, u8::is_ascii_hexdigit))
}

fn is_float(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent.strip_prefix(['+', '-']).unwrap_or(exponent))),
        None => (unsigned, None),
    };
    let digits = |t: &str| t.bytes().all(|b| b.is_ascii_digit());
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, "0"));
    digits(whole) && digits(fraction) && !(whole.is_empty() && fraction.is_empty()) && exponent.is_none_or(|e| all(e, u8::is_ascii_digit))
}

fn number(text: &str) -> Option<Number> {
    if let Some(n) = Number::parse(text.strip_prefix('+').unwrap_or(text)) {
        return Some(n);
    }
    let (negative, unsigned) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let lower = unsigned.to_ascii_lowercase();
    let (radix, digits) = match lower.get(..2)? {
        "0x" => (16, &lower[2..]),
        "0o" => (8, &lower[2..]),
        "0b" => (2, &lower[2..]),
        _ => return None,
    };
    if !all(digits, u8::is_ascii_alphanumeric) {
        return None;
    }
    let n = Number::from(u64::from_str_radix(digits, radix).ok()?);
    Some(if negative { n.neg() } else { n })
}

/// The point in time of `2020-1-2`, `2020-1-2 3:4:5.6` or `2020-1-2T3:4:5.6+01:00`.
fn timestamp(text: &str) -> Option<Moment> {
    let (date, clock, zone) = match text.split_once(['T', 't', ' ']) {
        None => (text, None, None),
        Some((date, rest)) if text.as_bytes().get(date.len()) == Some(&b' ') => (date, Some(rest), None),
        Some((date, rest)) => {
            let at = rest.find(['Z', '+', '-'])?;
            (date, Some(&rest[..at]), Some(&rest[at..]))
        }
    };
    let (year, rest) = date.split_once('-')?;
    let (month, day) = rest.split_once('-')?;
    let short = |t: &str| if t.len() == 1 { format!("0{t}") } else { t.to_owned() };
    let clock = clock.unwrap_or("0:0:0").replace(',', ".");
    let mut parts = clock.splitn(3, ':');
    let (hour, minute, second) = (parts.next()?, parts.next()?, parts.next()?);
    let (second, fraction) = second.split_once('.').map_or((second, String::new()), |(s, f)| (s, format!(".{f}")));
    let zone = zone.unwrap_or("Z");
    Moment::parse(&format!("{year}-{}-{}T{}:{}:{}{fraction}{zone}", short(month), short(day), short(hour), short(minute), short(second)))
        .ok()
}
