//! One change, as a block of the language with signs in front.

use secstack_base::schema::{Block, NestedBlock, Nesting};
use secstack_base::{Mode, Path, Step, Value};
use secstack_plan::{Action, Change, Reason};

use super::delta::{Delta, Mark, mark};
use super::style::{Colour, Style};
use super::value::key;

/// The heading and the block of a change.
pub fn change(c: &Change, schema: Option<&Block>, style: Style) -> String {
    let (sign, words) = action(c, style);
    let mut out = format!(
        "  {} {words}\n",
        style.paint(
            Colour::Bold,
            &format!("# {}{}", c.addr, c.deposed.as_ref().map(|k| format!(" (deposed object {k})")).unwrap_or_default())
        )
    );
    for note in notes(c) {
        out.push_str(&format!("  # ({note})\n"));
    }
    let keyword = if c.addr.mode() == Mode::Data { "data" } else { "resource" };
    out.push_str(&format!("{sign} {keyword} {:?} {:?} {{\n", c.addr.ty(), &*c.addr.resource.name.name));
    let delta = Delta { style, forces: &c.replace_paths };
    match schema {
        Some(schema) => out.push_str(&block(&delta, schema, Some(&c.before), Some(&c.after), &Path::root(), 6)),
        None => out.push_str(&format!("      {}\n", delta.value(Some(&c.before), Some(&c.after), &Path::root(), 6))),
    }
    out.push_str("    }\n");
    out
}

/// The attributes and blocks that differ, without a heading: for what was changed already.
pub fn difference(c: &Change, schema: Option<&Block>, style: Style) -> String {
    let delta = Delta { style, forces: &[] };
    match schema {
        Some(schema) => block(&delta, schema, Some(&c.before), Some(&c.after), &Path::root(), 6),
        None => format!("      {}\n", delta.value(Some(&c.before), Some(&c.after), &Path::root(), 6)),
    }
}

/// The sign and the words of an action.
fn action(c: &Change, style: Style) -> (String, String) {
    let bold = |colour, text: &str| style.paint(colour, text);
    match c.action {
        Action::Create => (format!("  {}", bold(Colour::Green, "+")), "will be created".into()),
        Action::Read => (format!(" {}", bold(Colour::Cyan, "<=")), "will be read during apply".into()),
        Action::Update if c.importing.is_some() => {
            (format!("  {}", bold(Colour::Yellow, "~")), "will be imported and updated in-place".into())
        }
        Action::Update => (format!("  {}", bold(Colour::Yellow, "~")), "will be updated in-place".into()),
        Action::Delete => (format!("  {}", bold(Colour::Red, "-")), format!("will be {}", bold(Colour::Red, "destroyed"))),
        Action::DeleteThenCreate => (format!("{}/{}", bold(Colour::Red, "-"), bold(Colour::Green, "+")), replaced(c, style)),
        Action::CreateThenDelete => (format!("{}/{}", bold(Colour::Green, "+"), bold(Colour::Red, "-")), replaced(c, style)),
        Action::Forget => (format!("  {}", bold(Colour::Dim, ".")), "will no longer be managed, but will not be destroyed".into()),
        Action::NoOp if c.importing.is_some() => ("   ".into(), "will be imported".into()),
        Action::NoOp if c.previous.is_some() => ("   ".into(), "has moved".into()),
        Action::NoOp => ("   ".into(), "stays as it is".into()),
    }
}

fn replaced(c: &Change, style: Style) -> String {
    let must = style.paint(Colour::Red, "replaced");
    match c.reason {
        Some(Reason::ReplaceBecauseTainted) => format!("is tainted, so must be {must}"),
        Some(Reason::ReplaceByRequest) => format!("will be {must}, as requested"),
        Some(Reason::ReplaceByTriggers) => format!("will be {must} due to changes in replace_triggered_by"),
        _ => format!("must be {must}"),
    }
}

fn notes(c: &Change) -> Vec<String> {
    let mut out = Vec::new();
    if let Some(from) = &c.previous {
        out.push(format!("moved from {from}"));
    }
    if let Some(id) = &c.importing {
        out.push(format!("imported from {id:?}"));
    }
    let why = match c.reason {
        Some(Reason::DeleteBecauseNoResourceConfig) if c.action == Action::Delete => "because its block is not in the configuration",
        Some(Reason::DeleteBecauseWrongRepetition) => "because its block uses another kind of repetition",
        Some(Reason::DeleteBecauseCountIndex) => "because its index is out of range for count",
        Some(Reason::DeleteBecauseEachKey) => "because its key is not in the for_each map",
        Some(Reason::DeleteBecauseNoModule) => "because its module instance is not in the configuration",
        Some(Reason::DeleteBecauseNoMoveTarget) => "because it was moved to an address that is taken or not declared",
        Some(Reason::ReadBecauseConfigUnknown) => "config refers to values not yet known",
        Some(Reason::ReadBecauseDependencyPending) => "depends on a resource or a module with changes pending",
        Some(Reason::ReadBecauseCheckNested) => "config will be reloaded to verify a check block",
        _ => return out,
    };
    out.push(why.into());
    out
}

