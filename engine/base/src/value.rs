//! Values of Terraform's language: known, null, unknown, and the marks they carry.
//!
//! A value is never changed in place once shared. Collections sit behind `Arc`,
//! so that cloning the value of a whole resource costs a counter.

use std::collections::BTreeMap;
use std::sync::Arc;

use unicode_normalization::UnicodeNormalization;

use crate::{Number, Path, Step, Str, Type};

/// Properties that travel beside a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Marks(u8);

impl Marks {
    /// No mark.
    pub const NONE: Marks = Marks(0);
    /// The value must not be shown.
    pub const SENSITIVE: Marks = Marks(1);
    /// The value must not be stored.
    pub const EPHEMERAL: Marks = Marks(2);
    /// The value comes from something deprecated.
    pub const ALL: Marks = Marks(3);

    /// Whether every mark of `other` is here.
    pub fn has(self, other: Marks) -> bool {
        self.0 & other.0 == other.0 && other.0 != 0
    }

    /// The marks of both.
    #[must_use]
    pub fn with(self, other: Marks) -> Marks {
        Marks(self.0 | other.0)
    }

    /// These marks less those of `other`.
    #[must_use]
    pub fn without(self, other: Marks) -> Marks {
        Marks(self.0 & !other.0)
    }

    /// Whether there is none.
    pub fn is_none(self) -> bool {
        self.0 == 0
    }
}

/// What is known of an unknown value besides its type.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Refinement {
    /// Whether the value is certain not to be null.
    pub not_null: bool,
    /// A prefix that the string is certain to have. Empty when nothing is known.
    pub prefix: Option<Str>,
}

/// The content of a value, without its marks.
#[derive(Clone, Debug)]
pub enum Data {
    /// No value, of a type.
    Null(Type),
    /// A value that exists only after apply.
    Unknown(Type, Refinement),
    /// `true` or `false`.
    Bool(bool),
    /// A number.
    Number(Number),
    /// Text, in Unicode normalisation form C.
    String(Str),
    /// A list and the type of its elements.
    List(Type, Arc<[Value]>),
    /// A set and the type of its elements. Elements are distinct and in [`Value::set`]'s order.
    Set(Type, Arc<[Value]>),
    /// A map and the type of its elements.
    Map(Type, Arc<BTreeMap<Str, Value>>),
    /// A tuple: each element has a type of its own.
    Tuple(Arc<[Value]>),
    /// An object: each attribute has a type of its own.
    Object(Arc<BTreeMap<Str, Value>>),
}

/// A value with its marks.
///
/// There is no `PartialEq`, since equality in the language is three-valued. Use
/// [`Value::same`] for identity of known parts, unknown parts, types and marks alike.
#[derive(Clone, Debug)]
pub struct Value {
    /// The content.
    pub data: Data,
    /// The marks on this very value. Parts carry their own.
    pub marks: Marks,
}

impl From<Data> for Value {
    fn from(data: Data) -> Self {
        Self { data, marks: Marks::NONE }
    }
}

impl From<bool> for Value {
    fn from(b: bool) -> Self {
        Data::Bool(b).into()
    }
}

impl From<&str> for Value {
    fn from(s: &str) -> Self {
        Value::string(s)
    }
}

impl From<String> for Value {
    fn from(s: String) -> Self {
        Value::string(&s)
    }
}

impl From<i64> for Value {
    fn from(n: i64) -> Self {
        Data::Number(Number::from(n)).into()
    }
}

impl From<Number> for Value {
    fn from(n: Number) -> Self {
        Data::Number(n).into()
    }
}

impl Value {
    /// A null of unspecified type.
    pub const NULL: Value = Value { data: Data::Null(Type::Dynamic), marks: Marks::NONE };

    /// A null of type `ty`.
    pub fn null(ty: Type) -> Self {
        Data::Null(ty).into()
    }

    /// An unknown value of type `ty`.
    pub fn unknown(ty: Type) -> Self {
        Data::Unknown(ty, Refinement::default()).into()
    }

