//! Types that a field of a declaration may have, and their conversion from and to values.
//!
//! A plain type such as `String` is for arguments that are required, have a default or are only read; `Option`
//! and collections are for those that may be left out.

use std::collections::{BTreeMap, BTreeSet};

use secstack_base::convert::ConvertError;
use secstack_base::schema::{Attribute, Block, NestedBlock, Nesting, Presence};
use secstack_base::{Number, Path, Step, Str, Type, Value};

use super::BlockType;

/// Names and values that a service keeps with an object.
pub type Tags = BTreeMap<String, String>;

/// A field's type, with its conversion from values.
pub trait FromValue: Sized {
    /// Whether the argument may be left out.
    const OPTIONAL: bool = false;

    /// The type in the language.
    fn ty() -> Type;

    /// Converts a value, in which null and unknown are as good as absent.
    ///
    /// # Errors
    /// When the value is not of the type, or absent and not optional.
    fn from_value(v: &Value) -> Result<Self, ConvertError>;
}

/// The conversion of a field to a value.
pub trait IntoValue {
    /// Converts to a value of the field's type.
    fn into_value(self) -> Value;
}

fn wrong(want: &str, v: &Value) -> ConvertError {
    let got = if v.is_null() { "nothing".into() } else { v.ty().friendly() };
    ConvertError { path: Path::root(), message: format!("{want} expected, {got} found") }
}

fn inside(mut e: ConvertError, step: Step) -> ConvertError {
    e.path.0.insert(0, step);
    e
}

fn absent(v: &Value) -> bool {
    v.is_null() || v.is_unknown()
}

impl FromValue for bool {
    fn ty() -> Type {
        Type::Bool
    }
    fn from_value(v: &Value) -> Result<Self, ConvertError> {
        v.as_bool().ok_or_else(|| wrong("a bool", v))
    }
}

impl FromValue for String {
    fn ty() -> Type {
        Type::String
    }
    fn from_value(v: &Value) -> Result<Self, ConvertError> {
        v.as_str().map(Into::into).ok_or_else(|| wrong("a string", v))
    }
}

impl FromValue for i64 {
    fn ty() -> Type {
        Type::Number
    }
    fn from_value(v: &Value) -> Result<Self, ConvertError> {
        v.as_number().and_then(Number::to_i64).ok_or_else(|| wrong("a whole number", v))
    }
}

impl FromValue for Number {
    fn ty() -> Type {
        Type::Number
    }
    fn from_value(v: &Value) -> Result<Self, ConvertError> {
        v.as_number().cloned().ok_or_else(|| wrong("a number", v))
    }
}

/// An argument of any type.
impl FromValue for Value {
    const OPTIONAL: bool = true;
    fn ty() -> Type {
        Type::Dynamic
    }
    fn from_value(v: &Value) -> Result<Self, ConvertError> {
        Ok(v.clone())
    }
}

impl<T: FromValue> FromValue for Option<T> {
    const OPTIONAL: bool = true;
    fn ty() -> Type {
        T::ty()
    }
    fn from_value(v: &Value) -> Result<Self, ConvertError> {
        if absent(v) { Ok(None) } else { T::from_value(v).map(Some) }
    }
}

fn elements<T: FromValue, C: FromIterator<T>>(v: &Value) -> Result<C, ConvertError> {
    if absent(v) {
        return Ok(std::iter::empty().collect());
    }
    let items = v.as_slice().ok_or_else(|| wrong("a list", v))?;
    items.iter().enumerate().map(|(i, v)| T::from_value(v).map_err(|e| inside(e, Step::Index(i)))).collect()
}

/// A list.
impl<T: FromValue> FromValue for Vec<T> {
    const OPTIONAL: bool = true;
    fn ty() -> Type {
        Type::list(T::ty())
    }
    fn from_value(v: &Value) -> Result<Self, ConvertError> {
        elements(v)
    }
}

/// A set.
impl<T: FromValue + Ord> FromValue for BTreeSet<T> {
    const OPTIONAL: bool = true;
    fn ty() -> Type {
        Type::set(T::ty())
    }
    fn from_value(v: &Value) -> Result<Self, ConvertError> {
        elements(v)
    }
}

/// A map. Elements that are null are left out.
impl<T: FromValue> FromValue for BTreeMap<String, T> {
    const OPTIONAL: bool = true;
    fn ty() -> Type {
        Type::map(T::ty())
    }
    fn from_value(v: &Value) -> Result<Self, ConvertError> {
        if absent(v) {
            return Ok(BTreeMap::new());
        }
        let items = v.as_map().ok_or_else(|| wrong("a map", v))?;
        let item = |(k, v): (&Str, &Value)| match T::from_value(v) {
            Ok(item) => Ok((k.to_string(), item)),
            Err(e) => Err(inside(e, Step::Key(k.clone()))),
        };
        items.iter().filter(|(_, v)| !absent(v)).map(item).collect()
    }
}

macro_rules! into_value {
    ($($t:ty),*) => {$(
        impl IntoValue for $t {
            fn into_value(self) -> Value {
                self.into()
            }
        }
    )*};
}
into_value!(bool, String, &str, i64, Number, Value);

impl<T: FromValue + IntoValue> IntoValue for Option<T> {
    fn into_value(self) -> Value {
        self.map_or_else(|| Value::null(T::ty()), T::into_value)
    }
}

impl<T: FromValue + IntoValue> IntoValue for Vec<T> {
    fn into_value(self) -> Value {
        Value::list(T::ty(), self.into_iter().map(T::into_value))
    }
}

impl<T: FromValue + IntoValue> IntoValue for BTreeSet<T> {
    fn into_value(self) -> Value {
        Value::set(T::ty(), self.into_iter().map(T::into_value))
    }
}

