//! A point in time with an offset from UTC.

use std::fmt;

/// A point in time as a calendar and a clock show it in some offset from UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Moment {
    /// The year, which may be below zero or above 9999 after arithmetic.
    pub year: i64,
    /// The month, from 1.
    pub month: u8,
    /// The day of the month, from 1.
    pub day: u8,
    /// The hour, to 23.
    pub hour: u8,
    /// The minute.
    pub minute: u8,
    /// The second, to 59.
    pub second: u8,
    /// The part of a second.
    pub nano: u32,
    /// Minutes east of UTC.
    pub east: i32,
}

impl Moment {
    /// Reads strict RFC 3339: four digits of year, a capital `T` and `Z`, no leap second.
    pub fn parse(text: &str) -> Result<Moment, String> {
        let invalid = |why: &str| format!("not a valid RFC3339 timestamp: {why}");
        let bytes = text.as_bytes();
        let shape = |at: usize, c: u8| bytes.get(at) == Some(&c);
        let (year, month, day) = (digits(bytes, 0, 4), digits(bytes, 5, 2), digits(bytes, 8, 2));
        let year = year.ok_or_else(|| invalid(&format!("cannot use {text:?} as year")))?;
        let month = month.filter(|m| (1..=12).contains(m) && shape(4, b'-')).ok_or_else(|| invalid("cannot use it as month"))?;
        let most = days_in(i64::from(year), month);
        let day = day.filter(|d| (1..=most).contains(d) && shape(7, b'-')).ok_or_else(|| invalid("cannot use it as day of month"))?;
        if !shape(10, b'T') {
            return Err(invalid("missing required time introducer 'T'"));
        }
        let hour = digits(bytes, 11, 2).filter(|h| *h < 24).ok_or_else(|| invalid("hour must be between 0 and 23 inclusive"))?;
        let minute = digits(bytes, 14, 2).filter(|m| *m < 60 && shape(13, b':')).ok_or_else(|| invalid("cannot use it as minute"))?;
        let second = digits(bytes, 17, 2).filter(|s| *s < 60 && shape(16, b':')).ok_or_else(|| invalid("cannot use it as second"))?;
        let (nano, rest) = fraction(&bytes[19..]);
        let east = offset(rest).ok_or_else(|| invalid("cannot use it as UTC offset"))?;
        let small = |n: u32| u8::try_from(n).unwrap_or(0);
        Ok(Moment {
            year: year.into(),
            month: small(month),
            day: small(day),
            hour: small(hour),
            minute: small(minute),
            second: small(second),
            nano,
            east,
        })
    }

    /// Nanoseconds since 1970 in UTC.
    pub fn instant(&self) -> i128 {
        let minutes = days_since_1970(self.year, self.month, self.day) * 1440 + i64::from(self.hour) * 60 + i64::from(self.minute);
        let seconds = (minutes - i64::from(self.east)) * 60 + i64::from(self.second);
        i128::from(seconds) * 1_000_000_000 + i128::from(self.nano)
    }

    /// The moment some nanoseconds later, in the same offset.
    pub fn plus(&self, nanos: i64) -> Moment {
        let local = self.instant() + i128::from(nanos) + i128::from(self.east) * 60_000_000_000;
        let seconds = i64::try_from(local.div_euclid(1_000_000_000)).unwrap_or(0);
        let clock = seconds.rem_euclid(86_400);
        let (year, month, day) = date_of(seconds.div_euclid(86_400));
        let small = |n: i64| u8::try_from(n).unwrap_or(0);
        Moment {
            year,
            month,
            day,
            hour: small(clock / 3600),
            minute: small(clock / 60 % 60),
            second: small(clock % 60),
            nano: u32::try_from(local.rem_euclid(1_000_000_000)).unwrap_or(0),
            east: self.east,
        }
    }

    /// The day of the week, from Sunday.
    pub fn weekday(&self) -> u8 {
        u8::try_from((days_since_1970(self.year, self.month, self.day) + 4).rem_euclid(7)).unwrap_or(0)
    }

    /// The offset from UTC with `colon` between hours and minutes, or `utc` when there is none.
    pub fn offset(&self, utc: &str, colon: &str) -> String {
        if self.east == 0 {
            return utc.into();
        }
        let sign = if self.east < 0 { '-' } else { '+' };
        let size = self.east.abs();
        format!("{sign}{:02}{colon}{:02}", size / 60, size % 60)
    }
}

/// Writes RFC 3339 without fractions of a second.
impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.year < 0 { "-" } else { "" };
        write!(f, "{sign}{:04}-{:02}-{:02}", self.year.abs(), self.month, self.day)?;
        write!(f, "T{:02}:{:02}:{:02}{}", self.hour, self.minute, self.second, self.offset("Z", ":"))
    }
}

fn digits(bytes: &[u8], at: usize, count: usize) -> Option<u32> {
    let digits = bytes.get(at..at + count)?;
    digits.iter().try_fold(0, |n, b| b.is_ascii_digit().then(|| n * 10 + u32::from(b - b'0')))
}

/// The fraction of a second at the start, in nanoseconds, and what follows.
fn fraction(bytes: &[u8]) -> (u32, &[u8]) {
    let Some((b'.', rest)) = bytes.split_first() else { return (0, bytes) };
    let count = rest.iter().take_while(|b| b.is_ascii_digit()).count();
    if count == 0 {
        return (0, bytes);
    }
    let nano = (0..9).fold(0, |n, i| n * 10 + if i < count { u32::from(rest[i] - b'0') } else { 0 });
    (nano, &rest[count..])
}

/// An offset from UTC, in minutes.
fn offset(bytes: &[u8]) -> Option<i32> {
    let sign = match bytes {
        b"Z" => return Some(0),
        [b'+', _, _, b':', _, _] => 1,
        [b'-', _, _, b':', _, _] => -1,
        _ => return None,
    };
    let hours = digits(bytes, 1, 2).filter(|h| *h < 24)?;
    let minutes = digits(bytes, 4, 2).filter(|m| *m < 60)?;
    i32::try_from(hours * 60 + minutes).ok().map(|m| sign * m)
}

fn days_in(year: i64, month: u32) -> u32 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 in the proleptic Gregorian calendar, counted in eras of 400 years that begin in March.
fn days_since_1970(year: i64, month: u8, day: u8) -> i64 {
    let (month, day) = (i64::from(month), i64::from(day));
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// The opposite of [`days_since_1970`].
fn date_of(days: i64) -> (i64, u8, u8) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let small = |n: i64| u8::try_from(n).unwrap_or(1);
    (year + era * 400 + i64::from(month <= 2), small(month), small(day))
}
