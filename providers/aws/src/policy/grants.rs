//! What a policy lets others do, and whether another one lets them do more.

use std::collections::BTreeSet;

use secstack_sdk::drift::{Severity, Weakness};
use serde_json::Value as Json;

use super::{canonical_statement, list};

/// One thing that a statement allows or denies.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Grant {
    denies: bool,
    principal: String,
    action: String,
    resource: String,
    condition: String,
}

/// What a policy that was changed outside lets others do that it did not before. Texts that are no policies, and policies
/// that are not there, are empty.
pub fn widened(attribute: &str, was: &str, now: &str) -> Vec<Weakness> {
    let (was, now) = (grants(was), grants(now));
    let mut found = Vec::new();
    let new = |g: &&Grant| !g.denies && !was.iter().any(|w| !w.denies && w.covers(g));
    let new: Vec<&Grant> = now.iter().filter(new).collect();
    if let Some(worst) = new.iter().max_by_key(|g| g.severity()) {
        let more = if new.len() > 1 { format!(", and {} more", new.len() - 1) } else { String::new() };
        found.push(Weakness::new(worst.severity(), attribute, format!("the policy allows {worst} now{more}")));
    }
    let lifted = |g: &&Grant| g.denies && !now.iter().any(|n| n.denies && n.covers(g));
    let lifted: Vec<&Grant> = was.iter().filter(lifted).collect();
    if let Some(first) = lifted.first() {
        let more = if lifted.len() > 1 { format!(", and {} more", lifted.len() - 1) } else { String::new() };
        found.push(Weakness::new(Severity::High, attribute, format!("the policy does not deny {first} any more{more}")));
    }
    found
}

impl Grant {
    /// Whether whatever the other one is about, this one is too.
    fn covers(&self, other: &Grant) -> bool {
        let covers = |mine: &str, its: &str| mine == its || (!mine.starts_with('!') && !its.starts_with('!') && matches(mine, its));
        covers(&self.principal, &other.principal)
            && covers(&self.action.to_lowercase(), &other.action.to_lowercase())
            && covers(&self.resource, &other.resource)
            && (self.condition.is_empty() || self.condition == other.condition)
    }

    fn severity(&self) -> Severity {
        let anybody = self.principal == "*" && self.condition.is_empty();
        let anything = self.action == "*" || self.action == "!";
        if anybody || anything && self.resource == "*" { Severity::Critical } else { Severity::High }
    }
}

impl std::fmt::Display for Grant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let all = |text: &str, what: &str| match text {
            "" => String::new(),
            "*" => format!("all {what}"),
            text => text.strip_prefix('!').map_or_else(|| text.to_string(), |t| format!("all {what} but {t}")),
        };
        f.write_str(&all(&self.action, "actions"))?;
        if !self.resource.is_empty() {
            write!(f, " on {}", all(&self.resource, "resources"))?;
        }
        if !self.principal.is_empty() {
            write!(f, " to {}", if self.principal == "*" { "anybody".into() } else { all(&self.principal, "principals") })?;
        }
        if !self.condition.is_empty() {
            f.write_str(" under a condition")?;
        }
        Ok(())
    }
}

fn grants(policy: &str) -> BTreeSet<Grant> {
    let Ok(json) = serde_json::from_str::<Json>(policy) else { return BTreeSet::new() };
    json.get("Statement").map(list).unwrap_or_default().iter().flat_map(of_statement).collect()
}

fn of_statement(statement: &Json) -> Vec<Grant> {
    // Actions are told as they are written.
    let actions = names(statement, "Action");
    let statement = &canonical_statement(statement);
    let condition = statement.get("Condition").map(Json::to_string).unwrap_or_default();
    let denies = statement.get("Effect").and_then(Json::as_str) == Some("Deny");
    let resources = names(statement, "Resource");
    let mut out = Vec::new();
    for principal in principals(statement) {
        for action in &actions {
            for resource in &resources {
                let (action, resource, condition) = (action.clone(), resource.clone(), condition.clone());
                out.push(Grant { denies, principal: principal.clone(), action, resource, condition });
            }
        }
    }
    out
}

