//! A time with its offset from UTC: parsing, writing, and adding months that may not have the day.

use std::time::{SystemTime, UNIX_EPOCH};

const DAY: i64 = 86_400;

/// A time, to the second, and its zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    unix: i64,
    offset: i64,
}

/// A date and a time of day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Parts {
    pub year: i64,
    pub month: i64,
    pub day: i64,
    pub hour: i64,
    pub minute: i64,
    pub second: i64,
}

impl Stamp {
    /// Now, in UTC.
    pub fn now() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { unix: since.as_secs().cast_signed(), offset: 0 }
    }

    /// A date and time of day in UTC, if there is such.
    pub fn utc(parts: Parts) -> Option<Self> {
        parts.is_real().then(|| Self { unix: parts.seconds(), offset: 0 })
    }

    /// Reads RFC 3339. Fractions of a second are dropped.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = |from: usize, to: usize| -> Option<i64> {
            let part = text.get(from..to)?;
            part.bytes().all(|b| b.is_ascii_digit()).then(|| part.parse().ok())?
        };
        let is = |at: usize, c: u8| text.as_bytes().get(at) == Some(&c);
        if !(is(4, b'-') && is(7, b'-') && is(10, b'T') && is(13, b':') && is(16, b':')) {
            return None;
        }
        let parts = Parts {
            year: digits(0, 4)?,
            month: digits(5, 7)?,
            day: digits(8, 10)?,
            hour: digits(11, 13)?,
            minute: digits(14, 16)?,
            second: digits(17, 19)?,
        };
        let offset = zone(text.get(19..)?)?;
        parts.is_real().then(|| Self { unix: parts.seconds() - offset, offset })
    }

    /// Seconds since 1970.
    pub fn unix(self) -> i64 {
        self.unix
    }

    /// The date and time of day, in the time's zone.
    pub fn parts(self) -> Parts {
        let local = self.unix + self.offset;
        let (days, second) = (local.div_euclid(DAY), local.rem_euclid(DAY));
        let (year, month, day) = date(days);
        Parts { year, month, day, hour: second / 3600, minute: second / 60 % 60, second: second % 60 }
    }

    /// The time so many seconds later.
    #[must_use]
    pub fn add_seconds(self, n: i64) -> Self {
        Self { unix: self.unix.saturating_add(n), ..self }
    }

    /// The same time of day at another date. A day that the month does not have counts into the next month.
    #[must_use]
    pub fn add_date(self, years: i64, months: i64, days: i64) -> Self {
        let parts = self.parts();
        let month = parts.month.saturating_add(months) - 1;
        let year = parts.year.saturating_add(years).saturating_add(month.div_euclid(12));
        let first = Parts { year: year.clamp(-1_000_000, 1_000_000), month: month.rem_euclid(12) + 1, day: 1, ..parts };
        let days = (parts.day - 1).saturating_add(days).clamp(-400_000_000, 400_000_000);
        Self { unix: first.seconds() + days * DAY - self.offset, ..self }
    }
}

/// Writes RFC 3339.
impl std::fmt::Display for Stamp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let p = self.parts();
        write!(f, "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", p.year, p.month, p.day, p.hour, p.minute, p.second)?;
        if self.offset == 0 {
            return f.write_str("Z");
        }
        let minutes = self.offset.abs() / 60;
        write!(f, "{}{:02}:{:02}", if self.offset < 0 { '-' } else { '+' }, minutes / 60, minutes % 60)
    }
}

impl From<Stamp> for secstack_base::Value {
    fn from(s: Stamp) -> Self {
        s.to_string().into()
    }
}

impl Parts {
    fn is_real(self) -> bool {
        let date = (1..=12).contains(&self.month) && (1..=days_in(self.year, self.month)).contains(&self.day);
        date && self.hour < 24 && self.minute < 60 && self.second < 60
    }

    fn seconds(self) -> i64 {
        days_before(self.year, self.month, self.day) * DAY + self.hour * 3600 + self.minute * 60 + self.second
    }
}

/// The offset in seconds after the seconds of a time and their fraction.
fn zone(text: &str) -> Option<i64> {
    let text = match text.strip_prefix('.') {
        Some(fraction) => {
            let rest = fraction.trim_start_matches(|c: char| c.is_ascii_digit());
            (rest.len() < fraction.len()).then_some(rest)?
        }
        None => text,
    };
    let sign = match text.as_bytes() {
        b"Z" => return Some(0),
        [b'+', ..] => 1,
        [b'-', ..] => -1,
        _ => return None,
    };
    let (hours, minutes) = text.get(1..)?.split_once(':')?;
    let two = |s: &str| (s.len() == 2 && s.bytes().all(|b| b.is_ascii_digit())).then(|| s.parse::<i64>().ok())?;
    let (hours, minutes) = (two(hours)?, two(minutes)?);
    (hours < 24 && minutes < 60).then_some(sign * (hours * 3600 + minutes * 60))
}

fn days_in(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 to a date. Years begin in March here, so that a leap day is the last day of its year.
fn days_before(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, yoe) = (year.div_euclid(400), year.rem_euclid(400));
    let doy = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719_468
}

/// The year, month and day of a number of days since 1970-01-01.
fn date(days: i64) -> (i64, i64, i64) {
    let z = days + 719_468;
    let (era, doe) = (z.div_euclid(146_097), z.rem_euclid(146_097));
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    (era * 400 + yoe + i64::from(month <= 2), month, doy - (153 * mp + 2) / 5 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_writes() {
        for text in ["2024-02-29T22:10:05Z", "0001-01-01T00:00:00Z", "2024-01-31T22:10:05+02:00", "1969-12-31T23:59:59-03:30"] {
            assert_eq!(Stamp::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(Stamp::parse("2024-01-31T22:10:05+02:00").unwrap().unix(), 1_706_731_805);
        assert_eq!(Stamp::parse("2024-02-29T22:10:05.123Z").unwrap().to_string(), "2024-02-29T22:10:05Z");
        for text in [
            "2023-02-29T00:00:00Z",
            "2024-01-01",
            "2024-01-01T00:00:00",
            "2024-01-01T24:00:00Z",
            "2024-01-01T00:00:00.Z",
            "x",
            "2024-01-01T00:00:00+2:00",
        ] {
            assert!(Stamp::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn adds_dates() {
        check("2024-01-31T10:00:00Z", (0, 1, 0), "2024-03-02T10:00:00Z");
        check("2024-02-29T10:00:00Z", (1, 0, 0), "2025-03-01T10:00:00Z");
        check("2024-01-01T00:30:00+02:00", (0, -1, -1), "2023-11-30T00:30:00+02:00");
        check("2024-12-31T10:00:00Z", (0, 0, 1), "2025-01-01T10:00:00Z");
    }

    #[track_caller]
    fn check(from: &str, (y, m, d): (i64, i64, i64), want: &str) {
        assert_eq!(Stamp::parse(from).unwrap().add_date(y, m, d).to_string(), want);
    }
}