impl<T: FromValue + IntoValue> IntoValue for BTreeMap<String, T> {
    fn into_value(self) -> Value {
        Value::map(T::ty(), self.into_iter().map(|(k, v)| (k, v.into_value())))
    }
}

/// The field types that nested blocks become: one or none, or many.
pub trait Blocks: Sized {
    /// The block.
    type Item: BlockType;
    /// From the objects that the blocks are.
    ///
    /// # Errors
    /// When one is not of the block's type.
    fn from_objects(objects: &[Value]) -> Result<Self, ConvertError>;
    /// To the objects that the blocks are.
    fn into_objects(self) -> Vec<Value>;
}

fn object<T: FromValue>((i, v): (usize, &Value)) -> Result<T, ConvertError> {
    T::from_value(v).map_err(|e| inside(e, Step::Index(i)))
}

impl<T: BlockType> Blocks for Vec<T> {
    type Item = T;
    fn from_objects(objects: &[Value]) -> Result<Self, ConvertError> {
        objects.iter().enumerate().map(object).collect()
    }
    fn into_objects(self) -> Vec<Value> {
        self.into_iter().map(T::into_value).collect()
    }
}

impl<T: BlockType + Ord> Blocks for BTreeSet<T> {
    type Item = T;
    fn from_objects(objects: &[Value]) -> Result<Self, ConvertError> {
        objects.iter().enumerate().map(object).collect()
    }
    fn into_objects(self) -> Vec<Value> {
        self.into_iter().map(T::into_value).collect()
    }
}

impl<T: BlockType> Blocks for Option<T> {
    type Item = T;
    fn from_objects(objects: &[Value]) -> Result<Self, ConvertError> {
        objects.iter().enumerate().map(object).next().transpose()
    }
    fn into_objects(self) -> Vec<Value> {
        self.into_iter().map(T::into_value).collect()
    }
}

/// The argument `name` of an object. For derived code.
///
/// # Errors
/// When it is not of the field's type.
pub fn attr<T: FromValue>(object: &Value, name: &str) -> Result<T, ConvertError> {
    T::from_value(object.get(name).unwrap_or(&Value::NULL)).map_err(|e| inside(e, Step::Attr(name.into())))
}

/// The same, or the type's default when it is absent. For derived code.
///
/// # Errors
/// When it is not of the field's type.
pub fn attr_or_default<T: FromValue + Default>(object: &Value, name: &str) -> Result<T, ConvertError> {
    match object.get(name) {
        Some(v) if !absent(v) => T::from_value(v).map_err(|e| inside(e, Step::Attr(name.into()))),
        _ => Ok(T::default()),
    }
}

/// The nested blocks `name` of an object. For derived code.
///
/// # Errors
/// When they are not of the block's type.
pub fn blocks_of<T: Blocks>(object: &Value, name: &str) -> Result<T, ConvertError> {
    let objects = match object.get(name) {
        Some(v) if !absent(v) => v.as_slice().unwrap_or(std::slice::from_ref(v)),
        _ => &[],
    };
    T::from_objects(objects).map_err(|e| inside(e, Step::Attr(name.into())))
}

/// The value that nested blocks become. For derived code.
pub fn blocks_value<T: Blocks>(blocks: T, nesting: Nesting) -> Value {
    let objects = blocks.into_objects();
    let ty = <T::Item as FromValue>::ty;
    match nesting {
        Nesting::List => Value::list(ty(), objects),
        Nesting::Set => Value::set(ty(), objects),
        Nesting::Map => Value::map::<Str>(ty(), []),
        Nesting::Single | Nesting::Group => objects.into_iter().next().unwrap_or_else(|| Value::null(ty())),
    }
}

/// The presence of an attribute that says nothing about it. For derived code.
pub fn presence<T: FromValue>() -> Presence {
    if T::OPTIONAL { Presence::Optional } else { Presence::Required }
}

/// The attribute `id` of a resource. For derived code.
pub fn id_attribute(presence: Presence) -> Attribute {
    let mut a = Attribute::new("id", Type::String, presence);
    a.description = "What the service calls the object.".into();
    a
}

/// The attributes `tags` and `tags_all`. For derived code.
pub fn tags_attributes(about: &str, all: Presence) -> [Attribute; 2] {
    let mut tags = Attribute::new("tags", Type::map(Type::String), Presence::Optional);
    tags.description = about.into();
    let mut tags_all = Attribute::new("tags_all", Type::map(Type::String), all);
    tags_all.description = "All tags of the object, with those that the provider adds by default.".into();
    [tags, tags_all]
}

/// All tags of an object: `tags_all` as far as it is known, or else `tags`. For derived code.
///
/// # Errors
/// When a tag is not a string.
pub fn all_tags(object: &Value) -> Result<Tags, ConvertError> {
    match object.get("tags_all") {
        Some(v) if !absent(v) => attr(object, "tags_all"),
        _ => attr(object, "tags"),
    }
}

/// The block `timeouts` with the given operations. For derived code.
pub fn timeouts_block(operations: &[&str]) -> NestedBlock {
    let attribute = |op: &&str| {
        let mut a = Attribute::new(op, Type::String, Presence::Optional);
        a.description = format!("The longest wait for a {op}, such as `10m`.").into();
        a
    };
    let attributes = operations.iter().map(attribute).collect();
    let block = Block { attributes, description: "How long operations may take.".into(), ..Block::default() };
    NestedBlock {
        name: "timeouts".into(),
        nesting: Nesting::Single,
        min: 0,
        max: None,
        block: block.sorted(),
        forces_new: Default::default(),
        computed: false,
    }
}

/// The type of that block. For derived code.
pub fn timeouts_type(operations: &[&str]) -> Type {
    Type::object(operations.iter().map(|op| (*op, Type::String)))
}
