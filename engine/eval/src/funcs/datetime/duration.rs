//! Durations as Go writes them: `1h30m`, `-1.5s`, `300ms`.

/// The duration in nanoseconds.
///
/// # Errors
/// A sentence when the text is no duration, or one of more than 292 years.
pub fn parse(text: &str) -> Result<i64, String> {
    let invalid = || format!("time: invalid duration {}", quote(text));
    let (negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Ok(0);
    }
    if rest.is_empty() {
        return Err(invalid());
    }
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let (nanos, after) = segment(rest).map_err(|fault| match fault {
            Fault::Invalid => invalid(),
            Fault::NoUnit => format!("time: missing unit in duration {}", quote(text)),
            Fault::Unit(unit) => format!("time: unknown unit {} in duration {}", quote(unit), quote(text)),
        })?;
        total = total.checked_add(nanos).filter(|t| *t <= LIMIT).ok_or_else(invalid)?;
        rest = after;
    }
    let total = i128::from(total);
    i64::try_from(if negative { -total } else { total }).map_err(|_| invalid())
}

const LIMIT: u64 = 1 << 63;

/// Why a part of a duration cannot be used.
enum Fault<'a> {
    Invalid,
    NoUnit,
    Unit(&'a str),
}

/// One number with its unit, and what follows.
fn segment(text: &str) -> Result<(u64, &str), Fault<'_>> {
    let (whole, rest) = digits(text);
    let (fraction, rest) = match rest.strip_prefix('.') {
        Some(rest) => digits(rest),
        None => ("", rest),
    };
    if whole.is_empty() && fraction.is_empty() {
        return Err(Fault::Invalid);
    }
    let whole: u64 = if whole.is_empty() { 0 } else { whole.parse().map_err(|_| Fault::Invalid)? };
    let end = rest.find(|c: char| c == '.' || c.is_ascii_digit()).unwrap_or(rest.len());
    let (unit, rest) = rest.split_at(end);
    if unit.is_empty() {
        return Err(Fault::NoUnit);
    }
    let unit = nanos(unit).ok_or(Fault::Unit(unit))?;
    let mut total = whole.checked_mul(unit).filter(|t| *t <= LIMIT).ok_or(Fault::Invalid)?;
    let (fraction, scale) = scaled(fraction);
    if fraction > 0 {
        total = total.checked_add((fraction as f64 * (unit as f64 / scale)) as u64).filter(|t| *t <= LIMIT).ok_or(Fault::Invalid)?;
    }
    Ok((total, rest))
}

/// The text in quotes, with bytes that are not plain ASCII as Go shows them in these messages.
fn quote(text: &str) -> String {
    let shown = |b: u8| match b {
        b'"' | b'\\' => format!("\\{}", char::from(b)),
        b' '..=b'~' => char::from(b).to_string(),
        _ => format!("\\x{b:02x}"),
    };
    format!("\"{}\"", text.bytes().map(shown).collect::<String>())
}

fn digits(text: &str) -> (&str, &str) {
    text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()))
}

/// The leading digits that fit 63 bits, and the power of ten that they are to be divided by.
fn scaled(fraction: &str) -> (u64, f64) {
    let (mut n, mut scale) = (0_u64, 1.0);
    for digit in fraction.bytes() {
        match n.checked_mul(10).and_then(|n| n.checked_add(u64::from(digit - b'0'))).filter(|n| *n <= LIMIT) {
            Some(next) => n = next,
            None => break,
        }
        scale *= 10.0;
    }
    (n, scale)
}

fn nanos(unit: &str) -> Option<u64> {
    Some(match unit {
        "ns" => 1,
        "us" | "µs" | "μs" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        _ => return None,
    })
}
