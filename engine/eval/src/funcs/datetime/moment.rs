//! A point in time with an offset from UTC.

use std::fmt;

use crate::traversal::quote;

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
    ///
    /// # Errors
    /// What is wrong with the first wrong part of the text.
    pub fn parse(text: &str) -> Result<Moment, String> {
        Reader { rest: text, lenient: false }.moment().map_err(invalid)
    }

    /// Reads RFC 3339 as Go's `time.Parse` does: the hour may have one digit, a comma may begin the fraction, and
    /// offsets reach to 24 hours and 60 minutes.
    ///
    /// # Errors
    /// What is wrong with the first wrong part of the text.
    pub fn parse_leniently(text: &str) -> Result<Moment, String> {
        Reader { rest: text, lenient: true }.moment().map_err(invalid)
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

fn invalid(why: String) -> String {
    format!("not a valid RFC3339 timestamp: {why}")
}

/// What is left of a timestamp while it is read.
struct Reader<'a> {
    rest: &'a str,
    lenient: bool,
}

impl Reader<'_> {
    fn moment(mut self) -> Result<Moment, String> {
        let year = self.number("year", 4)?;
        self.expect('-')?;
        let month = self.number("month", 2)?;
        if !(1..=12).contains(&month) {
            return Err(self.unusable("month"));
        }
        self.expect('-')?;
        let day = self.number("day of month", 2)?;
        self.rest = self.rest.strip_prefix('T').ok_or("missing required time introducer 'T'")?;
        let (hour, short_hour) = self.hour()?;
        self.expect(':')?;
        let minute = self.minute()?;
        self.expect(':')?;
        let second = self.number("second", 2)?;
        if second > 59 {
            return Err(self.unusable("second"));
        }
        let comma = self.rest.starts_with(',');
        let nano = self.fraction();
        let east = self.offset()?;
        if !self.rest.is_empty() {
            return Err(self.unusable("timestamp segment"));
        }
        if day < 1 || day > days_in(i64::from(year), month) {
            return Err("day out of range".into());
        }
        match self.lenient {
            false if short_hour => Err("hour must have exactly two digits".into()),
            false if comma => Err("cannot use \",\" as timestamp segment".into()),
            _ => {
                let small = |n: u32| u8::try_from(n).unwrap_or(0);
                let (month, day, hour, minute, second) = (small(month), small(day), small(hour), small(minute), small(second));
                Ok(Moment { year: year.into(), month, day, hour, minute, second, nano, east })
            }
        }
    }

    fn unusable(&self, what: &str) -> String {
        match self.rest {
            "" => format!("end of string before {what}"),
            rest => format!("cannot use {} as {what}", quote(rest)),
        }
    }

    fn expect(&mut self, c: char) -> Result<(), String> {
        self.rest = self.rest.strip_prefix(c).ok_or_else(|| match self.rest {
            "" => format!("end of string where \"{c}\" is expected"),
            rest => format!("found {} where \"{c}\" is expected", quote(rest)),
        })?;
        Ok(())
    }

    /// A number of so many digits.
    fn number(&mut self, what: &str, count: usize) -> Result<u32, String> {
        let number = digits(self.rest.as_bytes(), 0, count).ok_or_else(|| self.unusable(what))?;
        self.rest = &self.rest[count..];
        Ok(number)
    }

    /// The hour, and whether it has one digit alone.
    fn hour(&mut self) -> Result<(u32, bool), String> {
        let count = if digits(self.rest.as_bytes(), 0, 2).is_some() { 2 } else { 1 };
        match self.number("hour", count)? {
            hour if hour < 24 => Ok((hour, count == 1)),
            _ if self.lenient => Err(self.unusable("hour")),
            _ => Err("hour must be between 0 and 23 inclusive".into()),
        }
    }

    fn minute(&mut self) -> Result<u32, String> {
        let ended = self.rest.is_empty();
        let minute = self.number("minute", 2).and_then(|m| if m < 60 { Ok(m) } else { Err(self.unusable("minute")) });
        minute.map_err(|why| if self.lenient || ended { why } else { "minute must have exactly two digits".into() })
    }

    /// The fraction of a second, in nanoseconds.
    fn fraction(&mut self) -> u32 {
        let Some(after) = self.rest.strip_prefix(['.', ',']) else { return 0 };
        let count = after.bytes().take_while(u8::is_ascii_digit).count();
        if count == 0 {
            return 0;
        }
        let (fraction, rest) = after.split_at(count);
        self.rest = rest;
        fraction.bytes().chain(std::iter::repeat(b'0')).take(9).fold(0, |n, digit| n * 10 + u32::from(digit - b'0'))
    }

    /// The offset from UTC, in minutes.
    fn offset(&mut self) -> Result<i32, String> {
        if let Some(rest) = self.rest.strip_prefix('Z') {
            self.rest = rest;
            return Ok(0);
        }
        let bytes = self.rest.as_bytes();
        let sign = match bytes {
            [b'+', _, _, b':', ..] => 1,
            [b'-', _, _, b':', ..] => -1,
            _ => return Err(self.unusable("UTC offset")),
        };
        let (most_hours, most_minutes) = if self.lenient { (24, 60) } else { (23, 59) };
        let hours = digits(bytes, 1, 2).filter(|h| *h <= most_hours).ok_or_else(|| self.unusable("UTC offset"))?;
        let minutes = digits(bytes, 4, 2).filter(|m| *m <= most_minutes).ok_or_else(|| self.unusable("UTC offset"))?;
        self.rest = &self.rest[6..];
        Ok(sign * i32::try_from(hours * 60 + minutes).unwrap_or(0))
    }
}

fn digits(bytes: &[u8], at: usize, count: usize) -> Option<u32> {
    let digits = bytes.get(at..at + count)?;
    digits.iter().try_fold(0, |n, b| b.is_ascii_digit().then(|| n * 10 + u32::from(b - b'0')))
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
