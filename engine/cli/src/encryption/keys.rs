//! Key providers: their arguments evaluated and checked, each once, after those they are chained to.

use std::num::NonZeroU32;

use secstack_base::{Diagnostic, Diags, Marks, Span, Type, Value, convert};
use secstack_eval::config::{Config, ROOT};
use secstack_lang::encryption::{Part, Reference};
use secstack_lang::{Attribute, Encryption, Expr};
use secstack_run::load::Early;
use secstack_state::crypt::{Hash, KeyId, KeyRing, KeySource, Pbkdf2, Secret};

/// OpenTofu's limits and defaults.
const LEAST_PASSPHRASE: usize = 16;
const LEAST_ITERATIONS: u32 = 200_000;
const ITERATIONS: u32 = 600_000;
const SALT_LENGTH: usize = 32;
const KEY_LENGTH: usize = 32;
/// Far more than any key has, and little enough to be allocated.
const MOST_BYTES: u32 = 1 << 16;

/// A key provider that is ready.
#[derive(Clone, Copy)]
pub(super) struct Key {
    pub id: KeyId,
    /// Bytes of its keys.
    pub length: usize,
}

/// Makes key providers as they are asked for.
pub(super) struct Keys<'a, 'e> {
    pub diags: &'a mut Diags,
    block: &'a Encryption,
    config: &'a Config,
    early: &'a Early<'e>,
    ring: KeyRing,
    /// By place in the block. `None` is one that is wrong, which was told.
    made: Vec<(usize, Option<Key>)>,
    /// Those that are being made, each for the one before.
    open: Vec<usize>,
}

impl<'a, 'e> Keys<'a, 'e> {
    pub(super) fn new(block: &'a Encryption, config: &'a Config, early: &'a Early<'e>, diags: &'a mut Diags) -> Self {
        Self { diags, block, config, early, ring: KeyRing::default(), made: Vec::new(), open: Vec::new() }
    }

    pub(super) fn finish(self) -> KeyRing {
        self.ring
    }

    /// The key provider that an expression names.
    pub(super) fn named(&mut self, expr: &Expr) -> Option<Key> {
        let reference = Reference::key_provider(expr).map_err(|d| self.diags.push(d)).ok()?;
        let parts = &self.block.key_providers;
        let Some(at) = parts.iter().position(|p| p.ty == reference.ty && p.name == reference.name) else {
            let what = format!("There is no key_provider {:?} {:?} in the encryption block.", reference.ty, reference.name);
            return self.refuse("Reference to undeclared key provider", what, expr.span);
        };
        if let Some((_, known)) = self.made.iter().find(|(i, _)| *i == at) {
            return *known;
        }
        if self.open.contains(&at) {
            let names: Vec<String> = self.open.iter().chain([&at]).map(|i| address(&parts[*i])).collect();
            let what = format!("These key providers need each other: {}.", names.join(" -> "));
            return self.refuse("Circular reference", what, expr.span);
        }
        self.open.push(at);
        let part = &parts[at];
        let made = match &*part.ty {
            "pbkdf2" => self.pbkdf2(part),
            _ => self.service(part),
        };
        self.open.pop();
        let key = made.map(|(source, length)| {
            let address = address(part);
            Key { id: self.ring.add(&address, part.alias.as_deref().unwrap_or(&address), source), length }
        });
        self.made.push((at, key));
        key
    }

    fn pbkdf2(&mut self, part: &Part) -> Option<(KeySource, usize)> {
        let secret = match (part.get("passphrase"), part.get("chain")) {
            (Some(a), None) => self.passphrase(a)?,
            (None, Some(a)) => {
                let key = self.named(&a.expr)?;
                if key.length < LEAST_PASSPHRASE {
                    let what = format!("The keys of the key provider before must have at least {LEAST_PASSPHRASE} bytes.");
                    return self.refuse(INVALID, what, a.expr.span);
                }
                Secret::Chain(key.id)
            }
            (Some(_), Some(a)) => return self.refuse(INVALID, "The arguments passphrase and chain exclude each other.", a.name_span),
            (None, None) => return self.refuse(INVALID, "Either passphrase or chain is required.", part.span),
        };
        let iterations = self.number(part, "iterations", ITERATIONS, u32::MAX)?;
        if iterations < LEAST_ITERATIONS {
            let what = format!("Fewer than {LEAST_ITERATIONS} iterations make a passphrase too easy to guess.");
            return self.refuse(INVALID, what, part.get("iterations").map_or(part.span, |a| a.expr.span));
        }
        let key_length = self.number(part, "key_length", KEY_LENGTH as u32, MOST_BYTES)? as usize;
        let salt_length = self.number(part, "salt_length", SALT_LENGTH as u32, MOST_BYTES)? as usize;
        let hash = match part.get("hash_function") {
            None => Hash::Sha512,
            Some(a) => match &*self.text(a)? {
                "sha256" => Hash::Sha256,
                "sha512" => Hash::Sha512,
                other => {
                    let what = format!("There is no hash function {other:?} here. Use \"sha256\" or \"sha512\".");
                    return self.refuse(INVALID, what, a.expr.span);
                }
            },
        };
        let iterations = NonZeroU32::new(iterations)?;
        Some((KeySource::Pbkdf2(Pbkdf2 { secret, key_length, iterations, salt_length, hash }), key_length))
    }

