//! Functions on marks: `sensitive`, `nonsensitive`, `issensitive`, `ephemeralasnull`.

use secstack_base::{Data, Marks, Type, Value};

use super::{Function, Param};

/// The functions of this family.
pub fn functions() -> Vec<Function> {
    let value = || [Param::new("value", Type::Dynamic).nullable().unknowable().with_marks()];
    vec![
        Function::new("sensitive", value(), |a| Ok(a[0].ty()), |_, a| Ok(a[0].clone().mark(Marks::SENSITIVE))).or_null(),
        Function::new(
            "nonsensitive",
            value(),
            |a| Ok(a[0].ty()),
            |_, a| Ok(Value { marks: a[0].marks.without(Marks::SENSITIVE), ..a[0].clone() }),
        )
        .or_null(),
        Function::new(
            "issensitive",
            value(),
            |_| Ok(Type::Bool),
            |_, a| {
                Ok(match (a[0].is_sensitive(), a[0].is_unknown()) {
                    (true, _) => true.into(),
                    // What it is made of may still turn out sensitive.
                    (false, true) => Value::unknown(Type::Bool),
                    (false, false) => false.into(),
                })
            },
        ),
        Function::new("ephemeralasnull", value(), |a| Ok(a[0].ty()), |_, a| Ok(without_ephemeral(&a[0]))).or_null(),
    ]
}

/// The value with null in place of every ephemeral part.
fn without_ephemeral(value: &Value) -> Value {
    if !value.deep_marks().has(Marks::EPHEMERAL) {
        return value.clone();
    }
    if !value.marks.has(Marks::EPHEMERAL) {
        return value.map_parts(|_, v| without_ephemeral(v));
    }
    // An unknown value may get a more exact type than it has now, which a null would promise.
    let bare = match value.data {
        Data::Unknown(..) => Value::unknown(value.ty()),
        _ => Value::null(value.ty()),
    };
    bare.mark(value.marks.without(Marks::EPHEMERAL))
}