    /// An unknown value of type `ty` that is certain not to be null.
    pub fn unknown_not_null(ty: Type) -> Self {
        Data::Unknown(ty, Refinement { not_null: true, prefix: None }).into()
    }

    /// Text, brought to normalisation form C.
    pub fn string(s: &str) -> Self {
        if s.is_ascii() || unicode_normalization::is_nfc(s) {
            return Data::String(s.into()).into();
        }
        Data::String(s.nfc().collect::<String>().into()).into()
    }

    /// A list. Elements must have the type `element`.
    pub fn list(element: Type, items: impl IntoIterator<Item = Value>) -> Self {
        Data::List(element, items.into_iter().collect()).into()
    }

    /// A tuple.
    pub fn tuple(items: impl IntoIterator<Item = Value>) -> Self {
        Data::Tuple(items.into_iter().collect()).into()
    }

    /// A map. Elements must have the type `element`.
    pub fn map<K: Into<Str>>(element: Type, items: impl IntoIterator<Item = (K, Value)>) -> Self {
        Data::Map(element, Arc::new(items.into_iter().map(|(k, v)| (k.into(), v)).collect())).into()
    }

    /// An object.
    pub fn object<K: Into<Str>>(items: impl IntoIterator<Item = (K, Value)>) -> Self {
        Data::Object(Arc::new(items.into_iter().map(|(k, v)| (k.into(), v)).collect())).into()
    }

    /// What provider frameworks that do not know null have in its place: empty text, false, 0, an empty collection. Nothing for
    /// other types.
    pub fn zero(ty: &Type) -> Option<Self> {
        match ty {
            Type::String => Some("".into()),
            Type::Bool => Some(false.into()),
            Type::Number => Some(0.into()),
            Type::List(of) => Some(Self::list((**of).clone(), [])),
            Type::Set(of) => Some(Self::set((**of).clone(), [])),
            Type::Map(of) => Some(Self::map::<Str>((**of).clone(), [])),
            _ => None,
        }
    }

    /// Whether the value is the [`Self::zero`] of its type.
    pub fn is_zero(&self) -> bool {
        Self::zero(&self.ty()).is_some_and(|zero| zero.same_unmarked(self))
    }

    /// A set of the given elements, which must have the type `element`: duplicates go,
    /// marks of elements move to the set, and the order becomes Terraform's (see `set_order`).
    /// Elements that are not wholly known are kept as they are, last.
    pub fn set(element: Type, items: impl IntoIterator<Item = Value>) -> Self {
        crate::value::order::set(element, items.into_iter().collect())
    }

    /// The type of the value.
    pub fn ty(&self) -> Type {
        match &self.data {
            Data::Null(t) | Data::Unknown(t, _) => t.clone(),
            Data::Bool(_) => Type::Bool,
            Data::Number(_) => Type::Number,
            Data::String(_) => Type::String,
            Data::List(t, _) => Type::list(t.clone()),
            Data::Set(t, _) => Type::set(t.clone()),
            Data::Map(t, _) => Type::map(t.clone()),
            Data::Tuple(vs) => Type::tuple(vs.iter().map(Value::ty)),
            Data::Object(m) => Type::object(m.iter().map(|(k, v)| (k.clone(), v.ty()))),
        }
    }

    /// Whether the value is null.
    pub fn is_null(&self) -> bool {
        matches!(self.data, Data::Null(_))
    }

    /// Whether the value itself is unknown (its parts may be unknown although this is false).
    pub fn is_unknown(&self) -> bool {
        matches!(self.data, Data::Unknown(..))
    }

    /// Whether no part of the value is unknown.
    pub fn is_wholly_known(&self) -> bool {
        match &self.data {
            Data::Unknown(..) => false,
            Data::List(_, vs) | Data::Set(_, vs) | Data::Tuple(vs) => vs.iter().all(Value::is_wholly_known),
            Data::Map(_, m) | Data::Object(m) => m.values().all(Value::is_wholly_known),
            _ => true,
        }
    }

