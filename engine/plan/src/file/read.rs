//! Bytes to a plan: the mirror of `write`.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use secstack_base::addr::{ModulePath, ResourceName};
use secstack_base::{
    Addr, Data, Diags, InstanceKey, Marks, Mode, ModuleAddr, Number, ObjectType, Path, ProviderConfigAddr, Refinement, ResourceAddr, Step,
    Str, Type, Value,
};
use secstack_state::file;
use secstack_state::model::{CheckObject, CheckResult, CheckStatus, ConfigAddr, Snapshot};

use super::{FileError, SavedBackend, SavedPlan};
use crate::plan::{Action, Change, OutputChange, Plan, PlanMode, Reason, RelevantAttribute};

type Read<T> = Result<T, FileError>;

/// How deep values and types may nest: no configuration gets there, and the stack holds.
const MAX_DEPTH: u32 = 400;

/// The plan in the content of the file.
pub(super) fn content(bytes: &[u8]) -> Read<SavedPlan> {
    let mut r = Reader { rest: bytes, names: Vec::new(), types: Vec::new(), providers: HashMap::new(), depth: 0 };
    let (version, workspace, root) = (r.string()?, r.string()?, r.string()?);
    let backend = SavedBackend { ty: r.string()?, config: r.value()? };
    let (lineage, serial, modules) = (r.text()?.into(), r.number()?, r.string()?);
    let files = r.all(|r| Ok((r.string()?, r.string()?)))?;
    let plan = r.plan()?;
    if !r.rest.is_empty() {
        return Err(FileError::Damaged);
    }
    Ok(SavedPlan { plan, files, modules, workspace, backend, root, lineage, serial, version })
}

struct Reader<'a> {
    rest: &'a [u8],
    names: Vec<Str>,
    types: Vec<Type>,
    providers: HashMap<Str, ProviderConfigAddr>,
    depth: u32,
}

impl<'a> Reader<'a> {
    fn plan(&mut self) -> Read<Plan> {
        let mode = match self.byte()? {
            0 => PlanMode::Normal,
            1 => PlanMode::Destroy,
            2 => PlanMode::RefreshOnly,
            _ => return Err(FileError::Damaged),
        };
        let timestamp = self.string()?;
        let (applyable, complete, errored) = (self.flag()?, self.flag()?, self.flag()?);
        let variables = self.map(Self::value)?;
        let mut lists = [Vec::new(), Vec::new(), Vec::new(), Vec::new()];
        for list in &mut lists {
            *list = self.all(|r| Ok(Str::from(r.text()?)))?;
        }
        let [ephemeral_variables, targets, excludes, replace] = lists;
        let changes = self.all(Self::change)?;
        let drift = self.all(Self::change)?;
        let outputs = self.map(Self::output)?;
        let relevant = self.all(|r| Ok(RelevantAttribute { resource: r.name()?, path: r.path()? }))?;
        let checks = self.all(Self::check)?;
        let previous_state = state(self.text()?)?;
        let prior_state = if self.flag()? { state(self.text()?)? } else { previous_state.clone() };
        Ok(Plan {
            mode,
            variables,
            ephemeral_variables,
            changes,
            drift,
            outputs,
            checks,
            previous_state,
            prior_state,
            targets,
            excludes,
            replace,
            relevant,
            timestamp,
            applyable,
            complete,
            errored,
            diags: Diags::new(),
        })
    }

    fn change(&mut self) -> Read<Change> {
        Ok(Change {
            addr: self.addr()?,
            previous: self.option(Self::addr)?,
            deposed: self.option(|r| Ok(r.text()?.into()))?,
            provider: self.provider()?,
            schema_version: self.number()?,
            action: action(self.byte()?)?,
            reason: self.option(|r| reason(r.byte()?))?,
            before: self.value()?,
            after: self.value()?,
            replace_paths: self.all(Self::path)?,
            importing: self.option(|r| Ok(r.text()?.into()))?,
            dependencies: self.all(Self::config_addr)?.into(),
            create_before_destroy: self.flag()?,
        })
    }

    fn output(&mut self) -> Read<OutputChange> {
        Ok(OutputChange {
            before: self.value()?,
            after: self.value()?,
            sensitive: self.flag()?,
            before_sensitive: self.flag()?,
            action: action(self.byte()?)?,
        })
    }

