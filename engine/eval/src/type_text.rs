//! The text of a type as `type()` prints it at the console.

use secstack_base::{Type, Value};

/// The type of a value, over several lines where it has parts.
pub fn type_text(value: &Value) -> String {
    let mut out = String::new();
    write_type(&mut out, &value.ty(), 0);
    out
}

fn write_type(out: &mut String, ty: &Type, depth: usize) {
    match ty {
        Type::Dynamic => out.push_str("dynamic"),
        Type::Bool | Type::Number | Type::String => out.push_str(&ty.friendly()),
        Type::List(of) => collection(out, "list", of, depth),
        Type::Set(of) => collection(out, "set", of, depth),
        Type::Map(of) => collection(out, "map", of, depth),
        Type::Tuple(types) if types.is_empty() => out.push_str("tuple([])"),
        Type::Tuple(types) => {
            out.push_str("tuple([\n");
            for ty in types.iter() {
                indent(out, depth + 1);
                write_type(out, ty, depth + 1);
                out.push_str(",\n");
            }
            indent(out, depth);
            out.push_str("])");
        }
        Type::Object(o) if o.attrs.is_empty() => out.push_str("object({})"),
        Type::Object(o) => {
            out.push_str("object({\n");
            for (name, ty) in &o.attrs {
                indent(out, depth + 1);
                out.push_str(name);
                out.push_str(": ");
                write_type(out, ty, depth + 1);
                out.push_str(",\n");
            }
            indent(out, depth);
            out.push_str("})");
        }
    }
}

fn collection(out: &mut String, kind: &str, of: &Type, depth: usize) {
    out.push_str(kind);
    out.push('(');
    if matches!(of, Type::Tuple(_) | Type::Object(_)) {
        out.push('\n');
        indent(out, depth + 1);
        write_type(out, of, depth + 1);
        out.push_str(",\n");
        indent(out, depth);
    } else {
        write_type(out, of, depth);
    }
    out.push(')');
}

fn indent(out: &mut String, depth: usize) {
    out.extend(std::iter::repeat_n("    ", depth));
}

/// The name of a value's type in messages: unlike that of a type constraint it says `list of dynamic`.
pub fn friendly(ty: &Type) -> String {
    match ty {
        Type::Dynamic => "dynamic".into(),
        Type::List(of) => format!("list of {}", friendly(of)),
        Type::Set(of) => format!("set of {}", friendly(of)),
        Type::Map(of) => format!("map of {}", friendly(of)),
        simple => simple.friendly(),
    }
}
