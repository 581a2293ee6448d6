//! The `encryption` block of `terraform`, in OpenTofu's form: key providers, methods, and what is encrypted with which.
//!
//! It may stand in two places, the configuration and the variable `TF_ENCRYPTION`; the second goes on top of the first,
//! argument by argument. So what is missing can only be told of the two together, by whoever evaluates them.

use secstack_base::diag::suggest;
use secstack_base::{Diagnostic, Diags, FileId, Span, Str};

use crate::ast::{TraversalStep, as_traversal};
use crate::body::{Attribute, Block, Body};
use crate::decode::{Quoted, Shape, reference, text, truth, unquoted, whole};
use crate::{Expr, ExprKind, parse_file, parse_json_file};

/// An `encryption` block.
#[derive(Clone, Debug)]
pub struct Encryption {
    /// The header of the block.
    pub span: Span,
    /// `key_provider` blocks.
    pub key_providers: Vec<Part>,
    /// `method` blocks.
    pub methods: Vec<Part>,
    /// What happens to states.
    pub state: Option<Target>,
    /// What happens to saved plans.
    pub plan: Option<Target>,
    /// What happens to the states that `terraform_remote_state` reads, unless it is named below.
    pub remote_default: Option<Target>,
    /// What happens to the states that one `terraform_remote_state` reads.
    pub remotes: Vec<(Str, Target)>,
}

/// A key provider or a method.
#[derive(Clone, Debug)]
pub struct Part {
    /// The type.
    pub ty: Str,
    /// The name.
    pub name: Str,
    /// The header of the block.
    pub span: Span,
    /// The arguments.
    pub attributes: Vec<Attribute>,
    /// The blocks within.
    pub blocks: Vec<Block>,
    /// What the metadata of a key provider is stored as, if not by its address.
    pub alias: Option<Str>,
}

/// What happens to one kind of thing.
#[derive(Clone, Debug)]
pub struct Target {
    /// The method.
    pub method: Option<Reference>,
    /// Whether it must be encrypted.
    pub enforced: bool,
    /// What it may have been encrypted with before.
    pub fallback: Option<Box<Target>>,
    /// The header of the block.
    pub span: Span,
}

/// The name of a key provider or a method.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// The type.
    pub ty: Str,
    /// The name.
    pub name: Str,
    /// The text.
    pub span: Span,
}

const BLOCK: Shape = Shape {
    args: &[],
    required: &[],
    blocks: &[
        ("key_provider", &["type", "name"]),
        ("method", &["type", "name"]),
        ("state", &[]),
        ("plan", &[]),
        ("remote_state_data_sources", &[]),
    ],
};
const ENFORCEABLE: Shape = Shape { args: &["method", "enforced"], required: &[], blocks: &[("fallback", &[])] };
const TARGET: Shape = Shape { args: &["method"], required: &[], blocks: &[("fallback", &[])] };
const REMOTE: Shape = Shape { args: &[], required: &[], blocks: &[("default", &[]), ("remote_state_data_source", &["name"])] };

const KEY_PROVIDERS: &[(&str, Shape)] = &[
    (
        "pbkdf2",
        Shape {
            args: &["encrypted_metadata_alias", "passphrase", "chain", "key_length", "iterations", "hash_function", "salt_length"],
            required: &[],
            blocks: &[],
        },
    ),
    (
        "aws_kms",
        Shape {
            args: &[
                "encrypted_metadata_alias",
                "kms_key_id",
                "key_spec",
                "encryption_context",
                "access_key",
                "allowed_account_ids",
                "custom_ca_bundle",
                "ec2_metadata_service_endpoint",
                "ec2_metadata_service_endpoint_mode",
                "forbidden_account_ids",
                "http_proxy",
                "https_proxy",
                "insecure",
                "max_retries",
                "no_proxy",
                "profile",
                "region",
                "retry_mode",
                "secret_key",
                "shared_config_files",
                "shared_credentials_files",
                "skip_credentials_validation",
                "skip_metadata_api_check",
                "skip_requesting_account_id",
                "sts_region",
                "token",
                "use_dualstack_endpoint",
                "use_fips_endpoint",
            ],
            required: &[],
            blocks: &[("endpoints", &[]), ("assume_role", &[]), ("assume_role_with_web_identity", &[])],
        },
    ),
];
const METHODS: &[(&str, Shape)] = &[
    ("aes_gcm", Shape { args: &["keys", "aad"], required: &[], blocks: &[] }),
    ("unencrypted", Shape { args: &[], required: &[], blocks: &[] }),
];