    fn check(&mut self) -> Read<CheckResult> {
        Ok(CheckResult {
            kind: self.name()?,
            config_addr: self.text()?.into(),
            status: CheckStatus::from_word(&self.name()?),
            objects: self.all(|r| {
                Ok(CheckObject {
                    addr: r.text()?.into(),
                    status: CheckStatus::from_word(&r.name()?),
                    failures: r.all(|r| Ok(r.text()?.into()))?,
                })
            })?,
        })
    }

    fn provider(&mut self) -> Read<ProviderConfigAddr> {
        let name = self.name()?;
        if let Some(known) = self.providers.get(&name) {
            return Ok(known.clone());
        }
        let parsed: ProviderConfigAddr = name.parse().map_err(|_| FileError::Damaged)?;
        self.providers.insert(name, parsed.clone());
        Ok(parsed)
    }

    fn addr(&mut self) -> Read<Addr> {
        let module = ModuleAddr(self.all(|r| Ok((r.name()?, r.key()?)))?.into());
        let resource = ResourceAddr { module, name: self.resource()? };
        Ok(Addr { resource, key: self.key()? })
    }

    fn config_addr(&mut self) -> Read<ConfigAddr> {
        Ok(ConfigAddr { module: ModulePath(self.all(Self::name)?), name: self.resource()? })
    }

    fn resource(&mut self) -> Read<ResourceName> {
        let mode = match self.byte()? {
            0 => Mode::Data,
            1 => Mode::Managed,
            2 => Mode::Ephemeral,
            _ => return Err(FileError::Damaged),
        };
        Ok(ResourceName { mode, ty: self.name()?, name: self.name()? })
    }

    fn key(&mut self) -> Read<InstanceKey> {
        Ok(match self.byte()? {
            0 => InstanceKey::None,
            1 => InstanceKey::Int(self.number()?),
            2 => InstanceKey::Str(self.name()?),
            _ => return Err(FileError::Damaged),
        })
    }

    fn path(&mut self) -> Read<Path> {
        let step = |r: &mut Self| {
            Ok(match r.byte()? {
                0 => Step::Attr(r.name()?),
                1 => Step::Index(usize::try_from(r.number()?).map_err(|_| FileError::Damaged)?),
                2 => Step::Key(r.name()?),
                _ => return Err(FileError::Damaged),
            })
        };
        Ok(Path(self.all(step)?))
    }

    fn value(&mut self) -> Read<Value> {
        self.deeper(|r| {
            let tag = r.byte()?;
            let data = r.data(tag & 0xf)?;
            let mut marks = Marks::NONE;
            for (bit, mark) in [(0x10, Marks::SENSITIVE), (0x20, Marks::EPHEMERAL)] {
                if tag & bit != 0 {
                    marks = marks.with(mark);
                }
            }
            Ok(Value { data, marks })
        })
    }

    fn data(&mut self, kind: u8) -> Read<Data> {
        Ok(match kind {
            0 => Data::Null(self.ty()?),
            1 => Data::Unknown(self.ty()?, Refinement { not_null: self.flag()?, prefix: self.option(|r| Ok(r.text()?.into()))? }),
            2 => Data::Bool(false),
            3 => Data::Bool(true),
            4 => Data::Number(Number::parse(self.text()?).ok_or(FileError::Damaged)?),
            5 => Data::String(self.text()?.into()),
            6 => Data::List(self.ty()?, self.all(Self::value)?.into()),
            7 => Data::Set(self.ty()?, self.all(Self::value)?.into()),
            8 => Data::Tuple(self.all(Self::value)?.into()),
            9 => Data::Map(self.ty()?, Arc::new(self.map(Self::value)?)),
            10 => Data::Object(Arc::new(self.map(Self::value)?)),
            _ => return Err(FileError::Damaged),
        })
    }

    fn ty(&mut self) -> Read<Type> {
        let place = self.number()?;
        if place > 0 {
            return usize::try_from(place - 1).ok().and_then(|i| self.types.get(i)).cloned().ok_or(FileError::Damaged);
        }
        let ty = self.deeper(|r| {
            Ok(match r.byte()? {
                0 => Type::Dynamic,
                1 => Type::Bool,
                2 => Type::Number,
                3 => Type::String,
                4 => Type::list(r.ty()?),
                5 => Type::set(r.ty()?),
                6 => Type::map(r.ty()?),
                7 => Type::tuple(r.all(Self::ty)?),
                8 => r.object_type()?,
                _ => return Err(FileError::Damaged),
            })
        })?;
        self.types.push(ty.clone());
        Ok(ty)
    }

