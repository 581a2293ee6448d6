//! `format` and `formatlist`: verbs in the manner of Go's `fmt`, on values of the language.

use secstack_base::{Data, Number, Refinement, Str, Type, Value, convert};

use super::encoding::json;
use super::{CallError, Function, Outcome, Param};

mod decimal;
mod verb;

use verb::Verb;

/// The functions of this family.
pub fn functions() -> Vec<Function> {
    // A null of no type makes the result unknown, which is Terraform's way even if nobody expects it.
    let arg = || Param { dynamic: false, ..Param::new("args", Type::Dynamic).nullable().unknowable() };
    let of = |name, result, run| Function {
        name,
        params: vec![Param::new("format", Type::String)],
        variadic: Some(arg()),
        result,
        run,
        not_null: true,
    };
    vec![
        of("format", |_| Ok(Type::String), |_, args| format_one(args)),
        of("formatlist", |_| Ok(Type::list(Type::String)), |_, args| format_list(args)),
    ]
}

fn format_one(args: &[Value]) -> Outcome {
    let format = args[0].as_str().unwrap_or_default();
    if args[1..].iter().all(Value::is_wholly_known) {
        return Ok(Value::from(format_text(format, &args[1..])?));
    }
    let prefix = format.find('%').filter(|at| *at > 0).map(|at| Str::from(&format[..at]));
    Ok(Data::Unknown(Type::String, Refinement { not_null: true, prefix }).into())
}

fn format_list(args: &[Value]) -> Outcome {
    let format = args[0].as_str().unwrap_or_default();
    let args = &args[1..];
    let unknown = || Ok(Value::unknown_not_null(Type::list(Type::String)));
    let mut chosen: Option<(usize, usize)> = None;
    for (i, arg) in args.iter().enumerate() {
        let Some(len) = sequence_len(arg) else { continue };
        match chosen {
            Some((first, want)) if want != len => {
                return Err(CallError::arg(
                    i + 1,
                    format!("argument {} has length {len}, which is inconsistent with argument {} of length {want}", i + 1, first + 1),
                ));
            }
            _ => chosen = chosen.or(Some((i, len))),
        }
    }
    let undecided = |arg: &Value| match (&arg.data, arg.ty()) {
        (Data::Unknown(..), Type::Dynamic | Type::List(_) | Type::Set(_) | Type::Tuple(_)) => true,
        (Data::Set(..), _) => !arg.is_wholly_known(),
        _ => false,
    };
    if args.iter().any(undecided) {
        return unknown();
    }
    let count = chosen.map_or(1, |(_, len)| len);
    let mut out = Vec::with_capacity(count);
    for i in 0..count {
        let row: Vec<Value> = args.iter().map(|arg| arg.as_slice().map_or_else(|| arg.clone(), |items| items[i].clone())).collect();
        if !row.iter().all(Value::is_wholly_known) {
            out.push(Value::unknown_not_null(Type::String));
            continue;
        }
        let text = format_text(format, &row).map_err(|e| CallError::new(format!("error on format iteration {i}: {}", e.message)))?;
        out.push(Value::from(text));
    }
    Ok(Value::list(Type::String, out))
}

/// The length of a list, set or tuple that is known to have one.
fn sequence_len(arg: &Value) -> Option<usize> {
    match &arg.data {
        Data::Set(..) if !arg.is_wholly_known() => None,
        Data::Unknown(Type::Tuple(types), _) => Some(types.len()),
        _ => arg.as_slice().map(<[Value]>::len),
    }
}

fn format_text(format: &str, args: &[Value]) -> Result<String, CallError> {
    let mut out = String::new();
    let mut next = 1;
    let mut highest = 0;
    let mut at = 0;
    while let Some(found) = format[at..].find('%') {
        let start = at + found;
        out.push_str(&format[at..start]);
        if format[start + 1..].starts_with('%') {
            out.push('%');
            at = start + 2;
            continue;
        }
        let verb = Verb::parse(format, start, next).map_err(CallError::new)?;
        highest = highest.max(verb.arg);
        append(&verb, &mut out, args).map_err(CallError::new)?;
        if out.len() > MOST_OUTPUT {
            return Err(CallError::new("the formatted text is too long"));
        }
        next = verb.arg.saturating_add(1);
        at = start + verb.raw.len();
    }
    out.push_str(&format[at..]);
    match highest {
        highest if highest >= args.len() => Ok(out),
        0 => Err(CallError::arg(1, "too many arguments; no verbs in format string")),
        highest => Err(CallError::arg(highest + 1, format!("too many arguments; only {highest} used by format string"))),
    }
}

