//! Functions on timestamps, which are text by RFC 3339.

use secstack_base::{Type, Value};

use super::{CallError, Context, Function, Outcome, Param};

mod duration;
mod moment;

pub(crate) use moment::Moment;

/// The functions of this family.
pub fn functions() -> Vec<Function> {
    let string = |name| Param::new(name, Type::String);
    let of = |name, params, run| Function { name, params, variadic: None, result: |_| Ok(Type::String), run, not_null: true };
    vec![
        of("formatdate", vec![string("format"), string("time")], |_, args| format_date(text(args, 0), &moment(args, 1)?)),
        of("plantimestamp", vec![], |cx, _| Ok(Value::string(cx.plan_timestamp))),
        of("timeadd", vec![string("timestamp"), string("duration")], |_, args| time_add(args)),
        Function {
            result: |_| Ok(Type::Number),
            ..of("timecmp", vec![string("timestamp_a"), string("timestamp_b")], |_, args| time_compare(args))
        },
        of("timestamp", vec![], |cx, _| timestamp(cx)),
    ]
}

fn text(args: &[Value], i: usize) -> &str {
    args[i].as_str().unwrap_or_default()
}

fn moment(args: &[Value], i: usize) -> Result<Moment, CallError> {
    Moment::parse(text(args, i)).map_err(|e| CallError::arg(i, e))
}

fn timestamp(cx: &Context<'_>) -> Outcome {
    Ok(cx.timestamp.map_or_else(|| Value::unknown_not_null(Type::String), Value::string))
}

fn time_add(args: &[Value]) -> Outcome {
    let moment = Moment::parse(text(args, 0)).map_err(CallError::new)?;
    let nanos = duration::parse(text(args, 1)).map_err(CallError::new)?;
    Ok(Value::string(&moment.plus(nanos).to_string()))
}

fn time_compare(args: &[Value]) -> Outcome {
    let instant = |i| Moment::parse_leniently(text(args, i)).map(|m| m.instant()).map_err(|e| CallError::arg(i, e));
    Ok(Value::from(instant(0)?.cmp(&instant(1)?) as i64))
}

const MONTHS: [&str; 12] =
    ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];
const DAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

fn format_date(format: &str, at: &Moment) -> Outcome {
    let bad = |message: String| CallError::arg(0, message);
    let mut out = String::new();
    let mut rest = format;
    while let Some(c) = rest.chars().next() {
        let len = match c {
            '\'' => literal(rest, &mut out).ok_or_else(|| bad("unterminated literal '".into()))?,
            c if c.is_ascii_alphabetic() => {
                let len = rest.len() - rest.trim_start_matches(c).len();
                out.push_str(&verb(&rest[..len], c, at).map_err(bad)?);
                len
            }
            c => {
                out.push(c);
                c.len_utf8()
            }
        };
        rest = &rest[len..];
    }
    Ok(Value::string(&out))
}

/// Writes the quoted text at the start of `rest` and tells its length with the quotes. A quote within is doubled;
/// two quotes alone are one quote.
fn literal(rest: &str, out: &mut String) -> Option<usize> {
    if rest.starts_with("''") {
        out.push('\'');
        return Some(2);
    }
    let mut at = 1;
    loop {
        let end = at + rest[at..].find('\'')?;
        out.push_str(&rest[at..end]);
        if !rest[end + 1..].starts_with('\'') {
            return Some(end + 1);
        }
        out.push('\'');
        at = end + 2;
        // Terraform takes a doubled quote at the very end for the end of the literal too.
        if at == rest.len() {
            return Some(at);
        }
    }
}

