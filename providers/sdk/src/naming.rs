//! Names and IDs that Terraform's providers make up, so that both engines make up the same.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// A name that begins with `prefix` and is given only once: 18 digits of time, 8 of a counter.
pub fn unique(prefix: &str) -> String {
    static COUNTER: AtomicU32 = AtomicU32::new(0);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let count = COUNTER.fetch_add(1, Ordering::Relaxed).wrapping_add(1);
    format!("{prefix}{}{:04}{count:08x}", stamp(now.as_secs()), now.subsec_micros() / 100)
}

/// The name that begins with `prefix` for the creation with this token: it looks like one of [`unique`] and is the same
/// however often it is asked for, so that the object can be found by it.
pub fn unique_for(prefix: &str, token: &str) -> String {
    format!("{prefix}{}", digits_for(token))
}

/// Whether a name is one that [`unique_for`] made for this token.
pub fn is_unique_for(name: &str, token: &str) -> bool {
    name.ends_with(&digits_for(token))
}

/// 18 digits of the time that stands in a token (a UUID of version 7) and 8 of its FNV-1a hash of 128 bits. Other tokens
/// give 26 hexadecimal digits of the hash.
fn digits_for(token: &str) -> String {
    const START: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
    let hash = token.bytes().fold(START, |h, byte| (h ^ u128::from(byte)).wrapping_mul(PRIME));
    let Some(ms) = milliseconds(token) else { return format!("{:026x}", hash >> 24) };
    let rest = hash >> 64;
    format!("{}{:03}{:01}{:02}{:06x}", stamp(ms / 1000), ms % 1000, rest % 10, rest / 10 % 100, rest / 1000 % (1 << 24))
}

/// The milliseconds since 1970 that a UUID of version 7 begins with (RFC 9562, section 5.7).
fn milliseconds(token: &str) -> Option<u64> {
    let (high, rest) = token.split_once('-')?;
    let (low, rest) = rest.split_once('-')?;
    let is_7 = high.len() == 8 && low.len() == 4 && rest.starts_with('7');
    is_7.then(|| u64::from_str_radix(&format!("{high}{low}"), 16).ok()).flatten()
}

/// Seconds since 1970 as `yyyymmddhhmmss`.
fn stamp(seconds: u64) -> String {
    let (days, s) = (seconds / 86400, seconds % 86400);
    // Days since 0000-03-01, so that a leap day is the last day of its year.
    let z = days + 719_468;
    let (era, doe) = (z / 146_097, z % 146_097);
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let (day, month) = (doy - (153 * mp + 2) / 5 + 1, if mp < 10 { mp + 3 } else { mp - 9 });
    let year = era * 400 + yoe + u64::from(month <= 2);
    format!("{year:04}{month:02}{day:02}{:02}{:02}{:02}", s / 3600, s / 60 % 60, s % 60)
}

/// The prefix of a name that [`unique`] made, as far as the name shows.
pub fn prefix_of(name: &str) -> Option<&str> {
    let at = name.len().checked_sub(26)?;
    let made = name.is_char_boundary(at) && name[at..].bytes().all(|b| b.is_ascii_hexdigit() && !b.is_ascii_uppercase());
    made.then(|| &name[..at])
}

/// The checksum CRC-32 (IEEE) of the text, in decimal: how composite IDs of the older framework end.
pub fn hash(text: &str) -> u32 {
    !text
        .bytes()
        .fold(u32::MAX, |crc, byte| (0..8).fold(crc ^ u32::from(byte), |c, _| if c & 1 == 1 { c >> 1 ^ 0xedb8_8320 } else { c >> 1 }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_values() {
        assert_eq!(hash("123456789"), 0xcbf4_3926);
        assert_eq!(stamp(0), "19700101000000");
        assert_eq!(stamp(1_709_210_096), "20240229123456");
        let name = unique("web-");
        assert_eq!((name.len(), prefix_of(&name)), (30, Some("web-")));
        assert_eq!(prefix_of("web"), None);
    }

    #[test]
    fn names_for_a_token() {
        let name = unique_for("web-", "0b2f6b0e-8f5e-4c53-9d0a-3f0c7a1d2e4b");
        assert_eq!((name.len(), prefix_of(&name)), (30, Some("web-")));
        assert_eq!(name, unique_for("web-", "0b2f6b0e-8f5e-4c53-9d0a-3f0c7a1d2e4b"));
        assert_ne!(name, unique_for("web-", "0b2f6b0e-8f5e-4c53-9d0a-3f0c7a1d2e4c"));
        assert!(is_unique_for(&name, "0b2f6b0e-8f5e-4c53-9d0a-3f0c7a1d2e4b") && !is_unique_for("web", "t"));
        // A token of version 7 tells when it was made: at 2024-02-29T12:34:56.789Z.
        let name = unique_for("", "018df4dc-5495-7cc3-98c4-dc0c0c07398f");
        assert!(name.starts_with("20240229123456789") && name.len() == 26, "{name}");
        assert!(name.bytes().take(20).all(|b| b.is_ascii_digit()), "{name}");
        assert_ne!(name, unique_for("", "018df4dc-5495-7cc3-98c4-dc0c0c07398e"));
        // The published hash of "foobar", less its last six digits.
        assert_eq!(unique_for("", "foobar"), "343e1662793c64bf6f0d3597ba");
    }
}
