//! What a reference points at in a configuration, before anything is evaluated.

use secstack_base::addr::ResourceName;
use secstack_base::diag::suggest;
use secstack_base::{Diagnostic, Mode, Span, Str};
use secstack_lang::ast::{Traversal, TraversalStep};

use crate::config::{Config, ModuleIx};
use crate::graph::Node;

/// What a reference points at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A declaration.
    Node(Node),
    /// Something that is there without a declaration: `each.key`, `path.module`.
    Ambient,
}

type Outcome<T> = Result<T, Box<Diagnostic>>;

/// The declarations that a reference in module `ix` needs.
///
/// # Errors
/// When the reference has no possible meaning or names something that is not declared.
pub fn resolve(config: &Config, ix: ModuleIx, t: &Traversal) -> Outcome<Vec<Target>> {
    let module = &config.module(ix).module;
    match &*t.root {
        "var" => {
            let (name, span) = attr(t, 0)?;
            if module.variables.contains_key(name) {
                return Ok(vec![Target::Node(Node::Variable(ix, name.clone()))]);
            }
            let what = format!("An input variable with the name {name:?} has not been declared.");
            Err(undeclared("Reference to undeclared input variable", what, name, module.variables.keys(), t.span.to(span)))
        }
        "local" => {
            let (name, span) = attr(t, 0)?;
            if module.locals.contains_key(name) {
                return Ok(vec![Target::Node(Node::Local(ix, name.clone()))]);
            }
            let what = format!("A local value with the name {name:?} has not been declared.");
            Err(undeclared("Reference to undeclared local value", what, name, module.locals.keys(), t.span.to(span)))
        }
        "module" => module_outputs(config, ix, t),
        "path" => ambient(t, "path", &["cwd", "module", "root"]),
        "terraform" | "tofu" => workspace(t),
        "count" => ambient(t, "count", &["index"]),
        "each" => ambient(t, "each", &["key", "value"]),
        "self" => Ok(vec![Target::Ambient]),
        _ => Ok(vec![Target::Node(resource(config, ix, t)?.0)]),
    }
}

/// The declaration that an entry of `depends_on` names: a resource or a whole module.
///
/// # Errors
/// When there is no such declaration, or the entry goes on to an attribute.
pub fn resolve_whole(config: &Config, ix: ModuleIx, t: &Traversal) -> Outcome<Node> {
    if &*t.root == "module" {
        let (name, span) = attr(t, 0)?;
        return match config.module(ix).children.get(name) {
            Some(child) => Ok(Node::Close(*child)),
            None => Err(no_module(config, ix, name, span)),
        };
    }
    if matches!(&*t.root, "var" | "local") {
        return resolve(config, ix, t).map(|targets| match targets.into_iter().next() {
            Some(Target::Node(n)) => n,
            _ => Node::Close(ix),
        });
    }
    let (node, used) = resource(config, ix, t)?;
    let rest = t.steps.get(used..).unwrap_or_default();
    if rest.iter().any(|s| matches!(s, TraversalStep::Attr(..))) {
        return Err(Box::new(
            Diagnostic::error(
                "Invalid depends_on reference",
                "References in depends_on must be to a whole object (resource, etc), not to an attribute of an object.",
            )
            .at(t.span),
        ));
    }
    Ok(node)
}

/// The resource block that a reference names, and how many steps name it.
///
/// # Errors
/// When the reference is too short or the block is not declared.
pub fn resource(config: &Config, ix: ModuleIx, t: &Traversal) -> Outcome<(Node, usize)> {
    let (mode, skip) = match &*t.root {
        "data" => (Mode::Data, 1),
        "ephemeral" => (Mode::Ephemeral, 1),
        "resource" => (Mode::Managed, 1),
        _ => (Mode::Managed, 0),
    };
    let short = |what: &str| {
        Box::new(
            Diagnostic::error(
                "Invalid reference",
                format!("A reference to a {what} must be followed by at least one attribute access, specifying the resource name."),
            )
            .at(t.span),
        )
    };
    let step = |i: usize| match t.steps.get(i) {
        Some(TraversalStep::Attr(name, _)) => Some(name.clone()),
        _ => None,
    };
    let ty = if skip == 1 {
        step(0).ok_or_else(|| {
            let what = if mode == Mode::Data {
                "The \"data\" object must be followed by two attribute names: the data source type and the resource name."
            } else {
                "The resource object must be followed by two attribute names: the resource type and the resource name."
            };
            Box::new(Diagnostic::error("Invalid reference", what).at(t.span))
        })?
    } else {
        t.root.clone()
    };
    let name = step(skip).ok_or_else(|| short(if mode == Mode::Data { "data source" } else { "resource type" }))?;
    let name = ResourceName { mode, ty, name };
    if config.module(ix).module.resources.contains_key(&name) {
        return Ok((Node::Resource(ix, name), skip + 1));
    }
    Err(no_resource(config, ix, &name, t.span))
}