    /// The same with `marks` added to this very value.
    #[must_use]
    pub fn mark(mut self, marks: Marks) -> Self {
        self.marks = self.marks.with(marks);
        self
    }

    /// Whether this very value is marked sensitive.
    pub fn is_sensitive(&self) -> bool {
        self.marks.has(Marks::SENSITIVE)
    }

    /// The marks on the value and on all its parts, merged.
    pub fn deep_marks(&self) -> Marks {
        self.parts().fold(self.marks, |m, v| m.with(v.deep_marks()))
    }

    /// The same value with no mark of `marks` on it or on any part.
    #[must_use]
    pub fn unmark_deep(&self, marks: Marks) -> Value {
        if self.deep_marks().without(Marks::ALL.without(marks)).is_none() {
            return self.clone();
        }
        let mut out = self.map_parts(|_, v| v.unmark_deep(marks));
        out.marks = self.marks.without(marks);
        out
    }

    /// The immediate parts: elements or attribute values.
    pub fn parts(&self) -> Box<dyn Iterator<Item = &Value> + '_> {
        match &self.data {
            Data::List(_, vs) | Data::Set(_, vs) | Data::Tuple(vs) => Box::new(vs.iter()),
            Data::Map(_, m) | Data::Object(m) => Box::new(m.values()),
            _ => Box::new(std::iter::empty()),
        }
    }

    /// Whether the value says nothing: null, an empty text or collection, zero or false.
    pub fn is_nothing(&self) -> bool {
        match &self.data {
            Data::Null(_) => true,
            Data::Unknown(..) => false,
            Data::Bool(b) => !b,
            Data::Number(n) => n.is_zero(),
            Data::String(s) => s.is_empty(),
            Data::List(_, vs) | Data::Set(_, vs) | Data::Tuple(vs) => vs.is_empty(),
            Data::Map(_, m) | Data::Object(m) => m.is_empty(),
        }
    }

    /// Whether two values mean the same to a service, to which what says nothing is the same as what is not said. Marks
    /// do not matter, nor does the order of lists.
    pub fn is_alike(&self, other: &Value) -> bool {
        if self.is_nothing() && other.is_nothing() {
            return true;
        }
        if let (Some(a), Some(b)) = (self.as_slice(), other.as_slice()) {
            return a.len() == b.len() && a.iter().all(|a| b.iter().any(|b| a.is_alike(b)));
        }
        match (self.as_map(), other.as_map()) {
            (Some(a), Some(b)) => a.len() == b.len() && a.iter().all(|(k, v)| b.get(k).is_some_and(|w| v.is_alike(w))),
            _ => self.same_unmarked(other),
        }
    }

    /// The same value with null for each sensitive part.
    #[must_use]
    pub fn without_sensitive(&self) -> Value {
        if self.is_sensitive() { Value::null(self.ty()) } else { self.map_parts(|_, part| part.without_sensitive()) }
    }

    /// The same value with each immediate part replaced by what `f` makes of it. Types of elements
    /// must stay. Sets are put in order again.
    #[must_use]
    pub fn map_parts(&self, mut f: impl FnMut(Step, &Value) -> Value) -> Value {
        let data = match &self.data {
            Data::List(t, vs) => Data::List(t.clone(), vs.iter().enumerate().map(|(i, v)| f(Step::Index(i), v)).collect()),
            Data::Tuple(vs) => Data::Tuple(vs.iter().enumerate().map(|(i, v)| f(Step::Index(i), v)).collect()),
            Data::Set(t, vs) => {
                let items = vs.iter().enumerate().map(|(i, v)| f(Step::Index(i), v)).collect();
                return order::set(t.clone(), items).mark(self.marks);
            }
            Data::Map(t, m) => Data::Map(t.clone(), Arc::new(m.iter().map(|(k, v)| (k.clone(), f(Step::Key(k.clone()), v))).collect())),
            Data::Object(m) => Data::Object(Arc::new(m.iter().map(|(k, v)| (k.clone(), f(Step::Attr(k.clone()), v))).collect())),
            simple => simple.clone(),
        };
        Value { data, marks: self.marks }
    }

    /// The text of a known string.
    pub fn as_str(&self) -> Option<&str> {
        match &self.data {
            Data::String(s) => Some(s),
            _ => None,
        }
    }

    /// The truth of a known bool.
    pub fn as_bool(&self) -> Option<bool> {
        match self.data {
            Data::Bool(b) => Some(b),
            _ => None,
        }
    }

    /// A known number.
    pub fn as_number(&self) -> Option<&Number> {
        match &self.data {
            Data::Number(n) => Some(n),
            _ => None,
        }
    }

    /// The elements of a known list, set or tuple.
    pub fn as_slice(&self) -> Option<&[Value]> {
        match &self.data {
            Data::List(_, vs) | Data::Set(_, vs) | Data::Tuple(vs) => Some(vs),
            _ => None,
        }
    }

    /// The elements of a known map or the attributes of a known object.
    pub fn as_map(&self) -> Option<&BTreeMap<Str, Value>> {
        match &self.data {
            Data::Map(_, m) | Data::Object(m) => Some(m),
            _ => None,
        }
    }

    /// An attribute of a known object or an element of a known map. `None` also when the value is neither.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.as_map()?.get(name)
    }

    /// The text of an attribute that is a known string.
    pub fn get_str(&self, name: &str) -> Option<&str> {
        self.get(name)?.as_str()
    }

    /// The part a path leads to, where every step exists.
    pub fn at(&self, path: &Path) -> Option<&Value> {
        path.0.iter().try_fold(self, |v, step| match step {
            Step::Attr(n) | Step::Key(n) => v.get(n),
            Step::Index(i) => v.as_slice()?.get(*i),
        })
    }

    /// The same object or map with `name` set.
    #[must_use]
    pub fn with(&self, name: &str, value: Value) -> Value {
        let mut out = self.clone();
        if let Data::Object(m) | Data::Map(_, m) = &mut out.data {
            Arc::make_mut(m).insert(name.into(), value);
        }
        out
    }

    /// Whether both are the same: content, unknown parts, types and marks.
    pub fn same(&self, other: &Value) -> bool {
        self.marks == other.marks && self.same_with(other, Value::same)
    }

    /// Whether both are the same, marks aside.
    pub fn same_unmarked(&self, other: &Value) -> bool {
        self.same_with(other, Value::same_unmarked)
    }

    fn same_with(&self, other: &Value, same: fn(&Value, &Value) -> bool) -> bool {
        let all = |a: &[Value], b: &[Value]| a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b));
        let maps = |a: &Arc<BTreeMap<Str, Value>>, b: &Arc<BTreeMap<Str, Value>>| {
            a.len() == b.len() && a.iter().zip(b.iter()).all(|((k, a), (l, b))| k == l && same(a, b))
        };
        match (&self.data, &other.data) {
            (Data::Null(a), Data::Null(b)) => a == b || *a == Type::Dynamic || *b == Type::Dynamic,
            (Data::Unknown(a, _), Data::Unknown(b, _)) => a == b,
            (Data::Bool(a), Data::Bool(b)) => a == b,
            (Data::Number(a), Data::Number(b)) => a == b,
            (Data::String(a), Data::String(b)) => a == b,
            (Data::List(t, a), Data::List(u, b)) | (Data::Set(t, a), Data::Set(u, b)) => t == u && all(a, b),
            (Data::Tuple(a), Data::Tuple(b)) => all(a, b),
            (Data::Map(t, a), Data::Map(u, b)) => t == u && maps(a, b),
            (Data::Object(a), Data::Object(b)) => maps(a, b),
            _ => false,
        }
    }
}

mod order;
