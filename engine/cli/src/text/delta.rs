//! The difference of two values, as lines.

use std::collections::BTreeSet;

use secstack_base::{Data, Path, Step, Str, Value};

use super::document;
use super::style::{Colour, Style};
use super::value::{key, literal};

/// How a difference is shown.
pub struct Delta<'a> {
    /// Colours.
    pub style: Style,
    /// Paths that force a replacement.
    pub forces: &'a [Path],
}

/// What happened to a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// It changed.
    Changed,
    /// It stayed.
    Same,
}

impl Mark {
    /// The sign, in its colour.
    pub fn sign(self, style: Style) -> String {
        match self {
            Mark::Added => style.paint(Colour::Green, "+"),
            Mark::Removed => style.paint(Colour::Red, "-"),
            Mark::Changed => style.paint(Colour::Yellow, "~"),
            Mark::Same => " ".into(),
        }
    }
}

fn is_nothing(v: Option<&Value>) -> bool {
    v.is_none_or(Value::is_null)
}

/// What happened between two values, where absent and null are the same.
pub fn mark(before: Option<&Value>, after: Option<&Value>) -> Mark {
    match (is_nothing(before), is_nothing(after)) {
        (true, true) => Mark::Same,
        (true, false) => Mark::Added,
        (false, true) => Mark::Removed,
        _ if before.zip(after).is_some_and(|(a, b)| a.same(b)) => Mark::Same,
        _ => Mark::Changed,
    }
}