/// Longer results are refused, so that no width can fill the memory.
const MOST_OUTPUT: usize = 256 << 20;

fn append(verb: &Verb<'_>, out: &mut String, args: &[Value]) -> Result<(), String> {
    let (raw, at) = (verb.raw, verb.offset);
    let unsupported = |why: &str| format!("unsupported value for {raw:?} at {at}: {why}");
    let arg = verb
        .arg
        .checked_sub(1)
        .and_then(|i| args.get(i))
        .ok_or_else(|| format!("not enough arguments for {raw:?} at {at}: need index {} but have {} total", verb.arg, args.len()))?;
    if verb.mode != 'v' && arg.is_null() {
        return Err(unsupported("null value cannot be formatted"));
    }
    let to = |ty: &Type| convert::convert(arg, ty).map_err(|e| unsupported(&e.to_string()));
    match verb.mode {
        'v' => out.push_str(&verb.pad(as_is(verb, arg).map_err(|e| unsupported(&e))?)?),
        't' => out.push_str(if to(&Type::Bool)?.as_bool() == Some(true) { "true" } else { "false" }),
        'b' | 'd' | 'o' | 'x' | 'X' => {
            let n = to(&Type::Number)?;
            let text = n.as_number().and_then(|n| integer(verb, n)).ok_or_else(|| unsupported("an integer is required"))?;
            out.push_str(&text?);
        }
        'e' | 'E' | 'f' | 'g' | 'G' => {
            let n = to(&Type::Number)?;
            out.push_str(&float(verb, n.as_number().unwrap_or(&Number::ZERO))?);
        }
        's' | 'q' => {
            let text = to(&Type::String)?;
            let text = verb.cut(text.as_str().unwrap_or_default());
            let text = if verb.mode == 'q' { quoted(text) } else { text.to_owned() };
            out.push_str(&verb.pad(text)?);
        }
        mode => return Err(format!("unsupported format verb {mode:?} in {raw:?} at offset {at}")),
    }
    Ok(())
}

fn quoted(text: &str) -> String {
    let mut out = String::new();
    json::write_string(text, &mut out);
    out
}

fn as_is(verb: &Verb<'_>, arg: &Value) -> Result<String, String> {
    match &arg.data {
        Data::String(s) if !verb.sharp => Ok(s.as_ref().to_owned()),
        Data::Number(n) if !verb.sharp => Ok(decimal::format(n, 'g', None)),
        _ => json::encode(arg),
    }
}

/// A whole number as Go's `big.Int` formats it; `None` for other numbers.
fn integer(verb: &Verb<'_>, n: &Number) -> Option<Result<String, String>> {
    let (radix, mark) = match verb.mode {
        'b' => (2, "0b"),
        'o' => (8, "0"),
        'x' => (16, "0x"),
        'X' => (16, "0X"),
        _ => (10, ""),
    };
    let digits = n.to_integer_string(radix)?;
    let (negative, digits) = match digits.strip_prefix('-') {
        Some(digits) if digits != "0" => (true, digits),
        Some(digits) => (false, digits),
        None => (false, digits.as_str()),
    };
    let digits = if verb.mode == 'X' { digits.to_uppercase() } else { digits.to_owned() };
    Some(verb.place_integer(verb.sign(negative), if verb.sharp { mark } else { "" }, &digits))
}

/// A number as Go's `big.Float` formats it.
fn float(verb: &Verb<'_>, n: &Number) -> Result<String, String> {
    let (width, precision) = verb.bounded()?;
    let precision = match verb.mode {
        'e' | 'E' | 'f' => Some(precision.unwrap_or(6)),
        _ => precision,
    };
    let text = decimal::format(n, verb.mode, precision);
    let (sign, digits) = match text.split_at_checked(1) {
        Some(("-", digits)) => ("-", digits),
        Some(("+", digits)) => (if verb.space { " " } else { "+" }, digits),
        _ => (verb.sign(false), text.as_str()),
    };
    let padding = width.unwrap_or(0).saturating_sub(sign.len() + digits.len());
    Ok(if verb.zero && !verb.minus && !n.is_infinite() {
        format!("{sign}{}{digits}", "0".repeat(padding))
    } else if verb.minus {
        format!("{sign}{digits}{}", " ".repeat(padding))
    } else {
        format!("{}{sign}{digits}", " ".repeat(padding))
    })
}