    fn object_type(&mut self) -> Read<Type> {
        let (mut attrs, mut optional) = (BTreeMap::new(), BTreeSet::new());
        for (name, is_optional, ty) in self.all(|r| Ok((r.name()?, r.flag()?, r.ty()?)))? {
            if is_optional {
                optional.insert(name.clone());
            }
            attrs.insert(name, ty);
        }
        Ok(Type::Object(Arc::new(ObjectType { attrs, optional })))
    }

    fn deeper<T>(&mut self, f: impl FnOnce(&mut Self) -> Read<T>) -> Read<T> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(FileError::Damaged);
        }
        let result = f(self);
        self.depth -= 1;
        result
    }

    fn name(&mut self) -> Read<Str> {
        let place = self.number()?;
        if place > 0 {
            return usize::try_from(place - 1).ok().and_then(|i| self.names.get(i)).cloned().ok_or(FileError::Damaged);
        }
        let name: Str = self.text()?.into();
        self.names.push(name.clone());
        Ok(name)
    }

    fn map<T>(&mut self, mut f: impl FnMut(&mut Self) -> Read<T>) -> Read<BTreeMap<Str, T>> {
        Ok(self.all(|r| Ok((r.name()?, f(r)?)))?.into_iter().collect())
    }

    fn all<T>(&mut self, mut f: impl FnMut(&mut Self) -> Read<T>) -> Read<Vec<T>> {
        let n = self.length()?;
        let mut items = Vec::with_capacity(n);
        for _ in 0..n {
            items.push(f(self)?);
        }
        Ok(items)
    }

    fn option<T>(&mut self, f: impl FnOnce(&mut Self) -> Read<T>) -> Read<Option<T>> {
        if self.flag()? { f(self).map(Some) } else { Ok(None) }
    }

    fn string(&mut self) -> Read<String> {
        self.text().map(String::from)
    }

    fn text(&mut self) -> Read<&'a str> {
        let n = self.length()?;
        let (text, rest) = self.rest.split_at(n);
        self.rest = rest;
        std::str::from_utf8(text).map_err(|_| FileError::Damaged)
    }

    /// A number of things that each have a byte at least: there cannot be more of them than bytes.
    fn length(&mut self) -> Read<usize> {
        let n = self.number()?;
        usize::try_from(n).ok().filter(|n| *n <= self.rest.len()).ok_or(FileError::Damaged)
    }

    fn number(&mut self) -> Read<u64> {
        let mut n = 0u64;
        for shift in (0..64).step_by(7) {
            let b = self.byte()?;
            n |= u64::from(b & 0x7f) << shift;
            if b < 0x80 {
                return Ok(n);
            }
        }
        Err(FileError::Damaged)
    }

    fn flag(&mut self) -> Read<bool> {
        Ok(self.byte()? != 0)
    }

    fn byte(&mut self) -> Read<u8> {
        let (first, rest) = self.rest.split_first().ok_or(FileError::Damaged)?;
        self.rest = rest;
        Ok(*first)
    }
}

fn state(text: &str) -> Read<Snapshot> {
    let read = file::read(text.as_bytes(), "the plan").map_err(|e| FileError::State(e.to_string()))?;
    read.ok_or(FileError::Damaged)
}

fn action(b: u8) -> Read<Action> {
    use Action::{Create, CreateThenDelete, Delete, DeleteThenCreate, Forget, NoOp, Read, Update};
    let all = [NoOp, Create, Read, Update, Delete, DeleteThenCreate, CreateThenDelete, Forget];
    all.get(usize::from(b)).copied().ok_or(FileError::Damaged)
}

fn reason(b: u8) -> Read<Reason> {
    let all = [
        Reason::ReplaceBecauseTainted,
        Reason::ReplaceByRequest,
        Reason::ReplaceByTriggers,
        Reason::ReplaceBecauseCannotUpdate,
        Reason::DeleteBecauseNoResourceConfig,
        Reason::DeleteBecauseWrongRepetition,
        Reason::DeleteBecauseCountIndex,
        Reason::DeleteBecauseEachKey,
        Reason::DeleteBecauseNoModule,
        Reason::DeleteBecauseNoMoveTarget,
        Reason::ReadBecauseConfigUnknown,
        Reason::ReadBecauseDependencyPending,
        Reason::ReadBecauseCheckNested,
    ];
    all.get(usize::from(b)).copied().ok_or(FileError::Damaged)
}
