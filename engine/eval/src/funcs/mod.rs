//! The function library, a file a family.
//!
//! A function is a row of a table: its parameters, the type of its result, and what it does with
//! known arguments. [`call`] does for all of them what `cty` does: it converts arguments to the
//! parameter types, refuses null where a parameter does not take it, answers unknown when an
//! argument is unknown, and carries marks from arguments to the result.

use std::path::Path;

use secstack_base::{Data, Marks, Number, Refinement, Type, Value, convert};

pub mod collection;
pub mod crypto;
pub mod datetime;
pub mod encoding;
pub mod filesystem;
mod float;
pub mod format;
pub mod ip;
pub mod numeric;
pub mod provider;
pub mod regex;
pub mod sensitive;
pub mod set;
pub mod string;
pub mod template;
pub mod type_conversion;
pub mod yaml;

/// The one door to files. Paths are as the configuration gives them, relative to the root module.
pub trait Files {
    /// The content of a file.
    ///
    /// # Errors
    /// A sentence that says why it cannot be read.
    fn read(&self, path: &Path) -> Result<Vec<u8>, String>;
    /// Whether a regular file is there. An error when something else is.
    ///
    /// # Errors
    /// A sentence that says what is there instead.
    fn exists(&self, path: &Path) -> Result<bool, String>;
    /// All files below a directory, relative to it, with `/` between names, in order.
    ///
    /// # Errors
    /// A sentence that says why the directory cannot be read.
    fn list(&self, dir: &Path) -> Result<Vec<String>, String>;
    /// The home directory, for `pathexpand`.
    fn home(&self) -> Option<String>;
    /// The working directory, for `abspath`.
    fn current_dir(&self) -> String;
}

/// A source of random bytes.
pub type Random = dyn Fn(&mut [u8]);

/// What functions need besides their arguments.
pub struct Context<'a> {
    /// The door to files.
    pub files: &'a dyn Files,
    /// The time of the run in RFC 3339, or `None` while planning: then `timestamp()` is unknown.
    pub timestamp: Option<&'a str>,
    /// The time when planning started in RFC 3339: `plantimestamp()`.
    pub plan_timestamp: &'a str,
    /// A source of random bytes for `uuid()` and `bcrypt()`, or `None` while planning: they are unknown then.
    pub random: Option<&'a Random>,
    /// Functions that templates may not call when evaluating a template (recursion of `templatefile`).
    pub in_template: bool,
}

/// A parameter of a function.
#[derive(Clone, Debug)]
pub struct Param {
    /// The name, for messages.
    pub name: &'static str,
    /// The type that arguments are converted to. `Dynamic` leaves them as they are.
    pub ty: Type,
    /// The function takes null.
    pub null: bool,
    /// The function takes unknown values. Without this and `partial`, one unknown part makes the result unknown.
    pub unknown: bool,
    /// The function takes collections and structures with unknown parts.
    pub partial: bool,
    /// The function takes unknown values and nulls of unknown type. Otherwise they make the result unknown,
    /// and not even its type is known.
    pub dynamic: bool,
    /// The function handles marks itself; otherwise they move to the result.
    pub marked: bool,
}

impl Param {
    /// A parameter that takes known, non-null values of a type.
    pub const fn new(name: &'static str, ty: Type) -> Self {
        Self { name, ty, null: false, unknown: false, partial: false, dynamic: false, marked: false }
    }

    /// The same, taking null too.
    pub const fn nullable(mut self) -> Self {
        self.null = true;
        self
    }

    /// The same, taking unknown values too, also those of unknown type.
    pub const fn unknowable(mut self) -> Self {
        self.unknown = true;
        self.dynamic = true;
        self
    }

    /// The same, taking collections and structures with unknown parts.
    pub const fn partly_known(mut self) -> Self {
        self.partial = true;
        self
    }

    /// The same, taking nulls and unknown values of unknown type.
    pub const fn untyped(mut self) -> Self {
        self.dynamic = true;
        self
    }

    /// The same, with marks left on.
    pub const fn with_marks(mut self) -> Self {
        self.marked = true;
        self
    }
}

/// Why a call failed.
#[derive(Clone, Debug, PartialEq)]
pub struct CallError {
    /// The argument at fault, from 0, where one is.
    pub arg: Option<usize>,
    /// A sentence without a final stop, as Terraform words it.
    pub message: String,
}

impl CallError {
    /// A failure of the call as a whole.
    pub fn new(message: impl Into<String>) -> Self {
        Self { arg: None, message: message.into() }
    }

    /// A failure that one argument caused.
    pub fn arg(arg: usize, message: impl Into<String>) -> Self {
        Self { arg: Some(arg), message: message.into() }
    }
}

/// The result of a function.
pub type Outcome = Result<Value, CallError>;

