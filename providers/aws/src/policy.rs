//! Policy documents: when two mean the same, and how one is written.
//!
//! Services give policies back with other spacing, order of keys, single values for lists of one, and account
//! numbers spelled out as ARNs. None of that is a change.

mod grants;

use std::collections::BTreeMap;

use secstack_base::Value;
use secstack_base::schema::Draft;
use serde_json::Value as Json;

pub use grants::widened;

/// Whether two values are policies that mean the same. For the option `same` of an attribute.
pub fn same(a: &Value, b: &Value) -> bool {
    a.as_str().zip(b.as_str()).is_some_and(|(a, b)| equivalent(a, b))
}

/// Whether two texts are policies that mean the same.
pub fn equivalent(a: &str, b: &str) -> bool {
    if a.trim() == b.trim() {
        return true;
    }
    match (serde_json::from_str::<Json>(a), serde_json::from_str::<Json>(b)) {
        (Ok(a), Ok(b)) => canonical_policy(&a) == canonical_policy(&b),
        _ => false,
    }
}

/// Whether two values are JSON texts that mean the same.
pub fn same_json(a: &Value, b: &Value) -> bool {
    a.as_str().zip(b.as_str()).is_some_and(|(a, b)| a == b || normalize(a).is_some_and(|a| normalize(b) == Some(a)))
}

/// JSON with sorted keys and no space, as the provider writes it; `None` when it is no JSON.
pub fn normalize(text: &str) -> Option<String> {
    let json: Json = serde_json::from_str(text).ok()?;
    Some(go_escaped(&sorted(&json).to_string()))
}

/// The text that a service gave, normalized where that is possible.
pub fn read(text: &str) -> String {
    normalize(text).unwrap_or_else(|| text.to_string())
}

/// The same with the version in front, as policies inside of roles are kept.
pub fn normalize_version_first(text: &str) -> Option<String> {
    let Json::Object(mut map) = sorted(&serde_json::from_str(text).ok()?) else { return normalize(text) };
    let mut out = serde_json::Map::new();
    if map.get("Version").and_then(Json::as_str) == Some("2012-10-17") {
        out.extend(map.shift_remove("Version").map(|v| ("Version".to_string(), v)));
    }
    out.extend(map);
    Some(go_escaped(&Json::Object(out).to_string()))
}

/// The text that a service gave, normalized where that is possible, with the version in front.
pub fn read_version_first(text: &str) -> String {
    normalize_version_first(text).unwrap_or_else(|| text.to_string())
}

/// Plans an argument that holds JSON in the form in which it is kept in the state.
pub fn plan_normalized(draft: &mut Draft, name: &str) {
    let Some(text) = draft.planned.get_str(name).and_then(normalize) else { return };
    draft.planned = draft.planned.with(name, Value::string(&text));
}

/// The characters that Go's encoder of JSON writes as escapes.
pub fn go_escaped(json: &str) -> String {
    json.replace('&', "\\u0026").replace('<', "\\u003c").replace('>', "\\u003e")
}

fn sorted(json: &Json) -> Json {
    match json {
        Json::Array(items) => Json::Array(items.iter().map(sorted).collect()),
        Json::Object(map) => {
            let map: BTreeMap<_, _> = map.iter().map(|(k, v)| (k.clone(), sorted(v))).collect();
            Json::Object(map.into_iter().collect())
        }
        simple => simple.clone(),
    }
}

/// The URL-encoded text of a policy in an answer of IAM.
pub fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut i = 0;
    while i < bytes.len() {
        let hex = bytes.get(i + 1..i + 3).and_then(|h| std::str::from_utf8(h).ok());
        match (bytes[i], hex.and_then(|h| u8::from_str_radix(h, 16).ok())) {
            (b'%', Some(byte)) => {
                out.push(byte);
                i += 3;
            }
            (b'+', _) => {
                out.push(b' ');
                i += 1;
            }
            (byte, _) => {
                out.push(byte);
                i += 1;
            }
        }
    }
    String::from_utf8(out).unwrap_or_else(|_| text.to_string())
}

fn canonical_policy(policy: &Json) -> Json {
    let Json::Object(map) = policy else { return policy.clone() };
    let mut out = BTreeMap::new();
    for (key, value) in map {
        let value = match &**key {
            "Statement" => bag(list(value).iter().map(canonical_statement)),
            _ => sorted(value),
        };
        out.insert(key.clone(), value);
    }
    Json::Object(out.into_iter().collect())
}

