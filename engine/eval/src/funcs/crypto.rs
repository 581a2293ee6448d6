//! Hashes, identifiers and RSA.

use base64::prelude::{BASE64_STANDARD, Engine};
use md5::Md5;
use secstack_base::{Type, Value};
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};

use super::encoding::decode_base64;
use super::filesystem::read;
use super::{CallError, Context, Function, Outcome, Param};

mod private_key;

/// The functions of this family.
pub fn functions() -> Vec<Function> {
    let mut all = hashes();
    let string = |name| Param::new(name, Type::String);
    let of = |name, params, run| Function { name, params, variadic: None, result: |_| Ok(Type::String), run, not_null: true };
    all.extend([
        Function { variadic: Some(Param::new("cost", Type::Number)), ..of("bcrypt", vec![string("str")], bcrypt_hash) },
        of("rsadecrypt", vec![string("ciphertext"), string("privatekey")], |_, args| rsa_decrypt(args)),
        of("uuid", vec![], |cx, _| uuid(cx)),
        of("uuidv5", vec![string("namespace"), string("name")], |_, args| uuid_v5(args)),
    ]);
    all
}

/// A hash of text and the same of a file, for each algorithm and spelling.
fn hashes() -> Vec<Function> {
    fn one(name: &'static str, param: &'static str, run: fn(&Context<'_>, &[Value]) -> Outcome) -> Function {
        let params = vec![Param::new(param, Type::String)];
        Function { name, params, variadic: None, result: |_| Ok(Type::String), run, not_null: true }
    }
    vec![
        one("base64sha256", "str", |_, a| base64(&Sha256::digest(text(a, 0)))),
        one("base64sha512", "str", |_, a| base64(&Sha512::digest(text(a, 0)))),
        one("filebase64sha256", "path", |cx, a| base64(&Sha256::digest(read(cx, a)?))),
        one("filebase64sha512", "path", |cx, a| base64(&Sha512::digest(read(cx, a)?))),
        one("filemd5", "path", |cx, a| hex(&Md5::digest(read(cx, a)?))),
        one("filesha1", "path", |cx, a| hex(&Sha1::digest(read(cx, a)?))),
        one("filesha256", "path", |cx, a| hex(&Sha256::digest(read(cx, a)?))),
        one("filesha512", "path", |cx, a| hex(&Sha512::digest(read(cx, a)?))),
        one("md5", "str", |_, a| hex(&Md5::digest(text(a, 0)))),
        one("sha1", "str", |_, a| hex(&Sha1::digest(text(a, 0)))),
        one("sha256", "str", |_, a| hex(&Sha256::digest(text(a, 0)))),
        one("sha512", "str", |_, a| hex(&Sha512::digest(text(a, 0)))),
    ]
}

fn text(args: &[Value], i: usize) -> &str {
    args[i].as_str().unwrap_or_default()
}

fn base64(hash: &[u8]) -> Outcome {
    Ok(Value::from(BASE64_STANDARD.encode(hash)))
}

fn hex(hash: &[u8]) -> Outcome {
    Ok(Value::from(hash.iter().map(|b| format!("{b:02x}")).collect::<String>()))
}

fn bcrypt_hash(cx: &Context<'_>, args: &[Value]) -> Outcome {
    let password = text(args, 0);
    if args.len() > 2 {
        return Err(CallError::arg(2, "bcrypt() takes no more than two arguments"));
    }
    let cost = match args.get(1).and_then(Value::as_number) {
        None => bcrypt::DEFAULT_COST.min(10),
        Some(n) => match n.to_i64() {
            Some(..4) => 10,
            Some(cost @ 4..=31) => u32::try_from(cost).unwrap_or(10),
            Some(cost) => {
                return Err(CallError::new(format!(
                    "error occured generating password crypto/bcrypt: cost {cost} is outside allowed range (4,31)"
                )));
            }
            None => return Err(CallError::arg(1, "value must be a whole number")),
        },
    };
    if password.len() > 72 {
        return Err(CallError::new("error occured generating password bcrypt: password length exceeds 72 bytes"));
    }
    let Some(random) = cx.random else { return Ok(Value::unknown_not_null(Type::String)) };
    let mut salt = [0; 16];
    random(&mut salt);
    let hash =
        bcrypt::hash_with_salt(password, cost, salt).map_err(|e| CallError::new(format!("error occured generating password {e}")))?;
    Ok(Value::from(hash.format_for_version(bcrypt::Version::TwoA)))
}

fn rsa_decrypt(args: &[Value]) -> Outcome {
    let cipher = decode_base64(text(args, 0))
        .map_err(|_| CallError::arg(0, "failed to decode input \"ciphertext\": cipher text must be base64-encoded"))?;
    let key = private_key::parse(text(args, 1)).map_err(|e| CallError::arg(1, e))?;
    let plain =
        key.decrypt(rsa::Pkcs1v15Encrypt, &cipher).map_err(|_| CallError::new("failed to decrypt: crypto/rsa: decryption error"))?;
    Ok(Value::string(&String::from_utf8_lossy(&plain)))
}

fn uuid(cx: &Context<'_>) -> Outcome {
    let Some(random) = cx.random else { return Ok(Value::unknown_not_null(Type::String)) };
    let mut bytes = [0; 16];
    random(&mut bytes);
    Ok(Value::from(show_uuid(bytes, 4)))
}

fn uuid_v5(args: &[Value]) -> Outcome {
    let name = text(args, 0);
    let well_known =
        |last: u8| u128::from_be_bytes([0x6b, 0xa7, 0xb8, last, 0x9d, 0xad, 0x11, 0xd1, 0x80, 0xb4, 0, 0xc0, 0x4f, 0xd4, 0x30, 0xc8]);
    let namespace = match name {
        "dns" => well_known(0x10),
        "url" => well_known(0x11),
        "oid" => well_known(0x12),
        "x500" => well_known(0x14),
        _ => parse_uuid(name).ok_or_else(|| {
            CallError::new(format!("uuidv5() doesn't support namespace {name:?}: it must be dns, url, oid, x500 or a UUID"))
        })?,
    };
    let hash = Sha1::new().chain_update(namespace.to_be_bytes()).chain_update(text(args, 1)).finalize();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash[..16]);
    Ok(Value::from(show_uuid(bytes, 5)))
}