fn no_resource(config: &Config, ix: ModuleIx, name: &ResourceName, span: Span) -> Box<Diagnostic> {
    let m = config.module(ix);
    let place = if m.path.0.is_empty() { "the root module".to_string() } else { format!("{}", m.path) };
    let word = match name.mode {
        Mode::Managed => "managed",
        Mode::Data => "data",
        Mode::Ephemeral => "ephemeral",
    };
    let article = if name.mode == Mode::Ephemeral { "An" } else { "A" };
    let detail = format!("{article} {word} resource {:?} {:?} has not been declared in {place}.", name.ty, name.name);
    let mut d = Diagnostic::error("Reference to undeclared resource", detail).at(span);
    let other = if name.mode == Mode::Data { Mode::Managed } else { Mode::Data };
    let flipped = ResourceName { mode: other, ..name.clone() };
    if m.module.resources.contains_key(&flipped) {
        d.detail.push_str(&format!("\n\nDid you mean the {} resource {flipped}?", if other == Mode::Data { "data" } else { "managed" }));
    } else if let Some(near) =
        suggest(&name.name, m.module.resources.keys().filter(|k| k.ty == name.ty && k.mode == name.mode).map(|k| &*k.name))
    {
        d = d.help(format!("Refer to {}.{near}, which is declared and has a similar name.", name.ty));
    }
    Box::new(d)
}

fn no_module(config: &Config, ix: ModuleIx, name: &Str, span: Span) -> Box<Diagnostic> {
    let m = config.module(ix);
    let place = if m.path.0.is_empty() { "the root module".to_string() } else { format!("{}", m.path) };
    let what = format!("No module call named {name:?} is declared in {place}.");
    undeclared("Reference to undeclared module", what, name, m.children.keys(), span)
}

fn module_outputs(config: &Config, ix: ModuleIx, t: &Traversal) -> Outcome<Vec<Target>> {
    let (name, span) = attr(t, 0)?;
    let Some(child) = config.module(ix).children.get(name).copied() else {
        return Err(no_module(config, ix, name, t.span.to(span)));
    };
    let outputs = &config.module(child).module.outputs;
    let wanted = t.steps[1..].iter().find_map(|s| match s {
        TraversalStep::Attr(n, s) => Some((n, *s)),
        TraversalStep::Index(..) => None,
    });
    let mut targets = vec![Target::Node(Node::Call(child))];
    match wanted {
        Some((output, _)) if outputs.contains_key(output) => targets.push(Target::Node(Node::Output(child, output.clone()))),
        Some((output, span)) => {
            let known = outputs.keys().map(|k| &**k);
            let near = suggest(output, known).map(|n| format!(" Did you mean {n:?}?")).unwrap_or_default();
            let what = format!("This object does not have an attribute named {output:?}.{near}");
            return Err(Box::new(Diagnostic::error("Unsupported attribute", what).at(span)));
        }
        None => targets.extend(outputs.keys().map(|o| Target::Node(Node::Output(child, o.clone())))),
    }
    Ok(targets)
}

fn undeclared<'a>(summary: &'static str, what: String, name: &str, known: impl Iterator<Item = &'a Str>, span: Span) -> Box<Diagnostic> {
    let near = suggest(name, known.map(|k| &**k)).map(|n| format!(" Did you mean {n:?}?")).unwrap_or_default();
    let hint = if summary.contains("input variable") && near.is_empty() {
        format!(" This variable can be declared with a variable {name:?} {{}} block.")
    } else {
        String::new()
    };
    Box::new(Diagnostic::error(summary, format!("{what}{near}{hint}")).at(span))
}

fn attr(t: &Traversal, i: usize) -> Outcome<(&Str, Span)> {
    match t.steps.get(i) {
        Some(TraversalStep::Attr(name, span)) => Ok((name, *span)),
        Some(TraversalStep::Index(_, span)) => {
            let what = format!("The {:?} object does not support this operation.", t.root);
            Err(Box::new(Diagnostic::error("Invalid reference", what).at(*span)))
        }
        None => {
            let what = format!("The {:?} object cannot be accessed directly. Instead, access one of its attributes.", t.root);
            Err(Box::new(Diagnostic::error("Invalid reference", what).at(t.span)))
        }
    }
}

fn ambient(t: &Traversal, object: &str, known: &[&str]) -> Outcome<Vec<Target>> {
    let (name, span) = attr(t, 0)?;
    if known.contains(&&**name) {
        return Ok(vec![Target::Ambient]);
    }
    let near = suggest(name, known.iter().copied()).map(|n| format!(" Did you mean {n:?}?")).unwrap_or_default();
    let only = if object == "path" {
        let supported = " The supported attributes are path.cwd, path.module and path.root.".to_string();
        if near.is_empty() { supported } else { String::new() }
    } else {
        format!(
            " The only supported attribute{} {}.",
            if known.len() > 1 { "s are" } else { " is" },
            known.iter().map(|k| format!("{object}.{k}")).collect::<Vec<_>>().join(" and ")
        )
    };
    let what = format!("The {object:?} object does not have an attribute named {name:?}.{near}{only}");
    Err(Box::new(Diagnostic::error(format!("Invalid {object:?} attribute"), what).at(span)))
}

fn workspace(t: &Traversal) -> Outcome<Vec<Target>> {
    let (name, span) = attr(t, 0)?;
    match &**name {
        "workspace" | "applying" => Ok(vec![Target::Ambient]),
        _ => {
            let what = format!(
                "The {:?} object does not have an attribute named {name:?}. The only supported attributes are terraform.workspace, the name of the currently-selected workspace, and terraform.applying, a boolean which is true only during apply.",
                t.root
            );
            Err(Box::new(Diagnostic::error(format!("Invalid {:?} attribute", t.root), what).at(span)))
        }
    }
}