impl Delta<'_> {
    fn forced(&self, path: &Path) -> String {
        if self.forces.contains(path) { format!(" {}", self.style.paint(Colour::Red, "# forces replacement")) } else { String::new() }
    }

    /// `name = ...` with what happened to it; several lines when the value has parts.
    pub fn attribute(&self, name: &str, width: usize, before: Option<&Value>, after: Option<&Value>, path: &Path, indent: usize) -> String {
        let pad = " ".repeat(indent);
        let m = mark(before, after);
        let body = self.value(before, after, path, indent + 2);
        format!("{pad}{} {name:<width$} = {body}{}\n", m.sign(self.style), self.forced(path))
    }

    /// The right-hand side of an attribute.
    pub fn value(&self, before: Option<&Value>, after: Option<&Value>, path: &Path, indent: usize) -> String {
        let sensitive = |v: Option<&Value>| v.is_some_and(Value::is_sensitive);
        match (before.filter(|v| !v.is_null()), after.filter(|v| !v.is_null())) {
            (None, None) => "null".into(),
            (None, Some(v)) => self.whole(v, indent, Mark::Added),
            (Some(v), None) => format!("{} -> null", self.whole(v, indent, Mark::Removed)),
            (Some(_), Some(_)) if sensitive(before) || sensitive(after) => "(sensitive value)".into(),
            (Some(a), Some(b)) if a.same(b) => literal(a, indent),
            (Some(a), Some(b)) => self.changed(a, b, path, indent),
        }
    }

    /// A value that is wholly new or wholly gone: its parts carry the sign too.
    fn whole(&self, v: &Value, indent: usize, m: Mark) -> String {
        if v.is_sensitive() {
            return literal(v, indent);
        }
        let (pad, end) = (" ".repeat(indent + 2), " ".repeat(indent));
        let sign = m.sign(self.style);
        match &v.data {
            Data::String(s) if s.len() > 20 => match document::structure(s) {
                Some(inside) => format!("jsonencode(\n{pad}  {}\n{end})", self.whole(&inside, indent + 4, m)),
                None => literal(v, indent),
            },
            Data::List(_, items) | Data::Set(_, items) | Data::Tuple(items) if !items.is_empty() => {
                let body: String = items.iter().map(|i| format!("{pad}{sign} {},\n", self.whole(i, indent + 4, m))).collect();
                format!("[\n{body}{end}]")
            }
            Data::Map(_, map) | Data::Object(map) if !map.is_empty() => {
                let shown: Vec<_> = map.iter().filter(|(_, v)| !v.is_null()).collect();
                let width = shown.iter().map(|(k, _)| key(k).chars().count()).max().unwrap_or(0);
                let body: String =
                    shown.iter().map(|(k, i)| format!("{pad}{sign} {:<width$} = {}\n", key(k), self.whole(i, indent + 4, m))).collect();
                format!("{{\n{body}{end}}}")
            }
            _ => literal(v, indent),
        }
    }

    fn changed(&self, a: &Value, b: &Value, path: &Path, indent: usize) -> String {
        let (pad, end) = (" ".repeat(indent + 2), " ".repeat(indent));
        match (&a.data, &b.data) {
            (Data::String(x), Data::String(y)) => {
                if let (Some(x), Some(y)) = (document::structure(x), document::structure(y)) {
                    if x.same(&y) {
                        return format!("jsonencode( # {} )", "whitespace or order of keys changes");
                    }
                    return format!(
                        "jsonencode(\n{pad}{} {}\n{end})",
                        Mark::Changed.sign(self.style),
                        self.changed(&x, &y, path, indent + 4)
                    );
                }
                if x.contains('\n') || y.contains('\n') {
                    return format!("<<-EOT\n{}{end}EOT", document::lines(x, y, indent + 4, self.style));
                }
                format!("{} -> {}", literal(a, indent), literal(b, indent))
            }
            (Data::Map(_, x) | Data::Object(x), Data::Map(_, y) | Data::Object(y)) => {
                let names: BTreeSet<&Str> = x.keys().chain(y.keys()).collect();
                let pairs: Vec<_> = names.into_iter().map(|n| (n, x.get(n), y.get(n))).collect();
                let shown: Vec<_> = pairs.iter().filter(|(_, p, q)| mark(*p, *q) != Mark::Same).collect();
                let width = shown.iter().map(|(n, ..)| key(n).chars().count()).max().unwrap_or(0);
                let object = matches!(b.data, Data::Object(_));
                let step = |n: &Str| path.then(if object { Step::Attr(n.clone()) } else { Step::Key(n.clone()) });
                let mut body: String = shown.iter().map(|(n, p, q)| self.attribute(&key(n), width, *p, *q, &step(n), indent + 2)).collect();
                let hidden = pairs.iter().filter(|(_, p, q)| mark(*p, *q) == Mark::Same && !is_nothing(*p)).count();
                body.push_str(&self.hidden(hidden, "element", indent + 4));
                format!("{{\n{body}{end}}}")
            }
            (Data::Set(_, x), Data::Set(_, y)) => {
                let has = |list: &[Value], v: &Value| list.iter().any(|w| w.same(v));
                let mut body = String::new();
                for v in x.iter().filter(|v| !has(y, v)) {
                    body.push_str(&format!("{pad}{} {},\n", Mark::Removed.sign(self.style), self.whole(v, indent + 4, Mark::Removed)));
                }
                for v in y.iter().filter(|v| !has(x, v)) {
                    body.push_str(&format!("{pad}{} {},\n", Mark::Added.sign(self.style), self.whole(v, indent + 4, Mark::Added)));
                }
                body.push_str(&self.hidden(x.iter().filter(|v| has(y, v)).count(), "element", indent + 4));
                format!("[\n{body}{end}]")
            }
            (Data::List(_, x) | Data::Tuple(x), Data::List(_, y) | Data::Tuple(y)) => self.sequence(x, y, path, indent),
            _ => format!("{} -> {}", literal(a, indent), literal(b, indent)),
        }
    }

    /// Lists by their longest common run, so that one element more does not shift all others.
    fn sequence(&self, x: &[Value], y: &[Value], path: &Path, indent: usize) -> String {
        let (pad, end) = (" ".repeat(indent + 2), " ".repeat(indent));
        let texts = |list: &[Value]| list.iter().map(|v| literal(v, 0)).collect::<Vec<_>>();
        let (tx, ty) = (texts(x), texts(y));
        let (mut body, mut same) = (String::new(), 0);
        for op in similar::capture_diff_slices(similar::Algorithm::Myers, &tx, &ty) {
            let (old, new) = (op.old_range(), op.new_range());
            match op.tag() {
                similar::DiffTag::Equal => same += old.len(),
                _ => {
                    let paired = old.len().min(new.len());
                    for i in 0..paired {
                        let p = path.then(Step::Index(new.start + i));
                        body.push_str(&format!(
                            "{pad}{} {},\n",
                            Mark::Changed.sign(self.style),
                            self.value(Some(&x[old.start + i]), Some(&y[new.start + i]), &p, indent + 4)
                        ));
                    }
                    for v in &x[old.start + paired..old.end] {
                        body.push_str(&format!("{pad}{} {},\n", Mark::Removed.sign(self.style), self.whole(v, indent + 4, Mark::Removed)));
                    }
                    for v in &y[new.start + paired..new.end] {
                        body.push_str(&format!("{pad}{} {},\n", Mark::Added.sign(self.style), self.whole(v, indent + 4, Mark::Added)));
                    }
                }
            }
        }
        body.push_str(&self.hidden(same, "element", indent + 4));
        format!("[\n{body}{end}]")
    }

    /// Says how much was left out.
    pub fn hidden(&self, count: usize, what: &str, indent: usize) -> String {
        if count == 0 {
            return String::new();
        }
        let s = if count == 1 { "" } else { "s" };
        format!("{}{}\n", " ".repeat(indent), self.style.paint(Colour::Dim, &format!("# ({count} unchanged {what}{s} hidden)")))
    }
}
