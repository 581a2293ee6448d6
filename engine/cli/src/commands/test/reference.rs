//! Addresses as test files write them: references, not texts.

use secstack_base::{Diagnostic, Diags, Str};
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