fn verb(token: &str, letter: char, at: &Moment) -> Result<String, String> {
    let hour12 = (at.hour + 11) % 12 + 1;
    let number = |n: i64, expect: &str| match token.len() {
        1 => Ok(n.to_string()),
        2 => Ok(format!("{n:02}")),
        _ => Err(format!("invalid date format verb {token:?}: {expect} must either be \"{letter}\" or \"{letter}{letter}\"")),
    };
    let month = MONTHS[at.month as usize - 1];
    let day = DAYS[at.weekday() as usize];
    match (letter, token.len()) {
        ('Y', 2) => Ok(format!("{:02}", at.year % 100)),
        ('Y', 4) => Ok(format!("{:04}", at.year)),
        ('Y', _) => Err(format!("invalid date format verb {token:?}: year must either be \"YY\" or \"YYYY\"")),
        ('M', 3) => Ok(month[..3].into()),
        ('M', 4) => Ok(month.into()),
        ('M', 1 | 2) => number(at.month.into(), "month"),
        ('M', _) => Err(format!("invalid date format verb {token:?}: month must be \"M\", \"MM\", \"MMM\", or \"MMMM\"")),
        ('D', _) => number(at.day.into(), "day of month"),
        ('E', 3) => Ok(day[..3].into()),
        ('E', 4) => Ok(day.into()),
        ('E', _) => Err(format!("invalid date format verb {token:?}: day of week must either be \"EEE\" or \"EEEE\"")),
        ('h', _) => number(at.hour.into(), "24-hour"),
        ('H', _) => number(hour12.into(), "12-hour"),
        ('A', 2) => Ok(if at.hour < 12 { "AM" } else { "PM" }.into()),
        ('a', 2) => Ok(if at.hour < 12 { "am" } else { "pm" }.into()),
        ('A' | 'a', _) => Err(format!("invalid date format verb {token:?}: must be \"{letter}{letter}\"")),
        ('m', _) => number(at.minute.into(), "minute"),
        ('s', _) => number(at.second.into(), "second"),
        ('Z', 1) => Ok(at.offset("Z", ":")),
        ('Z', 3) => Ok(at.offset("UTC", "")),
        ('Z', 4) => Ok(at.offset("+0000", "")),
        ('Z', 5) => Ok(at.offset("+00:00", ":")),
        ('Z', _) => Err(format!("invalid date format verb {token:?}: timezone must be Z, ZZZZ, or ZZZZZ")),
        _ => Err(format!("invalid date format verb {token:?}")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::filesystem::testing::run;
    use secstack_base::Value;

    #[test]
    fn dates_are_formatted() {
        check("formatdate", &["EEE, DD MMM YYYY hh:mm:ss ZZZ", "2018-01-02T23:12:01Z"], "Tue, 02 Jan 2018 23:12:01 UTC");
        check("formatdate", &["EEEE D HH h H AA aa", "2018-01-02T00:12:01Z"], "Tuesday 2 12 0 12 AM am");
        check("formatdate", &["Z ZZZ ZZZZ ZZZZZ", "2018-01-02T23:12:01-03:30"], "-03:30 -0330 -0330 -03:30");
        check("formatdate", &["Z ZZZ ZZZZ ZZZZZ", "2018-01-02T23:12:01-00:00"], "Z UTC +0000 +00:00");
        check("formatdate", &["'a''b'''' '", "2018-01-02T23:12:01Z"], "a'b'' ");
        check("formatdate", &["YYYY EEEE", "0000-02-29T23:12:01Z"], "0000 Tuesday");
        check("formatdate", &["'''mm''", "2018-01-02T23:12:01Z"], "'mm'");
        for bad in ["Y", "MMMMM", "'", "'''", "x", "ZZ"] {
            check("formatdate", &[bad, "2018-01-02T23:12:01Z"], "error");
        }
        for bad in [
            "",
            "2018-01-02",
            "2018-02-29T00:00:00Z",
            "2018-01-02T23:12:60Z",
            "2018-01-02T23:12:01+24:00",
            "2018-01-02t23:12:01Z",
            "2018-01-02T23:12:01.Z",
            "2018-01-02T23:12:01,5Z",
            "2018-01-02T3:12:01Z",
        ] {
            check("formatdate", &["YYYY", bad], "error");
        }
    }

    #[test]
    fn durations_are_added() {
        check("timeadd", &["2017-11-22T00:00:00Z", "1h30m5s"], "2017-11-22T01:30:05Z");
        check("timeadd", &["2017-11-22T00:00:00+05:30", "-1ns"], "2017-11-21T23:59:59+05:30");
        check("timeadd", &["2017-11-22T00:00:00.9Z", "100ms"], "2017-11-22T00:00:01Z");
        check("timeadd", &["2017-11-22T00:00:00Z", "-2562047h47m16.854775808s"], "1725-08-13T00:12:43Z");
        check("timeadd", &["9999-12-31T23:59:59Z", "2562047h"], "10292-04-10T22:59:59Z");
        check("timeadd", &["0000-01-01T00:00:00Z", "-2562047h"], "-0293-09-22T01:00:00Z");
        for bad in ["", "5", "5d", "1h 5m", "--1h", ".s", "-", "2562048h", "9223372036854775808ns"] {
            check("timeadd", &["2017-11-22T00:00:00Z", bad], "error");
        }
    }

    #[test]
    fn moments_are_compared() {
        check("timecmp", &["2017-11-22T00:00:00Z", "2017-11-22T01:00:00+01:00"], "0");
        check("timecmp", &["2017-11-22T00:00:00Z", "2017-11-22T00:00:00.001Z"], "-1");
        check("timecmp", &["2017-11-22T00:00:01Z", "2017-11-22T00:00:00Z"], "1");
        // Only here is the text read as Go reads it, which is less strict than RFC 3339.
        check("timecmp", &["2017-11-22T3:00:00,5Z", "2017-11-22T03:00:00.5Z"], "0");
        check("timecmp", &["2017-11-22T00:00:00+24:60", "2017-11-20T23:00:00Z"], "0");
        check("timecmp", &["2017-11-22T00:00:00+25:00", "2017-11-20T23:00:00Z"], "error");
    }

    #[test]
    fn messages_say_where_the_text_goes_wrong() {
        for (text, want) in [
            ("", "end of string before year"),
            ("2018/01", "found \"/01\" where \"-\" is expected"),
            ("2018-13-02", "cannot use \"-02\" as month"),
            ("2018-02-30T23:12:01Z", "day out of range"),
            ("2018-02-03T2:12:01Z", "hour must have exactly two digits"),
            ("2018-02-03T24:12:01Z", "hour must be between 0 and 23 inclusive"),
            ("2018-02-03T23:1:01Z", "minute must have exactly two digits"),
            ("2018-02-03T23:12:01", "end of string before UTC offset"),
            ("2018-02-03T23:12:01Zx", "cannot use \"x\" as timestamp segment"),
        ] {
            assert_eq!(super::Moment::parse(text).err(), Some(format!("not a valid RFC3339 timestamp: {want}")), "{text}");
        }
        for (text, want) in [("5", "missing unit in"), ("1h-5é", "unknown unit \"h-\" in"), (".s", "invalid")] {
            let shown = text.replace('é', "\\xc3\\xa9");
            assert_eq!(super::duration::parse(text), Err(format!("time: {want} duration \"{shown}\"")), "{text}");
        }
    }

    #[track_caller]
    fn check(name: &str, args: &[&str], want: &str) {
        let args: Vec<Value> = args.iter().map(|a| Value::string(a)).collect();
        assert_eq!(run(name, &args), want);
    }
}