/// Reads the text of an `encryption` block without its header, as `TF_ENCRYPTION` holds it, in either syntax.
pub fn parse_encryption(file: FileId, source: &str) -> (Option<Encryption>, Diags) {
    let json = source.trim_start().starts_with('{');
    let (body, mut diags) = if json { parse_json_file(file, source) } else { parse_file(file, source) };
    if diags.has_errors() {
        return (None, diags);
    }
    let found = Encryption::decode(&body, Span { file, start: 0, end: 0 }, &mut diags);
    (Some(found), diags)
}

impl Encryption {
    /// Reads the content of a block whose header is at `span`.
    pub(crate) fn decode(body: &Body, span: Span, diags: &mut Diags) -> Self {
        let content = whole(body, &BLOCK, diags);
        let mut found = Self {
            span,
            key_providers: Vec::new(),
            methods: Vec::new(),
            state: None,
            plan: None,
            remote_default: None,
            remotes: Vec::new(),
        };
        for b in &content.blocks {
            match &*b.ty {
                "key_provider" => add(&mut found.key_providers, part(b, KEY_PROVIDERS, "Unknown key_provider type", diags), &b.ty, diags),
                "method" => add(&mut found.methods, part(b, METHODS, "Unknown encryption method type", diags), &b.ty, diags),
                "state" => only(&mut found.state, target(b, &ENFORCEABLE, diags), b, diags),
                "plan" => only(&mut found.plan, target(b, &ENFORCEABLE, diags), b, diags),
                _ => found.remote(b, diags),
            }
        }
        found
    }

    fn remote(&mut self, b: &Block, diags: &mut Diags) {
        let content = whole(&b.body, &REMOTE, diags);
        for inner in &content.blocks {
            let found = target(inner, &TARGET, diags);
            let Some((name, span)) = inner.labels.first() else {
                only(&mut self.remote_default, found, inner, diags);
                continue;
            };
            if let Some((_, first)) = self.remotes.iter().find(|(n, _)| n == name) {
                diags.push(again("Duplicate remote_state_data_source", format!("remote_state_data_source {name:?}"), *span, first.span));
            } else {
                self.remotes.push((name.clone(), found));
            }
        }
    }

    /// This block with another on top of it.
    #[must_use]
    pub fn merge(mut self, over: Self) -> Self {
        merge_parts(&mut self.key_providers, over.key_providers);
        merge_parts(&mut self.methods, over.methods);
        self.state = merge_targets(self.state, over.state);
        self.plan = merge_targets(self.plan, over.plan);
        self.remote_default = merge_targets(self.remote_default, over.remote_default);
        for (name, target) in over.remotes {
            match self.remotes.iter_mut().find(|(n, _)| *n == name) {
                Some((_, base)) => *base = base.clone().merge(target),
                None => self.remotes.push((name, target)),
            }
        }
        self
    }
}

impl Part {
    /// An argument.
    pub fn get(&self, name: &str) -> Option<&Attribute> {
        self.attributes.iter().find(|a| &*a.name == name)
    }
}

impl Target {
    fn merge(self, over: Self) -> Self {
        Self {
            method: over.method.or(self.method),
            enforced: self.enforced || over.enforced,
            fallback: over.fallback.or(self.fallback),
            span: self.span,
        }
    }
}

impl Reference {
    /// The key provider that an expression names.
    ///
    /// # Errors
    /// When it is something else.
    pub fn key_provider(expr: &Expr) -> Result<Self, Diagnostic> {
        let refuse = |span| {
            let detail = "A reference to a key provider is expected here: key_provider.TYPE.NAME.";
            Diagnostic::error("Invalid key provider reference", detail).at(span)
        };
        let inner = match &expr.kind {
            ExprKind::Wrap(inner) => (**inner).clone(),
            ExprKind::Literal(_) => unquoted(expr, true, Quoted::Refuse, &mut Diags::new()),
            _ => expr.clone(),
        };
        as_reference(&inner, "key_provider").ok_or_else(|| refuse(expr.span))
    }
}

fn as_reference(expr: &Expr, root: &str) -> Option<Reference> {
    let found = as_traversal(expr).filter(|t| &*t.root == root)?;
    match &found.steps[..] {
        [TraversalStep::Attr(ty, _), TraversalStep::Attr(name, _)] => {
            Some(Reference { ty: ty.clone(), name: name.clone(), span: expr.span })
        }
        _ => None,
    }
}

