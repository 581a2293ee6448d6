//! Text in other forms: Base64, character sets, URLs, JSON and CSV.

use std::io::Read;

use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use base64::prelude::{BASE64_STANDARD, Engine};
use secstack_base::{Type, Value, gzip};

use super::{CallError, Function, Outcome, Param};

mod charset;
mod csv;
pub(crate) mod json;

/// The functions of this family.
pub fn functions() -> Vec<Function> {
    let string = |name| Param::new(name, Type::String);
    let of = |name, params, run| Function { name, params, variadic: None, result: |_| Ok(Type::String), run, not_null: true };
    vec![
        of("base64decode", vec![string("str")], |_, args| base64_decode(text(args, 0))),
        of("base64encode", vec![string("str")], |_, args| Ok(Value::from(BASE64_STANDARD.encode(text(args, 0))))),
        of("base64gunzip", vec![string("str")], |_, args| base64_gunzip(text(args, 0))),
        of("base64gzip", vec![string("str")], |_, args| Ok(Value::from(BASE64_STANDARD.encode(gzipped(text(args, 0).as_bytes()))))),
        Function { result: csv::result, ..of("csvdecode", vec![string("str")], |_, args| csv::decode(text(args, 0))) },
        Function {
            result: json::result,
            not_null: false,
            ..of("jsondecode", vec![string("str")], |_, args| json::decode(text(args, 0)).map_err(CallError::new))
        },
        of("jsonencode", vec![Param::new("val", Type::Dynamic).nullable().unknowable()], |_, args| json_encode(&args[0])),
        of("textdecodebase64", vec![string("source"), string("encoding")], |_, args| text_decode(args)),
        of("textencodebase64", vec![string("string"), string("encoding")], |_, args| text_encode(args)),
        of("urldecode", vec![string("str")], |_, args| url_decode(text(args, 0))),
        of("urlencode", vec![string("str")], |_, args| Ok(Value::from(url_encode(text(args, 0))))),
    ]
}

fn text(args: &[Value], i: usize) -> &str {
    args[i].as_str().unwrap_or_default()
}

/// Decodes Base64 as Go does: line breaks anywhere, padding required, stray bits at the end ignored.
pub(super) fn decode_base64(text: &str) -> Result<Vec<u8>, base64::DecodeError> {
    const CONFIG: GeneralPurposeConfig =
        GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true).with_decode_padding_mode(DecodePaddingMode::RequireCanonical);
    let joined: Vec<u8> = text.bytes().filter(|b| !matches!(b, b'\r' | b'\n')).collect();
    GeneralPurpose::new(&STANDARD, CONFIG).decode(joined)
}

fn base64_decode(encoded: &str) -> Outcome {
    let bytes = decode_base64(encoded).map_err(|_| CallError::new(format!("failed to decode base64 data {encoded:?}")))?;
    let text = String::from_utf8(bytes).map_err(|_| CallError::new("the result of decoding the provided string is not valid UTF-8"))?;
    Ok(Value::from(text))
}

/// Compresses as Terraform does, which flushes before it closes.
fn gzipped(bytes: &[u8]) -> Vec<u8> {
    let mut writer = gzip::Writer::new();
    writer.write(bytes);
    writer.flush();
    writer.finish()
}

/// More than this does not come out of `base64gunzip`: a small text must not fill the memory.
const GUNZIP_LIMIT: u64 = 256 << 20;

/// OpenTofu's `base64gunzip`.
fn base64_gunzip(encoded: &str) -> Outcome {
    let bytes = decode_base64(encoded).map_err(|_| CallError::new("failed to decode base64 data"))?;
    let mut out = Vec::new();
    flate2::read::MultiGzDecoder::new(bytes.as_slice())
        .take(GUNZIP_LIMIT + 1)
        .read_to_end(&mut out)
        .map_err(|e| CallError::new(format!("failed to gunzip bytestream: {e}")))?;
    if out.len() as u64 > GUNZIP_LIMIT {
        return Err(CallError::new("failed to gunzip bytestream: the content is too large"));
    }
    String::from_utf8(out).map(Value::from).map_err(|_| CallError::new("the gunzipped content is not valid UTF-8"))
}

fn json_encode(value: &Value) -> Outcome {
    if let Some(unknown) = json::unknown(value) {
        return Ok(unknown);
    }
    json::encode(value).map(Value::from).map_err(CallError::new)
}

