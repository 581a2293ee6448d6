//! Takes arguments out of an object, each as what it is to be.

use std::collections::BTreeMap;
use std::time::Duration;

use secstack_base::convert::convert;
use secstack_base::{Type, Value};

use super::super::Problem;

/// The value of a variable of the environment that is set.
pub(super) fn env(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|v| !v.is_empty())
}

/// Takes arguments out of an object, and collects what is wrong with them.
pub(super) struct Reader<'a> {
    pub value: &'a Value,
    pub within: &'static str,
    pub problems: Vec<Problem>,
}

impl Reader<'_> {
    pub(super) fn wrong(&mut self, name: &str, text: &str) {
        let argument = if self.within.is_empty() { name } else { self.within.trim_end_matches('.') };
        self.problems.push(Problem { argument: Some(argument.into()), text: format!("\"{}{name}\": {text}", self.within) });
    }

    pub(super) fn only(&mut self, known: &[&str]) {
        let names: Vec<String> = self.value.as_map().into_iter().flatten().map(|(k, _)| k.to_string()).collect();
        for name in names.iter().filter(|n| !known.contains(&n.as_str())) {
            let near = secstack_base::diag::suggest(name, known.iter().copied());
            let near = near.map(|n| format!(" Did you mean {n:?}?")).unwrap_or_default();
            self.wrong(name, &format!("The backend \"s3\" has no such argument.{near}"));
        }
    }

    pub(super) fn given(&self, name: &str) -> Option<Value> {
        self.value.get(name).filter(|v| !v.is_null()).cloned()
    }

    fn converted(&mut self, name: &str, ty: &Type) -> Option<Value> {
        let value = self.given(name)?;
        match convert(&value, ty) {
            Ok(value) if value.is_wholly_known() => Some(value),
            Ok(_) => {
                self.wrong(name, "The value must be known before anything is planned.");
                None
            }
            Err(e) => {
                self.wrong(name, &format!("{e}."));
                None
            }
        }
    }

    pub(super) fn text(&mut self, name: &str) -> Option<String> {
        self.converted(name, &Type::String)?.as_str().filter(|t| !t.is_empty()).map(str::to_string)
    }

    pub(super) fn required(&mut self, name: &str, what: &str) -> String {
        let before = self.problems.len();
        self.text(name).unwrap_or_else(|| {
            if self.problems.len() == before {
                self.wrong(name, &format!("This argument is required. {what}"));
            }
            String::new()
        })
    }

    pub(super) fn switch(&mut self, name: &str) -> Option<bool> {
        self.converted(name, &Type::Bool)?.as_bool()
    }

    pub(super) fn number(&mut self, name: &str) -> Option<u32> {
        let number = self.converted(name, &Type::Number)?.as_number().and_then(|n| n.to_i64()).and_then(|n| u32::try_from(n).ok());
        if number.is_none() {
            self.wrong(name, "It must be a whole number.");
        }
        number
    }

    pub(super) fn texts(&mut self, name: &str) -> Vec<String> {
        let list = self.converted(name, &Type::list(Type::String));
        list.iter().flat_map(|l| l.as_slice().unwrap_or_default()).filter_map(|v| v.as_str().map(str::to_string)).collect()
    }

    pub(super) fn map(&mut self, name: &str) -> BTreeMap<String, String> {
        let map = self.converted(name, &Type::map(Type::String));
        map.iter().flat_map(|m| m.as_map().into_iter().flatten()).filter_map(|(k, v)| Some((k.to_string(), v.as_str()?.into()))).collect()
    }

    pub(super) fn endpoint(&mut self, service: &str) -> Option<String> {
        let value = self.given("endpoints")?;
        let mut inner = Reader { value: &value, within: "endpoints.", problems: Vec::new() };
        inner.only(&["dynamodb", "iam", "s3", "sso", "sts"]);
        let url = inner.text(service);
        let new = inner.problems.into_iter().filter(|p| !self.problems.contains(p)).collect::<Vec<_>>();
        self.problems.extend(new);
        url
    }

    /// A duration in Go's notation, such as `1h30m`.
    pub(super) fn duration(&mut self, name: &str) -> Option<Duration> {
        let text = self.text(name)?;
        let parsed = parse_duration(&text);
        if parsed.is_none() {
            self.wrong(name, &format!("{text:?} is not a duration such as \"1h30m\"."));
        }
        parsed
    }
}

fn parse_duration(text: &str) -> Option<Duration> {
    let (mut total, mut rest) = (0.0, text);
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let amount: f64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let unit = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        let seconds = [("h", 3600.0), ("m", 60.0), ("s", 1.0)].iter().find(|(u, _)| *u == &rest[..unit])?.1;
        total += amount * seconds;
        rest = &rest[unit..];
    }
    Duration::try_from_secs_f64(total).ok()
}
