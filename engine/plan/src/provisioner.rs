//! Provisioners: what their blocks may hold, and what they evaluate to.
//!
//! A connection may be written in the resource, for all its provisioners, and in a provisioner, whose arguments win
//! one by one. Only the merged block has to be complete, so neither is judged alone, and the one of a resource is not
//! judged at all when no provisioner uses it.

use secstack_base::diag::Severity;
use secstack_base::schema::{Attribute, Block, Presence};
use secstack_base::{Diagnostic, Diags, Marks, Str, Type, Value};
use secstack_eval::{Scope, decode_block, evaluate};
use secstack_lang::Body;
use secstack_lang::body::Items;
use secstack_lang::module::{Provisioner, Resource};

use crate::validate::argument_span;

/// What the blocks of a provisioner evaluate to.
#[derive(Clone, Debug)]
pub struct Arguments {
    /// The arguments of the provisioner.
    pub own: Value,
    /// Those of its connection, when there is one.
    pub connection: Option<Value>,
}

/// The arguments of a provisioner; `shared` is the connection of its resource. What the schemas do not allow goes to `diags`.
pub fn arguments(p: &Provisioner, shared: Option<&Body>, scope: &dyn Scope, diags: &mut Diags) -> Arguments {
    let Some(schema) = schema(&p.ty) else {
        diags.push(unknown_type(p));
        return Arguments { own: Value::unknown(Type::Dynamic), connection: None };
    };
    let own = decode_block(&p.body, &schema, scope, diags);
    check_choice(p, &own, diags);
    let connection = merged(shared, p.connection.as_ref()).map(|body| decode_block(&body, &connection_schema(), scope, diags));
    Arguments { own, connection }
}

/// Says which provisioners need a type of connection that does not exist. `severity` is that of a type that exists elsewhere:
/// a configuration that has it is sound, it is only that such a provisioner cannot run.
pub(crate) fn check_connections<'a>(
    list: impl Iterator<Item = &'a Provisioner>,
    shared: Option<&Body>,
    scope: &dyn Scope,
    severity: Severity,
    diags: &mut Diags,
) {
    for p in list.filter(|p| needs_connection(&p.ty)) {
        let Some(body) = merged(shared, p.connection.as_ref()) else { continue };
        let (view, _) = body.view(&[]);
        let Some(given) = view.attributes.iter().find(|a| &*a.name == "type") else { continue };
        let value = evaluate(&given.expr, scope, &mut Diags::new()).unmark_deep(Marks::ALL);
        if let Some(text) = value.as_str().and_then(refused_type) {
            diags.push(Diagnostic { severity, ..Diagnostic::error("Unsupported connection type", text).at(given.expr.span) });
        }
    }
}

/// Why there are no connections of a type. Nothing when there are.
pub fn refused_type(ty: &str) -> Option<String> {
    match ty {
        "" | "ssh" => None,
        "winrm" => Some(
            "connection type 'winrm' not supported: provisioners reach other machines through SSH. Windows has an SSH server as an optional feature; with it, set type = \"ssh\" and target_platform = \"windows\"."
                .into(),
        ),
        _ => Some(format!("connection type '{ty}' not supported")),
    }
}

/// Whether provisioners of a type run on another machine.
pub fn needs_connection(ty: &str) -> bool {
    ty != "local-exec"
}

/// The provisioners of a resource of one time: creation or deletion.
pub(crate) fn at(r: &Resource, on_destroy: bool) -> impl Iterator<Item = &Provisioner> {
    r.provisioners.iter().filter(move |p| p.on_destroy == on_destroy)
}

/// The connection of a resource with that of a provisioner laid over it.
fn merged(shared: Option<&Body>, own: Option<&Body>) -> Option<Body> {
    let (shared, own) = match (shared, own) {
        (Some(shared), Some(own)) => (shared, own),
        (one, other) => return one.or(other).cloned(),
    };
    let (below, _) = shared.view(&[]);
    let (above, _) = own.view(&[]);
    let hidden = |name: &Str| above.attributes.iter().any(|a| a.name == *name);
    let attributes = below.attributes.iter().filter(|a| !hidden(&a.name)).chain(above.attributes.iter()).cloned().collect();
    let blocks = below.blocks.iter().chain(above.blocks.iter()).cloned().collect();
    Some(Body { items: Items::Native { attributes, blocks }, span: shared.span })
}

