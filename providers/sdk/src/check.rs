//! Checks of values that more than one type needs. Each takes a known value that is not null. In the sentence about a wrong
//! one `{name}` stands for the name of the argument, `{key}` for all the names that lead to it.

use std::net::{Ipv4Addr, Ipv6Addr};

use secstack_base::{Number, Value};

/// The result of a check: a sentence about the value when it is wrong.
pub type Checked = Result<(), String>;

fn when(ok: bool, otherwise: impl FnOnce() -> String) -> Checked {
    if ok { Ok(()) } else { Err(otherwise()) }
}

/// One of the given words.
pub fn one_of<const N: usize>(v: &Value, words: [&str; N]) -> Checked {
    let Some(s) = v.as_str() else { return Ok(()) };
    when(words.contains(&s), || unlisted(&words, s))
}

/// One of the given words, in upper or lower case.
pub fn one_of_nocase<const N: usize>(v: &Value, words: [&str; N]) -> Checked {
    let Some(s) = v.as_str() else { return Ok(()) };
    when(words.iter().any(|w| w.eq_ignore_ascii_case(s)), || unlisted(&words, s))
}

fn unlisted(words: &[&str], got: &str) -> String {
    let words: Vec<String> = words.iter().map(|w| format!("{w:?}")).collect();
    format!("expected {{name}} to be one of [{}], got {got}", words.join(" "))
}

/// A number of at least `low` and at most `high`.
pub fn between(v: &Value, low: i64, high: i64) -> Checked {
    let Some(n) = v.as_number().and_then(Number::to_i64) else { return Ok(()) };
    when((low..=high).contains(&n), || {
        if high == i64::MAX {
            format!("expected {{key}} to be at least ({low}), got {n}")
        } else {
            format!("expected {{key}} to be in the range ({low} - {high}), got {n}")
        }
    })
}

/// Text of at least `low` and at most `high` characters.
pub fn length(v: &Value, low: usize, high: usize) -> Checked {
    let Some(s) = v.as_str() else { return Ok(()) };
    let n = s.chars().count();
    when((low..=high).contains(&n), || format!("expected length of {{key}} to be in the range ({low} - {high}), got {s}"))
}

/// Text that does not begin with `prefix`.
pub fn no_prefix(v: &Value, prefix: &str) -> Checked {
    let Some(s) = v.as_str() else { return Ok(()) };
    when(!s.starts_with(prefix), || format!("invalid value for {{key}} (cannot begin with {prefix})"))
}

/// Text that is empty.
pub fn empty(v: &Value) -> Checked {
    let Some(s) = v.as_str() else { return Ok(()) };
    when(s.is_empty(), || format!("expected \"{{key}}\" to be an empty string: got {s}"))
}

/// An address of the web that begins with `https://`.
pub fn https(v: &Value) -> Checked {
    let Some(s) = v.as_str() else { return Ok(()) };
    when(!s.is_empty(), || "expected \"{key}\" url to not be empty, got ".into())?;
    let (scheme, rest) = s.split_once("://").unwrap_or(("", s));
    let has_host = !scheme.is_empty() && !rest.is_empty() && !rest.starts_with(['/', '?', '#']);
    when(has_host, || format!("expected \"{{key}}\" to have a host, got {s}"))?;
    when(scheme == "https", || format!("expected \"{{key}}\" to have a url with schema of: \"https\", got {s}"))
}

/// Every element passes `check`.
pub fn each(v: &Value, check: fn(&Value) -> Checked) -> Checked {
    v.parts().filter(|v| !v.is_null() && !v.is_unknown()).try_for_each(check)
}

/// JSON. Empty text passes.
pub fn json(v: &Value) -> Checked {
    let Some(s) = v.as_str().filter(|s| !s.is_empty()) else { return Ok(()) };
    match serde_json::from_str::<serde::de::IgnoredAny>(s) {
        Ok(_) => Ok(()),
        Err(e) if e.is_eof() => Err("\"{key}\" contains an invalid JSON: unexpected end of JSON input".into()),
        Err(e) => Err(format!("\"{{key}}\" contains an invalid JSON: {e}")),
    }
}

/// An IPv4 address.
pub fn ipv4(v: &Value) -> Checked {
    let Some(s) = v.as_str() else { return Ok(()) };
    when(s.parse::<Ipv4Addr>().is_ok(), || format!("{s:?} is not an IPv4 address"))
}

