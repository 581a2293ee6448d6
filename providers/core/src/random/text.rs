//! `random_string` and `random_password`: text of random characters.

use async_trait::async_trait;
use secstack_base::schema::{Attribute, Draft, Schema};
use secstack_base::{Diagnostic, Diags, Type, Value};
use secstack_sdk::Result;

use super::{keepers, random_below};
use crate::framework::{at_least, invalid_value, is_true, text, whole, with_all};
use crate::kind::{EphemeralKind, Kind, fail};
use crate::schema::{Describe, chosen, computed, optional, required, schema};

/// `random_string` or `random_password`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum RandomText {
    String,
    Password,
}

const UPPER: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const LOWER: &str = "abcdefghijklmnopqrstuvwxyz";
const NUMERIC: &str = "0123456789";
const SPECIAL: &str = "!@#$%&*()-_=+[]{}<>:?";

/// The groups of characters: the argument that allows one, the argument that demands some, the characters.
const GROUPS: [(&str, &str, &str); 4] = [
    ("upper", "min_upper", UPPER),
    ("lower", "min_lower", LOWER),
    ("numeric", "min_numeric", NUMERIC),
    ("special", "min_special", SPECIAL),
];

#[async_trait]
impl Kind for RandomText {
    fn name(&self) -> &'static str {
        match self {
            Self::String => "random_string",
            Self::Password => "random_password",
        }
    }

    fn schema(&self) -> Schema {
        let fixed = arguments().into_iter().map(Describe::forces_new);
        let with_default = |mut a: Attribute| {
            if &*a.name != "numeric" && a.presence == secstack_base::schema::Presence::OptionalComputed {
                a.default = Some(if a.ty == Type::Bool { true.into() } else { 0i64.into() });
            }
            a
        };
        let mut attributes: Vec<Attribute> = fixed.map(with_default).collect();
        attributes.extend([
            keepers(),
            override_special().forces_new_if(override_forces_new),
            chosen("number", Type::Bool, "Whether there are digits.")
                .deprecated("**NOTE**: This is deprecated, use `numeric` instead.")
                .forces_new(),
        ]);
        match self {
            Self::String => attributes.extend([computed("result", Type::String, "The text."), computed("id", Type::String, "The text.")]),
            Self::Password => {
                attributes.extend(secrets());
                attributes.push(computed("id", Type::String, "Always `none`."));
            }
        }
        let (about, version) = match self {
            Self::String => ("Random text.", 2),
            Self::Password => ("Random text that is a secret.", 3),
        };
        Schema { version, ..schema(about, attributes) }
    }

    fn plan(&self, draft: &mut Draft) -> Diags {
        let get = |name: &str| draft.config.get(name).filter(|v| !v.is_null());
        let (number, numeric) = (get("number"), get("numeric"));
        let both = numeric.or(number).cloned().unwrap_or_else(|| true.into());
        let number = number.cloned().unwrap_or_else(|| both.clone());
        draft.planned = with_all(&draft.planned, [("numeric", both), ("number", number)]);
        Diags::new()
    }

    fn validate(&self, config: &Value) -> Diags {
        let mut diags = check(config, &["number", "numeric"]);
        let known = |name: &str| config.get(name).and_then(Value::as_bool);
        if let (Some(a), Some(b)) = (known("number"), known("numeric"))
            && a != b
        {
            let summary = "Number and numeric are both configured with different values";
            diags.push(Diagnostic::error(summary, "Number is deprecated, use numeric instead"));
        }
        diags
    }

    async fn create(&self, planned: &Value) -> Result<Value> {
        let result = generate(planned)?;
        Ok(match self {
            Self::String => with_all(planned, [("id", result.clone().into()), ("result", result.into())]),
            Self::Password => with_all(planned, [("id", "none".into()), ("bcrypt_hash", hash(&result)?), ("result", result.into())]),
        })
    }

    async fn import(&self, given: &str) -> Result<Value> {
        let length = secstack_base::Number::from(given.len());
        let mut found = vec![("result", given.into()), ("length", length.into()), ("number", true.into())];
        for (allow, least, _) in GROUPS {
            found.extend([(allow, true.into()), (least, 0i64.into())]);
        }
        match self {
            Self::String => found.push(("id", given.into())),
            Self::Password => found.extend([("id", "none".into()), ("bcrypt_hash", hash(given)?)]),
        }
        Ok(with_all(&self.schema().block.empty_value(), found))
    }
}

pub(super) struct EphemeralPassword;