/// The names under a key; what stands under the opposite of the key is one name with a sign in front.
fn names(statement: &Json, key: &str) -> Vec<String> {
    let text = |v: &Json| v.as_str().map_or_else(|| v.to_string(), str::to_string);
    if let Some(names) = statement.get(key) {
        return list(names).iter().map(text).collect();
    }
    let but = statement.get(format!("Not{key}")).map(|v| list(v).iter().map(text).collect::<Vec<_>>().join(", "));
    vec![but.map(|b| format!("!{b}")).unwrap_or_default()]
}

/// Those that a statement is about; one empty text when it names none, as policies of a role do.
fn principals(statement: &Json) -> Vec<String> {
    if let Some(but) = statement.get("NotPrincipal") {
        return vec![format!("!{but}")];
    }
    let Some(Json::Object(kinds)) = statement.get("Principal") else { return vec![String::new()] };
    let text = |kind: &str, v: &Json| {
        let name = v.as_str().unwrap_or_default();
        if kind == "AWS" || name == "*" { name.to_string() } else { format!("{kind} {name}") }
    };
    kinds.iter().flat_map(|(kind, names)| list(names).iter().map(move |v| text(kind, v))).collect()
}

/// Whether a text is of a pattern with `*` and `?`.
fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t, mut star) = (0, 0, None);
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(c) if *c == '?' || *c == text[t] => {
                p += 1;
                t += 1;
            }
            _ => {
                let Some((at, seen)) = star else { return false };
                star = Some((at, seen + 1));
                p = at + 1;
                t = seen + 1;
            }
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    const READ: &str = r#"{"Statement":[{"Effect":"Allow","Action":"s3:Get*","Resource":"*"}]}"#;
    const TLS: &str = r#"{"Statement":[{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"b","Condition":{"Bool":{"aws:SecureTransport":"false"}}}]}"#;

    #[test]
    fn more_is_found() {
        check(READ, READ, &[]);
        check(READ, r#"{"Statement":[{"Effect":"Allow","Action":["s3:GetObject","S3:getacl"],"Resource":"x"}]}"#, &[]);
        check(
            READ,
            r#"{"Statement":{"Effect":"Allow","Action":["s3:PutObject","s3:Get*"],"Resource":"*"}}"#,
            &["high: the policy allows s3:PutObject on all resources now"],
        );
        check(
            READ,
            r#"{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#,
            &["critical: the policy allows all actions on all resources now"],
        );
        check(TLS, "", &["high: the policy does not deny s3:* on b to anybody under a condition any more"]);
        check(
            "",
            r#"{"Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"b/*"}]}"#,
            &["critical: the policy allows s3:GetObject on b/* to anybody now"],
        );
        check(
            r#"{"Statement":[{"Effect":"Allow","Principal":{"AWS":"1"},"Action":"a","Resource":"b","Condition":{"Bool":{"x":"true"}}}]}"#,
            r#"{"Statement":[{"Effect":"Allow","Principal":{"AWS":"1"},"Action":"a","Resource":"b"}]}"#,
            &["high: the policy allows a on b to 1 now"],
        );
        check(
            r#"{"Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#,
            r#"{"Statement":[{"Effect":"Allow","Principal":{"Service":["ec2.amazonaws.com","x.y"]},"Action":"sts:AssumeRole"}]}"#,
            &["high: the policy allows sts:AssumeRole to Service x.y now"],
        );
    }

    #[test]
    fn patterns() {
        for (pattern, text, want) in [
            ("a*c", "abbc", true),
            ("a*c", "abbd", false),
            ("*", "", true),
            ("a?", "ab", true),
            ("a?", "a", false),
            ("s3:*", "s3:get*", true),
        ] {
            assert_eq!(matches(pattern, text), want, "{pattern} {text}");
        }
    }

    #[track_caller]
    fn check(was: &str, now: &str, want: &[&str]) {
        let found: Vec<String> = widened("policy", was, now).iter().map(|w| format!("{}: {}", w.severity, w.text)).collect();
        assert_eq!(found, want);
    }
}