/// The attributes and nested blocks that changed.
fn block(delta: &Delta<'_>, schema: &Block, before: Option<&Value>, after: Option<&Value>, path: &Path, indent: usize) -> String {
    fn part<'v>(v: Option<&'v Value>, name: &str) -> Option<&'v Value> {
        v.and_then(|v| v.get(name))
    }
    let pairs: Vec<_> = schema.attributes.iter().map(|a| (a, part(before, &a.name), part(after, &a.name))).collect();
    let identity = |name: &str| matches!(name, "id" | "name");
    let shown: Vec<_> =
        pairs.iter().filter(|(a, p, q)| mark(*p, *q) != Mark::Same || identity(&a.name) && p.is_some_and(|v| !v.is_null())).collect();
    let width = shown.iter().map(|(a, ..)| key(&a.name).chars().count()).max().unwrap_or(0);
    let mut out = String::new();
    for (a, p, q) in &shown {
        out.push_str(&delta.attribute(&key(&a.name), width, *p, *q, &path.then(Step::Attr(a.name.clone())), indent));
    }
    let hidden =
        pairs.iter().filter(|(a, p, q)| mark(*p, *q) == Mark::Same && p.is_some_and(|v| !v.is_null()) && !identity(&a.name)).count();
    out.push_str(&delta.hidden(hidden, "attribute", indent + 2));
    let mut same = 0;
    for b in &schema.blocks {
        let (p, q) = (part(before, &b.name), part(after, &b.name));
        if mark(p, q) == Mark::Same {
            same += p.map_or(0, |v| instances(b, v).len());
            continue;
        }
        out.push_str(&nested(delta, b, p, q, &path.then(Step::Attr(b.name.clone())), indent));
    }
    out.push_str(&delta.hidden(same, "block", indent + 2));
    out
}

/// The objects in the value of nested blocks.
fn instances<'v>(b: &NestedBlock, v: &'v Value) -> Vec<&'v Value> {
    match b.nesting {
        _ if v.is_null() || v.is_unknown() => Vec::new(),
        Nesting::Single | Nesting::Group => vec![v],
        _ => v.parts().collect(),
    }
}

fn nested(delta: &Delta<'_>, b: &NestedBlock, before: Option<&Value>, after: Option<&Value>, path: &Path, indent: usize) -> String {
    if after.is_some_and(Value::is_unknown) {
        return format!(
            "\n{}{} {} {{\n{}(known after apply)\n{}}}\n",
            " ".repeat(indent),
            Mark::Added.sign(delta.style),
            b.name,
            " ".repeat(indent + 4),
            " ".repeat(indent + 2)
        );
    }
    let olds = before.map(|v| instances(b, v)).unwrap_or_default();
    let news = after.map(|v| instances(b, v)).unwrap_or_default();
    let mut out = String::new();
    let mut one = |p: Option<&Value>, q: Option<&Value>, path: &Path| {
        let m = mark(p, q);
        if m != Mark::Same {
            let pad = " ".repeat(indent);
            let forced = if delta.forces.contains(path) {
                format!(" {}", delta.style.paint(Colour::Red, "# forces replacement"))
            } else {
                String::new()
            };
            out.push_str(&format!(
                "\n{pad}{} {} {{{forced}\n{}{pad}  }}\n",
                m.sign(delta.style),
                b.name,
                block(delta, &b.block, p, q, path, indent + 4)
            ));
        }
    };
    if b.nesting == Nesting::Set {
        let has = |list: &[&Value], v: &Value| list.iter().any(|w| w.same(v));
        for v in olds.iter().filter(|v| !has(&news, v)) {
            one(Some(v), None, path);
        }
        for v in news.iter().filter(|v| !has(&olds, v)) {
            one(None, Some(v), path);
        }
        return out;
    }
    for i in 0..olds.len().max(news.len()) {
        one(olds.get(i).copied(), news.get(i).copied(), &path.then(Step::Index(i)));
    }
    out
}