#[async_trait]
impl EphemeralKind for EphemeralPassword {
    fn name(&self) -> &'static str {
        "random_password"
    }

    fn schema(&self) -> Schema {
        let attributes = arguments().into_iter().chain([override_special()]).chain(secrets());
        schema("Random text that is a secret and is never stored.", attributes)
    }

    async fn open(&self, config: &Value) -> Result<Value> {
        if let Some(d) = check(config, &["numeric"]).iter().next() {
            return Err(fail(&d.summary, &d.detail));
        }
        let mut opened = config.clone();
        for (allow, least, _) in GROUPS {
            for (name, default) in [(allow, Value::from(true)), (least, Value::from(0i64))] {
                if config.get(name).is_none_or(Value::is_null) {
                    opened = opened.with(name, default);
                }
            }
        }
        let result = generate(&opened)?;
        Ok(with_all(&opened, [("bcrypt_hash", hash(&result)?), ("result", result.into())]))
    }
}

/// The arguments that both kinds have.
fn arguments() -> Vec<Attribute> {
    let mut all = vec![required("length", Type::Number, "How many characters.")];
    for (allow, least, _) in GROUPS {
        let kind = match allow {
            "numeric" => "digits",
            "upper" => "upper-case letters",
            "lower" => "lower-case letters",
            _ => "other characters",
        };
        all.push(chosen(allow, Type::Bool, &format!("Whether there are {kind}. True unless set.")));
        all.push(chosen(least, Type::Number, &format!("The fewest {kind}. 0 unless set.")));
    }
    all
}

fn override_special() -> Attribute {
    optional("override_special", Type::String, "The other characters, in place of `!@#$%&*()-_=+[]{}<>:?`.")
}

fn secrets() -> [Attribute; 2] {
    [
        computed("result", Type::String, "The text.").sensitive(),
        computed("bcrypt_hash", Type::String, "A bcrypt hash of the first 72 bytes of the text.").sensitive(),
    ]
}

/// Older providers stored `""` for an argument that is not set.
fn override_forces_new(prior: &Value, planned: &Value) -> bool {
    !(planned.is_unknown() || planned.is_null() && prior.as_str() == Some(""))
}

/// Checks arguments that may be unknown.
fn check(config: &Value, digits: &[&str]) -> Diags {
    let mut diags = Diags::new();
    at_least(config, "length", 1, &mut diags);
    let least = GROUPS.map(|(_, least, _)| least);
    let unknown = least.iter().any(|name| config.get(name).is_some_and(Value::is_unknown));
    let sum: i64 = least.iter().filter_map(|name| whole(config, name)).sum();
    if let (Some(length), false) = (whole(config, "length"), unknown)
        && length < sum
    {
        let names = ["min_upper", "min_lower", "min_numeric", "min_special"].join(" + ");
        let got = config.get("length").unwrap_or(&Value::NULL);
        diags.push(invalid_value("length", &format!("must be at least sum of {names}"), got));
    }
    let off = |name: &str| config.get(name).and_then(Value::as_bool) == Some(false);
    for name in digits.iter().filter(|name| off(name) && ["special", "upper", "lower"].into_iter().all(off)) {
        let what = format!("At least one attribute out of [special,upper,lower,{name}] must be specified as true");
        diags.push(Diagnostic::error("Invalid Attribute Combination", what));
    }
    diags
}

/// Random text with the characters asked for. Like Terraform, it takes bytes, not characters, of what overrides.
fn generate(planned: &Value) -> Result<String> {
    let overriding = Some(text(planned, "override_special")).filter(|s| !s.is_empty());
    let groups = GROUPS.map(|(allow, least, chars)| {
        let chars = overriding.filter(|_| allow == "special").unwrap_or(chars);
        (is_true(planned, allow), whole(planned, least).unwrap_or(0), chars)
    });
    let all: Vec<char> = groups.iter().filter(|(allowed, ..)| *allowed).flat_map(|(_, _, chars)| chars.chars()).collect();
    if all.is_empty() {
        return Err(fail(
            "Random Read Error",
            "While attempting to generate a random value for this resource, a read error was generated.\n\nOriginal Error: the character set specified is empty",
        ));
    }
    let length = whole(planned, "length").and_then(|n| usize::try_from(n).ok()).unwrap_or(0);
    let mut result: Vec<char> = Vec::with_capacity(length);
    for (_, least, chars) in groups {
        let chars: Vec<char> = chars.chars().collect();
        for _ in 0..least {
            result.push(chars[random_below(chars.len())?]);
        }
    }
    while result.len() < length {
        result.push(all[random_below(all.len())?]);
    }
    for i in (1..result.len()).rev() {
        result.swap(i, random_below(i + 1)?);
    }
    Ok(result.into_iter().collect())
}

