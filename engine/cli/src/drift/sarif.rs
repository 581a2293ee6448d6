//! The report as SARIF 2.1.0, for code scanning. What is told follows the properties that GitHub reads.

use std::collections::BTreeMap;

use secstack_run::drift::{Finding, Kind};
use secstack_sdk::drift::Severity;
use serde_json::{Value as Json, json};

use super::{Report, heading};

pub fn report(r: &Report<'_>) -> String {
    let mut rules: BTreeMap<String, Json> = BTreeMap::new();
    for f in &r.drift.findings {
        rules.entry(rule_id(f)).or_insert_with(|| rule(f));
    }
    let index: BTreeMap<&String, usize> = rules.keys().enumerate().map(|(i, id)| (id, i)).collect();
    let results: Vec<Json> = r.drift.findings.iter().map(|f| result(r, f, index[&rule_id(f)])).collect();
    let document = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "secstack drift",
                "version": env!("CARGO_PKG_VERSION"),
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": rules.values().collect::<Vec<_>>(),
            }},
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    });
    format!("{document:#}\n")
}

/// One rule for each kind of drift and severity, since severity belongs to rules.
fn rule_id(f: &Finding) -> String {
    match f.severity() {
        Some(s) => format!("drift/{}/{s}", f.kind.word()),
        None => format!("drift/{}", f.kind.word()),
    }
}

fn rule(f: &Finding) -> Json {
    let what = match f.kind {
        Kind::Gone => "An object of the state is gone",
        Kind::Changed => "An object was changed outside",
        Kind::Unmanaged => "An object that nobody manages stands in the scope of a managed one",
    };
    let weak = f.severity().map(|s| format!(", which weakens security ({s})")).unwrap_or_default();
    let mut properties = json!({"tags": ["drift"]});
    if let Some(s) = f.severity() {
        properties["tags"] = json!(["drift", "security"]);
        properties["security-severity"] = json!(score(s));
    }
    json!({
        "id": rule_id(f),
        "name": format!("Drift{}", title(f.kind.word())),
        "shortDescription": {"text": format!("{what}{weak}")},
        "fullDescription": {"text": format!("{what} since the last apply{weak}. Apply to put it right, or change the configuration to what is wanted.")},
        "defaultConfiguration": {"level": level(f)},
        "properties": properties,
    })
}

fn title(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map(|c| c.to_uppercase().collect::<String>() + chars.as_str()).unwrap_or_default()
}

/// GitHub's bounds: over 9.0 is critical, 7.0 high, 4.0 medium.
fn score(s: Severity) -> &'static str {
    match s {
        Severity::Critical => "9.5",
        Severity::High => "8.0",
        Severity::Medium => "5.5",
        Severity::Low => "2.0",
    }
}

fn level(f: &Finding) -> &'static str {
    match f.severity() {
        Some(Severity::Critical | Severity::High) => "error",
        Some(Severity::Medium) | None => "warning",
        Some(Severity::Low) => "note",
    }
}

fn result(r: &Report<'_>, f: &Finding, rule: usize) -> Json {
    let mut text = heading(f);
    if !f.attributes.is_empty() {
        text.push_str(&format!(": {}", f.attributes.join(", ")));
    }
    f.weaknesses.iter().for_each(|w| text.push_str(&format!(". {}: {}", title(w.severity.word()), w.text)));
    let about = f.unmanaged.as_ref().map_or_else(|| f.attributes.join(" "), |u| format!("{} {}", u.ty, u.text));
    let mut location = json!({"logicalLocations": [{"fullyQualifiedName": f.addr.to_string(), "kind": "resource"}]});
    if let Some((file, line)) = r.place(f) {
        let uri = r.base().join(file).display().to_string();
        location["physicalLocation"] = json!({
            "artifactLocation": {"uri": encoded(&uri), "uriBaseId": "%SRCROOT%"},
            "region": {"startLine": line},
        });
    }
    json!({
        "ruleId": rule_id(f),
        "ruleIndex": rule,
        "level": level(f),
        "message": {"text": format!("{text}.")},
        "locations": [location],
        // What makes two findings of different runs the same.
        "partialFingerprints": {"drift/v1": format!("{} {} {about}", f.kind.word(), f.addr)},
    })
}

/// A path as the relative reference of a URI (RFC 3986): what is not plain is written in percents.
fn encoded(path: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~/".contains(&b);
    path.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}