fn text_encode(args: &[Value]) -> Outcome {
    let name = text(args, 1);
    let charset = charset::find(name).ok_or_else(|| unknown_charset(name))?;
    let bytes = charset
        .encode(text(args, 0))
        .ok_or_else(|| CallError::arg(0, format!("the given string contains characters that cannot be represented in {name}")))?;
    Ok(Value::from(BASE64_STANDARD.encode(bytes)))
}

fn text_decode(args: &[Value]) -> Outcome {
    let name = text(args, 1);
    let charset = charset::find(name).ok_or_else(|| unknown_charset(name))?;
    let bytes = decode_base64(text(args, 0)).map_err(|e| CallError::arg(0, format!("the given value is not valid Base64: {e}")))?;
    let decoded = charset
        .decode(&bytes)
        .ok_or_else(|| CallError::arg(0, format!("the given string contains symbols that are not defined for {name}")))?;
    Ok(Value::from(decoded))
}

fn unknown_charset(name: &str) -> CallError {
    CallError::arg(1, format!("{name:?} is not a supported IANA encoding name or alias in this version"))
}

fn url_encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            b' ' => out.push('+'),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

/// OpenTofu's `urldecode`.
fn url_decode(text: &str) -> Outcome {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        match byte {
            b'+' => out.push(b' '),
            b'%' => {
                let digits = rest.get(..2).filter(|d| d.iter().all(u8::is_ascii_hexdigit)).and_then(|d| std::str::from_utf8(d).ok());
                let code = digits.and_then(|d| u8::from_str_radix(d, 16).ok());
                out.push(code.ok_or_else(|| CallError::new(format!("failed to decode URL {text:?}: invalid URL escape")))?);
                rest = &rest[2..];
            }
            _ => out.push(*byte),
        }
    }
    String::from_utf8(out).map(Value::from).map_err(|_| CallError::new("the result of decoding the provided string is not valid UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::super::filesystem::testing::run;
    use secstack_base::Value;

    #[test]
    fn base64_is_gos() {
        check("base64encode", &["a?>~ÿ"], "YT8+fsO/");
        for same in ["aGVsbG8=", "aGVs\r\nbG8=", "aGVsbG9=", "aGVsbG8=\n", "aGVsbG8\n="] {
            check("base64decode", &[same], "hello");
        }
        for bad in ["aGVsbG8", "aGVs bG8=", "-_-_", "=", "/w==", "aGVsbG8==", "aGVsbG8=aGVs"] {
            check("base64decode", &[bad], "error");
        }
    }

    #[test]
    fn gzip_is_gos() {
        check("base64gzip", &[""], "H4sIAAAAAAAA/wAAAP//AQAA//8AAAAAAAAAAA==");
        check("base64gzip", &["hello"], "H4sIAAAAAAAA/8pIzcnJBwAAAP//AQAA//+GphA2BQAAAA==");
        check("base64gunzip", &["H4sIAAAAAAAA/8pIzcnJBwAAAP//AQAA//+GphA2BQAAAA=="], "hello");
        check("base64gunzip", &["aGVsbG8="], "error");
    }

    #[test]
    fn character_sets_have_their_registered_names() {
        check("textencodebase64", &["é", "latin1"], "6Q==");
        check("textencodebase64", &["a€", "UTF-16"], "/v8AYSCs");
        check("textencodebase64", &["日本語", "Shift_JIS"], "k/qWe4zq");
        check("textencodebase64", &["a", "IBM037"], "gQ==");
        check("textdecodebase64", &["//5oAA==", "utf-16"], "h");
        check("textdecodebase64", &["//5oAA==", "UTF-16LE"], "\u{feff}h");
        for (text, bad) in [("x", "utf8"), ("é", "US-ASCII"), ("日", "ISO-8859-1"), ("x", "UTF-32"), ("x", "cp1251")] {
            check("textencodebase64", &[text, bad], "error");
        }
        for (text, bad) in [("/w==", "UTF-8"), ("gQ==", "windows-1252"), ("aA==", "UTF-16LE"), ("ANg=", "UTF-16LE"), ("gf8=", "Shift_JIS")]
        {
            check("textdecodebase64", &[text, bad], "error");
        }
    }

    #[test]
    fn urls_are_escaped() {
        check("urlencode", &[" +a-_.~é\n"], "+%2Ba-_.~%C3%A9%0A");
        check("urldecode", &["+%2Ba-_.~%C3%A9%0A"], " +a-_.~é\n");
        check("urldecode", &["%2"], "error");
        check("urldecode", &["%ff"], "error");
    }

    #[track_caller]
    fn check(name: &str, args: &[&str], want: &str) {
        let args: Vec<Value> = args.iter().map(|a| Value::string(a)).collect();
        assert_eq!(run(name, &args), want);
    }
}