fn unknown_type(p: &Provisioner) -> Diagnostic {
    let ty = &p.ty;
    // They were part of Terraform until 0.15.
    if matches!(&**ty, "chef" | "habitat" | "puppet" | "salt-masterless") {
        let what = format!("There is no {ty:?} provisioner any more: run the tool with remote-exec or local-exec.");
        return Diagnostic::error(format!("The {ty:?} provisioner has been removed"), what).at(p.span);
    }
    let what = format!("There is no provisioner {ty:?}. The provisioners are \"file\", \"local-exec\" and \"remote-exec\".");
    Diagnostic::error("Missing required provisioner plugin", what).at(p.span)
}

/// Which arguments may stand together.
fn check_choice(p: &Provisioner, own: &Value, diags: &mut Diags) {
    let given = |names: &[&str]| names.iter().filter(|n| own.get(n).is_some_and(|v| !v.is_null())).count();
    let found = match &*p.ty {
        "remote-exec" if given(&["inline", "script", "scripts"]) != 1 => Diagnostic::error(
            "Invalid remote-exec provisioner configuration",
            "Only one of \"inline\", \"script\", or \"scripts\" must be set",
        ),
        "file" => match given(&["source", "content"]) {
            0 => Diagnostic::error("Must provide one of 'source' or 'content'", ""),
            1 => return,
            _ => Diagnostic::error("Cannot set both 'source' and 'content'", ""),
        },
        _ => return,
    };
    let span = argument_span(&p.body, "content").filter(|_| &*p.ty == "file").unwrap_or(p.span);
    diags.push(found.at(span));
}

fn schema(ty: &str) -> Option<Block> {
    let words = || Type::list(Type::String);
    let optional = |name: &str, ty: Type| Attribute::new(name, ty, Presence::Optional);
    let required = |name: &str| Attribute::new(name, Type::String, Presence::Required);
    let attributes = match ty {
        "local-exec" => vec![
            required("command"),
            optional("environment", Type::map(Type::String)),
            optional("interpreter", words()),
            optional("quiet", Type::Bool),
            optional("working_dir", Type::String),
        ],
        "remote-exec" => vec![optional("inline", words()), optional("script", Type::String), optional("scripts", words())],
        "file" => vec![optional("content", Type::String), required("destination"), optional("source", Type::String)],
        _ => return None,
    };
    Some(Block { attributes, ..Block::default() })
}

const CONNECTION_TEXTS: &[&str] = &[
    "type",
    "user",
    "password",
    "host_key",
    "timeout",
    "script_path",
    "target_platform",
    "private_key",
    "certificate",
    "agent_identity",
    "proxy_scheme",
    "proxy_host",
    "proxy_user_name",
    "proxy_user_password",
    "bastion_host",
    "bastion_host_key",
    "bastion_user",
    "bastion_password",
    "bastion_private_key",
    "bastion_certificate",
    // Of winrm.
    "cacert",
];

/// The arguments of connections of all types: which of them a type takes is not known before its value is.
fn connection_schema() -> Block {
    let of = |names: &[&str], ty: Type| names.iter().map(|n| Attribute::new(n, ty.clone(), Presence::Optional)).collect::<Vec<_>>();
    let mut attributes = of(CONNECTION_TEXTS, Type::String);
    attributes.extend(of(&["port", "proxy_port", "bastion_port"], Type::Number));
    attributes.extend(of(&["agent", "https", "insecure", "use_ntlm"], Type::Bool));
    attributes.push(Attribute::new("host", Type::String, Presence::Required));
    Block { attributes, ..Block::default() }.sorted()
}