fn part(b: &Block, known: &'static [(&'static str, Shape)], summary: &'static str, diags: &mut Diags) -> Option<Part> {
    let [(ty, ty_span), (name, name_span)] = &b.labels[..] else { return None };
    let Some((_, shape)) = known.iter().find(|(k, _)| *k == &**ty) else {
        let names = known.iter().map(|(k, _)| *k);
        let listed: Vec<String> = names.clone().map(|k| format!("{k:?}")).collect();
        let detail = format!("There is no {} type {ty:?} in this version; it has {}.", b.ty.replace('_', " "), listed.join(" and "));
        let found = Diagnostic::error(summary, detail).at(*ty_span);
        diags.push(match suggest(ty, names) {
            Some(near) => found.help(format!("Did you mean {near:?}?")),
            None => found,
        });
        return None;
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-".contains(c);
    if name.is_empty() || !name.chars().all(plain) {
        let detail = "A name here may contain only letters, digits, underscores and dashes.";
        diags.push(Diagnostic::error("Invalid name", detail).at(*name_span));
        return None;
    }
    let content = whole(&b.body, shape, diags);
    let alias = content.get("encrypted_metadata_alias").and_then(|a| text(&a.expr, diags)).filter(|a| !a.is_empty());
    Some(Part { ty: ty.clone(), name: name.clone(), span: b.span, attributes: content.attributes, blocks: content.blocks, alias })
}

fn target(b: &Block, shape: &Shape, diags: &mut Diags) -> Target {
    let content = whole(&b.body, shape, diags);
    let mut found = Target { method: None, enforced: false, fallback: None, span: b.span };
    if let Some(a) = content.get("method")
        && reference(&a.expr, content.json, Quoted::Refuse, diags).is_some()
    {
        let expr = unquoted(&a.expr, content.json, Quoted::Refuse, diags);
        found.method = as_reference(&expr, "method").map(|r| Reference { span: a.expr.span, ..r });
        if found.method.is_none() {
            let detail = "A reference to a method is expected here: method.TYPE.NAME.";
            diags.push(Diagnostic::error("Invalid encryption method identifier", detail).at(a.expr.span));
        }
    }
    if let Some(a) = content.get("enforced") {
        found.enforced = truth(&a.expr, diags).unwrap_or_default();
    }
    for inner in &content.blocks {
        let fallback = target(inner, &TARGET, diags);
        match &found.fallback {
            Some(first) => diags.push(again("Duplicate fallback block", "fallback".into(), inner.span, first.span)),
            None => found.fallback = Some(Box::new(fallback)),
        }
    }
    found
}

fn add(parts: &mut Vec<Part>, new: Option<Part>, what: &str, diags: &mut Diags) {
    let Some(new) = new else { return };
    match parts.iter().find(|p| p.ty == new.ty && p.name == new.name) {
        Some(first) => {
            let name = format!("{what} {:?} {:?}", new.ty, new.name);
            diags.push(again(if what == "method" { "Duplicate method" } else { "Duplicate key_provider" }, name, new.span, first.span));
        }
        None => parts.push(new),
    }
}

fn only(place: &mut Option<Target>, new: Target, b: &Block, diags: &mut Diags) {
    match place {
        Some(first) => diags.push(again("Duplicate block", format!("{} block", b.ty), new.span, first.span)),
        None => *place = Some(new),
    }
}

fn again(summary: &'static str, what: String, span: Span, first: Span) -> Diagnostic {
    Diagnostic::error(summary, format!("There is another {what} already.")).at(span).label(first, "declared here first")
}

fn merge_parts(parts: &mut Vec<Part>, over: Vec<Part>) {
    for new in over {
        let Some(base) = parts.iter_mut().find(|p| p.ty == new.ty && p.name == new.name) else {
            parts.push(new);
            continue;
        };
        base.attributes.retain(|a| !new.attributes.iter().any(|n| n.name == a.name));
        base.attributes.extend(new.attributes);
        base.blocks.retain(|b| !new.blocks.iter().any(|n| n.ty == b.ty));
        base.blocks.extend(new.blocks);
        base.alias = new.alias.or(base.alias.take());
    }
}

fn merge_targets(base: Option<Target>, over: Option<Target>) -> Option<Target> {
    match (base, over) {
        (Some(base), Some(over)) => Some(base.merge(over)),
        (base, over) => over.or(base),
    }
}

#[cfg(test)]
mod tests;