/// The type of a result for these arguments.
pub(crate) type TypeRule = fn(&[Value]) -> Result<Type, CallError>;
/// The work of a function.
pub(crate) type Run = fn(&Context<'_>, &[Value]) -> Outcome;

/// A function.
pub struct Function {
    /// The name.
    pub name: &'static str,
    /// The parameters.
    pub params: Vec<Param>,
    /// The parameter of all further arguments, for a function that takes any number.
    pub variadic: Option<Param>,
    /// The type of the result for these arguments, which may be unknown: what an unknown result has as its type.
    /// `Dynamic` when it cannot be told.
    pub result: fn(&[Value]) -> Result<Type, CallError>,
    /// The work, with arguments as the parameters promise.
    pub run: fn(&Context<'_>, &[Value]) -> Outcome,
    /// A known or unknown result is never null.
    pub not_null: bool,
}

/// The tables of all families. `try`, `can`, `templatestring`'s reference rule and `type` are part of the
/// evaluator, since they see expressions rather than values.
fn families() -> Vec<Function> {
    [
        collection::functions(),
        crypto::functions(),
        datetime::functions(),
        encoding::functions(),
        filesystem::functions(),
        format::functions(),
        ip::functions(),
        numeric::functions(),
        provider::functions(),
        regex::functions(),
        sensitive::functions(),
        set::functions(),
        string::functions(),
        template::functions(),
        type_conversion::functions(),
        yaml::functions(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The function of that name; `core::name` is the same as `name`.
pub fn find(name: &str) -> Option<&'static Function> {
    static TABLE: std::sync::LazyLock<std::collections::BTreeMap<&'static str, Function>> =
        std::sync::LazyLock::new(|| families().into_iter().map(|f| (f.name, f)).collect());
    TABLE.get(name.strip_prefix("core::").unwrap_or(name))
}

/// The names of all functions, in order.
pub fn names() -> Vec<&'static str> {
    let mut names: Vec<_> = families().into_iter().map(|f| f.name).chain(["try", "can"]).collect();
    names.sort_unstable();
    names
}

impl Function {
    /// A function whose result is never null.
    pub(crate) fn new(name: &'static str, params: impl Into<Vec<Param>>, result: TypeRule, run: Run) -> Self {
        Self { name, params: params.into(), variadic: None, result, run, not_null: true }
    }

    /// The same, taking any number of further arguments.
    pub(crate) fn and_more(mut self, param: Param) -> Self {
        self.variadic = Some(param);
        self
    }

    /// The same, with a result that may be null.
    pub(crate) fn or_null(mut self) -> Self {
        self.not_null = false;
        self
    }

    /// The parameter of the argument at a position.
    pub fn param(&self, position: usize) -> Option<&Param> {
        self.params.get(position).or(self.variadic.as_ref())
    }

    fn unknown(&self, ty: Type) -> Value {
        Data::Unknown(ty, Refinement { not_null: self.not_null, prefix: None }).into()
    }
}

/// Calls a function with arguments of any kind.
///
/// # Errors
/// When the number of arguments is wrong, one cannot be converted or is null where that is not allowed, or the
/// function itself fails.
pub fn call(function: &Function, cx: &Context<'_>, args: &[Value]) -> Outcome {
    if args.len() < function.params.len() {
        let missing = &function.params[args.len()];
        return Err(CallError::new(format!("missing value for {:?}", missing.name)));
    }
    if args.len() > function.params.len() && function.variadic.is_none() {
        return Err(CallError::arg(function.params.len(), format!("function expects only {} argument(s)", function.params.len())));
    }
    let mut ready = Vec::with_capacity(args.len());
    for (i, arg) in args.iter().enumerate() {
        let ty = function.param(i).map_or(&Type::Dynamic, |p| &p.ty);
        ready.push(convert::convert(arg, ty).map_err(|e| CallError::arg(i, e.to_string()))?);
    }
    apply(function, cx, ready)
}

/// Calls a function with as many arguments as it takes, converted to the types of its parameters.
pub(crate) fn apply(function: &Function, cx: &Context<'_>, mut args: Vec<Value>) -> Outcome {
    let mut marks = Marks::NONE;
    let mut unknown = false;
    let mut untyped = false;
    for (i, value) in args.iter_mut().enumerate() {
        let Some(param) = function.param(i) else { break };
        if value.is_null() && !param.null && !untyped {
            return Err(CallError::arg(i, "argument must not be null"));
        }
        untyped |= !param.dynamic && matches!(value.data, Data::Null(Type::Dynamic) | Data::Unknown(Type::Dynamic, _));
        unknown |= match param {
            Param { unknown: true, .. } => false,
            Param { partial: true, .. } => value.is_unknown(),
            _ => !value.is_wholly_known(),
        };
        if param.marked {
            // Only an unknown result gets these here; a known one gets them from the function.
            continue;
        }
        let found = value.deep_marks();
        if !found.is_none() {
            marks = marks.with(found);
            *value = value.unmark_deep(Marks::ALL);
        }
    }
    let marks_of_unknown = || args.iter().fold(marks, |m, v| m.with(v.marks));
    if untyped {
        return Ok(Value::unknown(Type::Dynamic).mark(marks_of_unknown()));
    }
    let mut result = match unknown {
        true => function.unknown((function.result)(&args)?).mark(marks_of_unknown()),
        false => (function.run)(cx, &args)?.mark(marks),
    };
    if let Data::Unknown(ty, refinement) = &mut result.data {
        refinement.not_null = (function.not_null || refinement.not_null) && *ty != Type::Dynamic;
    }
    Ok(result)
}

/// A whole number in the range of 64 bits, as most functions take numbers.
pub(crate) fn whole(value: &Value) -> Result<i64, CallError> {
    value
        .as_number()
        .and_then(Number::to_i64)
        .ok_or_else(|| CallError::new("value must be a whole number, between -9223372036854775808 and 9223372036854775807"))
}