/// A range of IPv4 addresses in CIDR notation, without bits set beyond the prefix. Empty text passes.
pub fn cidr_v4(v: &Value) -> Checked {
    let Some(s) = v.as_str().filter(|s| !s.is_empty()) else { return Ok(()) };
    let Some((ip, bits)) = split::<Ipv4Addr>(s, 32) else {
        return Err(format!("{s:?} is not a valid IPv4 CIDR block"));
    };
    let mask = u32::MAX.checked_shl(32 - bits).unwrap_or(0);
    let network = Ipv4Addr::from(u32::from(ip) & mask);
    when(ip == network, || format!("{s:?} is not a valid IPv4 CIDR block; did you mean \"{network}/{bits}\"?"))
}

/// The same, with a prefix of so many bits.
pub fn network_v4(v: &Value, least: u32, most: u32) -> Checked {
    cidr_v4(v)?;
    let Some((_, bits)) = v.as_str().filter(|s| !s.is_empty()).and_then(|s| split::<Ipv4Addr>(s, 32)) else { return Ok(()) };
    when((least..=most).contains(&bits), || {
        format!("expected \"{{key}}\" to contain a network Value with between {least} and {most} significant bits, got: {bits}")
    })
}

/// A range of IPv6 addresses in CIDR notation, without bits set beyond the prefix. Empty text passes.
pub fn cidr_v6(v: &Value) -> Checked {
    let Some(s) = v.as_str().filter(|s| !s.is_empty()) else { return Ok(()) };
    let Some((ip, bits)) = split::<Ipv6Addr>(s, 128) else {
        return Err(format!("{s:?} is not a valid IPv6 CIDR block"));
    };
    let mask = u128::MAX.checked_shl(128 - bits).unwrap_or(0);
    let network = Ipv6Addr::from(u128::from(ip) & mask);
    when(ip == network, || format!("{s:?} is not a valid IPv6 CIDR block; did you mean \"{network}/{bits}\"?"))
}

/// A range of IPv4 or IPv6 addresses in CIDR notation.
pub fn cidr(v: &Value) -> Checked {
    match v.as_str() {
        Some(s) if s.contains(':') => cidr_v6(v),
        _ => cidr_v4(v),
    }
}

fn split<A: std::str::FromStr>(s: &str, most: u32) -> Option<(A, u32)> {
    let (ip, bits) = s.split_once('/')?;
    let plain = bits.bytes().all(|b| b.is_ascii_digit());
    let bits = bits.parse().ok().filter(|b| plain && *b <= most)?;
    Some((ip.parse().ok()?, bits))
}

/// An Amazon resource name. Empty text passes.
pub fn arn(v: &Value) -> Checked {
    let Some(s) = v.as_str().filter(|s| !s.is_empty()) else { return Ok(()) };
    let parts: Vec<&str> = s.splitn(6, ':').collect();
    let wrong = match parts[..] {
        ["arn", partition, service, _, _, resource] if !partition.is_empty() && !service.is_empty() && !resource.is_empty() => {
            return Ok(());
        }
        ["arn", _, _, _, _, _] => "missing partition, service or resource value",
        ["arn", ..] => "arn: not enough sections",
        _ => "arn: invalid prefix",
    };
    Err(format!("\"{{key}}\" ({s}) is an invalid ARN: {wrong}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges() {
        check(cidr_v4, "10.0.0.0/16 0.0.0.0/0 1.2.3.4/32", "10.0.0.1/16 10.0.0.0/33 10.0.0/8 x");
        check(cidr_v6, "::/0 2001:db8::/32", "2001:db8::1/32 10.0.0.0/8");
        check(|v| network_v4(v, 16, 28), "10.0.0.0/16 10.0.0.0/28", "10.0.0.0/8 10.0.0.0/29 10.0.0.1/16 x");
        check(json, "{} [1] \"a\"", "{ {]} a");
        check(arn, "arn:aws:iam::1:role/x", "arn:aws:iam role");
        check(https, "https://a https://a/b?c", "a http://a https:// https:///b");
    }

    #[track_caller]
    fn check(f: fn(&Value) -> Checked, good: &str, bad: &str) {
        for (words, want) in [(good, true), (bad, false)] {
            for w in words.split(' ') {
                assert_eq!(f(&Value::string(w)).is_ok(), want, "{w}");
            }
        }
    }
}
