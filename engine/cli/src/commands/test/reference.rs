//! Addresses as test files write them: references, not texts.

use secstack_base::{Data, Diagnostic, Diags, Str, Value};
use secstack_lang::ast::{Traversal, TraversalStep};
use secstack_lang::module::ProviderRef;

/// A reference as text.
pub fn shown(t: &Traversal) -> String {
    let step = |s: &TraversalStep| match s {
        TraversalStep::Attr(name, _) => format!(".{name}"),
        TraversalStep::Index(key, _) => match key.as_str() {
            Some(text) => format!("[{}]", secstack_base::addr::quote(text)),
            None => format!("[{}]", crate::repl::format(key, 0)),
        },
    };
    format!("{}{}", t.root, t.steps.iter().map(step).collect::<String>())
}

/// What a value is, as the end of a sentence. Secrets are not told.
pub fn said(value: &Value) -> String {
    let many = |n: usize, what: &str| format!("is {} with {n} {what}{}", value.ty().friendly(), if n == 1 { "" } else { "s" });
    match &value.data {
        _ if value.is_sensitive() => "has a sensitive value".into(),
        Data::Null(_) => "is null".into(),
        Data::Unknown(ty, _) => format!("is a {}, known only after apply", ty.friendly()),
        Data::Object(all) => many(all.len(), "attribute"),
        Data::Map(_, all) => many(all.len(), "element"),
        Data::List(_, all) | Data::Set(_, all) | Data::Tuple(all) => many(all.len(), "element"),
        _ => format!("is {}", crate::repl::format(value, 0)),
    }
}

/// References as addresses.
pub fn addresses<T: std::str::FromStr>(all: &[Traversal], diags: &mut Diags) -> Vec<T> {
    let mut out = Vec::new();
    for t in all {
        let text = shown(t);
        match text.parse() {
            Ok(addr) => out.push(addr),
            Err(_) => diags.push(Diagnostic::error("Invalid address", format!("{text} is not the address of a resource.")).at(t.span)),
        }
    }
    out
}

/// The local name and alias of a provider configuration.
pub fn key_of(p: &ProviderRef) -> (Str, Option<Str>) {
    (p.name.clone(), p.alias.clone())
}