#[cfg(test)]
mod tests {
    use super::super::filesystem::testing::run;
    use secstack_base::{Number, Type, Value};

    #[test]
    fn integers() {
        for (format, n, want) in [
            ("%d", "42", "42"),
            ("%+d", "7", "+7"),
            ("% d", "7", " 7"),
            ("%05d", "-7", "-0007"),
            ("%-5d|", "7", "7    |"),
            ("%-05d|", "7", "7    |"),
            ("%.3d", "7", "007"),
            ("%8.3d", "-7", "    -007"),
            ("%08.3d", "7", "     007"),
            ("%.0d|", "0", "|"),
            ("%b", "-5", "-101"),
            ("%#o", "8", "010"),
            ("%#x", "255", "0xff"),
            ("%#X", "-255", "-0XFF"),
            ("%#b", "2", "0b10"),
            ("%x", "340282366920938463463374607431768211456", "100000000000000000000000000000000"),
            ("%d", "4.2", "error"),
            ("%99999999d", "1", "error"),
        ] {
            check(format, &[number(n)], want);
        }
    }

    #[test]
    fn floats() {
        for (format, n, want) in [
            ("%f", "1.5", "1.500000"),
            ("%.30f", "0.1", "0.100000000000000000000000000000"),
            ("%.0f", "2.5", "2"),
            ("%.0f", "3.5", "4"),
            ("%.2f", "0.125", "0.12"),
            ("%08.3f", "-3.14159", "-003.142"),
            ("%+.1f", "1", "+1.0"),
            ("%e", "0", "0.000000e+00"),
            ("%e", "123456.789", "1.234568e+05"),
            ("%E", "1e-100", "1.000000E-100"),
            ("%g", "1000000", "1e+06"),
            ("%g", "100000", "100000"),
            ("%g", "0.0001", "0.0001"),
            ("%g", "0.00001", "1e-05"),
            ("%.3g", "1234.5", "1.23e+03"),
            ("%G", "1e20", "1E+20"),
            ("%v", "1234567", "1.234567e+06"),
            ("%v", "1.5", "1.5"),
            ("%05v|", "7", "00007|"),
            ("%-8.3f|", "3.14159", "3.142   |"),
        ] {
            check(format, &[number(n)], want);
        }
    }

    #[test]
    fn text() {
        let s = Value::string;
        check("%5s|%-5s|%05s", &[s("日本"), s("é"), s("x")], "   日本|é    |0000x");
        check("%8s|%-5.2s|", &[s("/क्षि"), s("/क्षि")], "     /क्षि|/क्   |");
        check("%.2s|%.0s|%.9s", &[s("héllo"), s("ab"), s("ab")], "hé|ab|ab");
        check("%q|%#v|%v", &[s("a\"<\n"), s("b"), s("c")], "\"a\\\"\\u003c\\n\"|\"b\"|c");
        check("%[2]s %[1]s %s", &[s("a"), s("b")], "b a b");
        check("%t %v %v", &[s("true"), Value::tuple([number("1"), Value::NULL]), Value::null(Type::String)], "true [1,null] null");
        check("100%%", &[], "100%");
        for bad in ["%", "%s %s", "%z", "%[3]s", "%[0]s", "%.s%", "%!", "%日", "% x", "x", "%99999999999999999999999s"] {
            check(bad, &[s("x")], "error");
        }
        check("%s", &[Value::null(Type::String)], "error");
        check("%s", &[Value::NULL], "unknown");
        check("%s", &[Value::unknown(Type::String)], "unknown");
    }

    #[test]
    fn lists_are_zipped() {
        let list = |items: &[&str]| Value::list(Type::String, items.iter().map(|s| Value::string(s)));
        let run = |format: &str, args: &[Value]| run("formatlist", &[&[Value::string(format)], args].concat());
        assert_eq!(run("%s=%s", &[list(&["a", "b"]), Value::string("x")]), r#"["a=x","b=x"]"#);
        assert_eq!(run("%s", &[list(&[])]), "[]");
        assert_eq!(run("x", &[]), r#"["x"]"#);
        assert_eq!(run("%s%s", &[list(&["a"]), list(&[])]), "error");
        assert_eq!(run("%s", &[Value::unknown(Type::list(Type::String))]), "unknown");
    }

    fn number(text: &str) -> Value {
        Number::parse(text).map_or(Value::NULL, Value::from)
    }

    #[track_caller]
    fn check(format: &str, args: &[Value], want: &str) {
        assert_eq!(run("format", &[&[Value::string(format)], args].concat()), want, "{format}");
    }
}