/// A UUID plain, without dashes, with a `urn:uuid:` in front, or with one character around it.
fn parse_uuid(text: &str) -> Option<u128> {
    let inner = match text.len() {
        45 if text.get(..9)?.eq_ignore_ascii_case("urn:uuid:") => text.get(9..)?,
        38 => text.get(1..37)?,
        _ => text,
    };
    let digits: String = match inner.len() {
        36 => {
            let parts: Vec<&str> = inner.split('-').collect();
            let lengths: Vec<usize> = parts.iter().map(|p| p.len()).collect();
            (lengths == [8, 4, 4, 4, 12]).then(|| parts.concat())?
        }
        32 => inner.into(),
        _ => return None,
    };
    let hex = digits.bytes().all(|b| b.is_ascii_hexdigit());
    if hex { u128::from_str_radix(&digits, 16).ok() } else { None }
}

fn show_uuid(mut bytes: [u8; 16], version: u8) -> String {
    bytes[6] = bytes[6] & 0x0f | version << 4;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex = format!("{:032x}", u128::from_be_bytes(bytes));
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

#[cfg(test)]
mod tests {
    use super::super::filesystem::testing::run;
    use secstack_base::Value;

    #[test]
    fn hashes_are_hexadecimal_or_base64() {
        check("md5", &[""], "d41d8cd98f00b204e9800998ecf8427e");
        check("sha1", &["hello"], "aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d");
        check("base64sha256", &["é"], "SplVfkAzw1Od4utlRyAXytX5VX96BiWgnxw/biumnEw=");
        check("filesha1", &["hello.txt"], "60fde9c2310b0d4cad4dab8d126b04387efba289");
        check("filemd5", &["nope"], "error");
    }

    #[test]
    fn namespaces_of_identifiers() {
        check("uuidv5", &["dns", "www.terraform.io"], "a5008fae-b28c-5ba5-96cd-82b4c53552d6");
        check("uuidv5", &["x500", "CN=x"], "955bb643-faf8-5f69-a3de-891b89fea215");
        for same in
            ["6ba7b8109dad11d180b400c04fd430c8", "{6ba7b810-9dad-11d1-80b4-00c04fd430c8}", "URN:UUID:6ba7b810-9dad-11d1-80b4-00c04fd430c8"]
        {
            check("uuidv5", &[same, "x"], "05b16a01-46c6-56dd-bd6e-c6dfb4a1427a");
        }
        for bad in ["", "DNS", "nope", "6ba7b810x9dad-11d1-80b4-00c04fd430c8", "日日日日日日日日日日日日"] {
            check("uuidv5", &[bad, "x"], "error");
        }
    }

    #[test]
    fn random_results_are_unknown_while_planning() {
        check("uuid", &[], "unknown");
        check("bcrypt", &["x"], "unknown");
        check("bcrypt", &["x", "32"], "error");
        check("rsadecrypt", &["not base64!", "x"], "error");
        check("rsadecrypt", &["aGVsbG8=", "x"], "error");
    }

    #[track_caller]
    fn check(name: &str, args: &[&str], want: &str) {
        let args: Vec<Value> = args.iter().map(|a| Value::string(a)).collect();
        assert_eq!(run(name, &args), want);
    }
}