fn hash(secret: &str) -> Result<Value> {
    let bytes = secret.as_bytes();
    // Go writes the version of the algorithm as `2a`.
    let parts = bcrypt::hash_with_result(&bytes[..bytes.len().min(72)], 10);
    let parts = parts.map_err(|e| {
        fail(
            "Hash Generation Error",
            format!("While attempting to generate a hash from the password an error occurred.\n\nOriginal Error: {e}"),
        )
    })?;
    Ok(parts.format_for_version(bcrypt::Version::TwoA).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn planned(kind: RandomText, set: &[(&str, Value)]) -> Value {
        let schema = kind.schema();
        let defaults = schema.block.attributes.iter().filter_map(|a| Some((&*a.name, a.default.clone()?)));
        let object = with_all(&schema.block.empty_value(), defaults.chain([("numeric", true.into()), ("number", true.into())]));
        with_all(&object, set.iter().cloned())
    }

    #[tokio::test]
    async fn characters_asked_for() {
        let only = [
            ("upper", false.into()),
            ("lower", false.into()),
            ("length", 40i64.into()),
            ("min_special", 3i64.into()),
            ("override_special", "/é".into()),
        ];
        let made = RandomText::String.create(&planned(RandomText::String, &only)).await.unwrap();
        let result = made.get_str("result").unwrap();
        assert_eq!(result.chars().count(), 40);
        assert!(result.chars().all(|c| c.is_ascii_digit() || "/é".contains(c)));
        assert!(result.chars().filter(|c| "/é".contains(*c)).count() >= 3);
        let none: Vec<_> = ["upper", "lower", "numeric", "special"].map(|n| (n, Value::from(false))).into();
        assert!(RandomText::String.create(&planned(RandomText::String, &none)).await.is_err());
    }

    #[tokio::test]
    async fn passwords_have_a_hash() {
        let made = RandomText::Password.create(&planned(RandomText::Password, &[("length", 20i64.into())])).await.unwrap();
        let (result, hash) = (made.get_str("result").unwrap(), made.get_str("bcrypt_hash").unwrap());
        assert!(hash.starts_with("$2a$10$") && bcrypt::verify(result, hash).unwrap());
        assert_eq!(made.get_str("id"), Some("none"));
        let opened = EphemeralPassword.open(&EphemeralPassword.schema().block.empty_value().with("length", 9i64.into())).await.unwrap();
        assert_eq!(opened.get_str("result").map(str::len), Some(9));
    }

    #[test]
    fn number_and_numeric_go_together() {
        let kind = RandomText::String;
        let plan = |set: &[(&str, Value)]| {
            let config = with_all(&kind.schema().block.empty_value(), set.iter().cloned());
            let mut draft = Draft { prior: None, planned: config.clone(), config, replace: vec![] };
            kind.plan(&mut draft);
            (is_true(&draft.planned, "number"), is_true(&draft.planned, "numeric"))
        };
        assert_eq!(plan(&[]), (true, true));
        assert_eq!(plan(&[("number", false.into())]), (false, false));
        assert_eq!(plan(&[("numeric", false.into())]), (false, false));
    }

    #[test]
    fn checks() {
        let kind = RandomText::String;
        let check = |set: &[(&str, Value)], want: bool| {
            let config = with_all(&kind.schema().block.empty_value(), set.iter().cloned());
            assert_eq!(kind.validate(&config).has_errors(), !want, "{set:?}");
        };
        check(&[("length", 4i64.into()), ("min_upper", 2i64.into()), ("min_lower", 2i64.into())], true);
        check(&[("length", 3i64.into()), ("min_upper", 2i64.into()), ("min_lower", 2i64.into())], false);
        check(&[("length", 0i64.into())], false);
        check(&[("numeric", false.into()), ("number", true.into())], false);
        let off = ["upper", "lower", "numeric", "special"].map(|n| (n, Value::from(false)));
        check(&off, false);
        check(&off[..3], true);
    }

    #[tokio::test]
    async fn imports() {
        let found = RandomText::String.import("abc").await.unwrap();
        assert_eq!((whole(&found, "length"), found.get_str("id")), (Some(3), Some("abc")));
    }
}