    fn passphrase(&mut self, a: &Attribute) -> Option<Secret> {
        let text = self.text(a)?;
        if text.len() < LEAST_PASSPHRASE {
            let what = format!("The passphrase is too short: it needs at least {LEAST_PASSPHRASE} characters.");
            return self.refuse(INVALID, what, a.expr.span);
        }
        Some(Secret::Passphrase(text))
    }

    #[cfg(not(feature = "aws"))]
    fn service(&mut self, part: &Part) -> Option<(KeySource, usize)> {
        let what = "This secstack was built without AWS, so that it cannot ask the key management service.";
        self.refuse("Unsupported key provider", what, part.span)
    }

    #[cfg(feature = "aws")]
    fn service(&mut self, part: &Part) -> Option<(KeySource, usize)> {
        super::kms::source(part, self)
    }

    /// A whole number from 1 on.
    fn number(&mut self, part: &Part, name: &str, default: u32, most: u32) -> Option<u32> {
        let Some(a) = part.get(name) else { return Some(default) };
        let value = self.value(a, &Type::Number)?;
        let found = value.as_number().and_then(|n| n.to_i64()).and_then(|n| u32::try_from(n).ok());
        match found.filter(|n| (1..=most).contains(n)) {
            Some(n) => Some(n),
            None => self.refuse(INVALID, format!("The argument {name:?} must be a whole number from 1 to {most}."), a.expr.span),
        }
    }

    /// The bytes in a list of numbers, which is how OpenTofu writes `aad`.
    pub(super) fn bytes(&mut self, a: &Attribute) -> Option<Vec<u8>> {
        let value = self.value(a, &Type::list(Type::Number))?;
        let one = |v: &Value| v.as_number()?.to_i64().and_then(|n| u8::try_from(n).ok());
        match value.as_slice().map(|items| items.iter().map(one).collect::<Option<Vec<u8>>>()) {
            Some(Some(bytes)) => Some(bytes),
            _ => self.refuse(INVALID, format!("The argument {:?} is a list of numbers from 0 to 255.", a.name), a.expr.span),
        }
    }

    pub(super) fn text(&mut self, a: &Attribute) -> Option<String> {
        self.value(a, &Type::String)?.as_str().map(Into::into)
    }

    /// The value of an argument, which must be known and of a type.
    pub(super) fn value(&mut self, a: &Attribute, ty: &Type) -> Option<Value> {
        let before = self.diags.0.len();
        let value = self.early.value(&self.config.modules, ROOT, &a.expr, self.diags).unmark_deep(Marks::ALL);
        if self.diags.0[before..].iter().any(Diagnostic::is_error) {
            return None;
        }
        let wrong = |why: &str| format!("The argument {:?} {why}.", a.name);
        match convert::convert(&value, ty) {
            Ok(value) if value.is_null() => self.refuse(INVALID, wrong("has no value"), a.expr.span),
            Ok(value) if !value.is_wholly_known() => self.refuse(INVALID, wrong("is not known yet"), a.expr.span),
            Ok(value) => Some(value),
            Err(e) => self.refuse(INVALID, wrong(&format!("does not fit: {e}")), a.expr.span),
        }
    }

    pub(super) fn refuse<T>(&mut self, summary: &'static str, what: impl Into<String>, span: Span) -> Option<T> {
        self.diags.push(Diagnostic::error(summary, what).at(span));
        None
    }
}

pub(super) const INVALID: &str = "Invalid key provider";

fn address(part: &Part) -> String {
    format!("key_provider.{}.{}", part.ty, part.name)
}