fn canonical_statement(statement: &Json) -> Json {
    let Json::Object(map) = statement else { return sorted(statement) };
    let mut out = BTreeMap::new();
    for (key, value) in map {
        let value = match &**key {
            "Action" | "NotAction" => bag(list(value).iter().map(lower)),
            "Resource" | "NotResource" => bag(list(value).iter().map(Json::clone)),
            "Principal" | "NotPrincipal" => canonical_principal(value),
            "Condition" => canonical_condition(value),
            "Sid" if value.as_str() == Some("") => continue,
            _ => sorted(value),
        };
        out.insert(key.clone(), value);
    }
    Json::Object(out.into_iter().collect())
}

fn lower(action: &Json) -> Json {
    action.as_str().map_or_else(|| action.clone(), |s| Json::String(s.to_lowercase()))
}

fn canonical_principal(value: &Json) -> Json {
    let Json::Object(map) = value else {
        return Json::Object([("AWS".to_string(), bag(list(value).iter().cloned()))].into_iter().collect());
    };
    let sorted: BTreeMap<_, _> =
        map.iter().map(|(k, v)| (k.clone(), bag(list(v).iter().map(|v| if k == "AWS" { account_root(v) } else { v.clone() })))).collect();
    Json::Object(sorted.into_iter().collect())
}

/// `123456789012` for the ARN of the root of an account.
fn account_root(principal: &Json) -> Json {
    let account = principal.as_str().and_then(|arn| {
        let parts: Vec<&str> = arn.split(':').collect();
        (parts.len() == 6 && parts[2] == "iam" && parts[5] == "root").then(|| parts[4].to_string())
    });
    account.map_or_else(|| principal.clone(), Json::String)
}

fn canonical_condition(value: &Json) -> Json {
    let Json::Object(tests) = value else { return value.clone() };
    let text = |v: &Json| Json::String(v.as_str().map_or_else(|| v.to_string(), str::to_string));
    let mut out = BTreeMap::new();
    for (test, variables) in tests {
        let variables: BTreeMap<_, _> = match variables {
            Json::Object(map) => map.iter().map(|(k, v)| (k.to_lowercase(), bag(list(v).iter().map(text)))).collect(),
            _ => BTreeMap::new(),
        };
        out.insert(test.clone(), Json::Object(variables.into_iter().collect()));
    }
    Json::Object(out.into_iter().collect())
}

/// A list; a single value is a list of one.
fn list(value: &Json) -> &[Json] {
    match value {
        Json::Array(items) => items,
        single => std::slice::from_ref(single),
    }
}

/// Items whose order means nothing.
fn bag(items: impl Iterator<Item = Json>) -> Json {
    let mut items: Vec<Json> = items.collect();
    items.sort_by_cached_key(Json::to_string);
    items.dedup();
    Json::Array(items)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_means_the_same() {
        check(r#"{"Statement":{"Action":"s3:*"}}"#, r#"{ "Statement": [{"Action": ["s3:*"]}] }"#, true);
        check(r#"{"Statement":[{"Action":["a","b"]}]}"#, r#"{"Statement":[{"Action":["b","a"]}]}"#, true);
        check(
            r#"{"Statement":[{"Principal":{"AWS":"arn:aws:iam::123456789012:root"}}]}"#,
            r#"{"Statement":[{"Principal":{"AWS":["123456789012"]}}]}"#,
            true,
        );
        check(r#"{"Statement":[{"Principal":"*"}]}"#, r#"{"Statement":[{"Principal":{"AWS":"*"}}]}"#, true);
        check(r#"{"Statement":[{"Condition":{"Bool":{"a":true}}}]}"#, r#"{"Statement":[{"Condition":{"Bool":{"a":["true"]}}}]}"#, true);
        check(r#"{"Statement":[{"Action":"a"}]}"#, r#"{"Statement":[{"Action":"c"}]}"#, false);
        check("x", "y", false);
    }

    #[test]
    fn written_as_go_does() {
        assert_eq!(normalize(r#"{"b": "<&>", "a": [1]}"#).unwrap(), r#"{"a":[1],"b":"\u003c\u0026\u003e"}"#);
        let first = normalize_version_first(r#"{"Id":"x","Version":"2012-10-17"}"#);
        assert_eq!(first.unwrap(), r#"{"Version":"2012-10-17","Id":"x"}"#);
        assert_eq!(decoded("%7B%22a%22%3A+1%7D%2"), "{\"a\": 1}%2");
    }

    #[track_caller]
    fn check(a: &str, b: &str, want: bool) {
        assert_eq!(equivalent(a, b), want, "{a} {b}");
    }
}
