//! A plan to bytes.
//!
//! Numbers have as many bytes as they need. A name or a type that was written before is written as its
//! place among those: objects of one type repeat the same few names and types.

use std::collections::HashMap;

use secstack_base::addr::{ModulePath, ResourceName};
use secstack_base::{Addr, Data, InstanceKey, Mode, ModuleAddr, ObjectType, Path, Refinement, Step, Str, Type, Value};
use secstack_state::file;
use secstack_state::model::{CheckResult, ConfigAddr, Snapshot};

use super::{FileError, SavedPlan};
use crate::plan::{Action, Change, OutputChange, Plan, PlanMode, Reason};

/// The content of the file.
pub(super) fn content(saved: &SavedPlan) -> Result<Vec<u8>, FileError> {
    let mut w = Writer::default();
    w.text(&saved.version);
    w.text(&saved.workspace);
    w.text(&saved.root);
    w.text(&saved.backend.ty);
    w.value(&saved.backend.config);
    w.text(&saved.lineage);
    w.number(saved.serial);
    w.text(&saved.modules);
    w.all(&saved.files, |w, (path, text)| {
        w.text(path);
        w.text(text);
    });
    w.plan(&saved.plan)?;
    Ok(w.out)
}

#[derive(Default)]
struct Writer {
    out: Vec<u8>,
    names: HashMap<Str, u64>,
    types: HashMap<Type, u64>,
}

impl Writer {
    fn plan(&mut self, p: &Plan) -> Result<(), FileError> {
        self.byte(match p.mode {
            PlanMode::Normal => 0,
            PlanMode::Destroy => 1,
            PlanMode::RefreshOnly => 2,
        });
        self.text(&p.timestamp);
        for flag in [p.applyable, p.complete, p.errored] {
            self.byte(u8::from(flag));
        }
        self.all(&p.variables, |w, (name, value)| {
            w.name(name);
            w.value(value);
        });
        for list in [&p.ephemeral_variables, &p.targets, &p.excludes, &p.replace] {
            self.all(list, |w, text| w.text(text));
        }
        self.all(&p.changes, Self::change);
        self.all(&p.drift, Self::change);
        self.all(&p.outputs, |w, (name, c)| {
            w.name(name);
            w.output(c);
        });
        self.all(&p.relevant, |w, r| {
            w.name(&r.resource);
            w.path(&r.path);
        });
        self.all(&p.checks, Self::check);
        let previous = state(&p.previous_state)?;
        let prior = state(&p.prior_state)?;
        self.text(&previous);
        // Without drift both are the same, and there is no need to say it twice.
        self.byte(u8::from(previous != prior));
        if previous != prior {
            self.text(&prior);
        }
        Ok(())
    }

    fn change(&mut self, c: &Change) {
        self.addr(&c.addr);
        self.option(c.previous.as_ref(), Self::addr);
        self.option(c.deposed.as_ref(), |w, key| w.text(key));
        self.name(&c.provider.to_string().into());
        self.number(c.schema_version);
        self.byte(action(c.action));
        self.option(c.reason, |w, r| w.byte(reason(r)));
        self.value(&c.before);
        self.value(&c.after);
        self.all(&c.replace_paths, Self::path);
        self.option(c.importing.as_ref(), |w, id| w.text(id));
        self.all(c.dependencies.iter(), Self::config_addr);
        self.byte(u8::from(c.create_before_destroy));
    }

    fn output(&mut self, c: &OutputChange) {
        self.value(&c.before);
        self.value(&c.after);
        self.byte(u8::from(c.sensitive));
        self.byte(u8::from(c.before_sensitive));
        self.byte(action(c.action));
    }

    fn check(&mut self, c: &CheckResult) {
        self.name(&c.kind);
        self.text(&c.config_addr);
        self.name(&c.status.as_str().into());
        self.all(&c.objects, |w, o| {
            w.text(&o.addr);
            w.name(&o.status.as_str().into());
            w.all(&o.failures, |w, text| w.text(text));
        });
    }

    fn addr(&mut self, a: &Addr) {
        self.module(&a.resource.module);
        self.resource(&a.resource.name);
        self.key(&a.key);
    }

    fn module(&mut self, m: &ModuleAddr) {
        self.all(m.0.iter(), |w, (name, key)| {
            w.name(name);
            w.key(key);
        });
    }

    fn config_addr(&mut self, a: &ConfigAddr) {
        let ModulePath(calls) = &a.module;
        self.all(calls, Self::name);
        self.resource(&a.name);
    }

    fn resource(&mut self, r: &ResourceName) {
        self.byte(match r.mode {
            Mode::Data => 0,
            Mode::Managed => 1,
            Mode::Ephemeral => 2,
        });
        self.name(&r.ty);
        self.name(&r.name);
    }

    fn key(&mut self, key: &InstanceKey) {
        match key {
            InstanceKey::None => self.byte(0),
            InstanceKey::Int(n) => {
                self.byte(1);
                self.number(*n);
            }
            InstanceKey::Str(s) => {
                self.byte(2);
                self.name(s);
            }
        }
    }

    fn path(&mut self, path: &Path) {
        self.all(&path.0, |w, step| match step {
            Step::Attr(name) => {
                w.byte(0);
                w.name(name);
            }
            Step::Index(i) => {
                w.byte(1);
                w.number(*i as u64);
            }
            Step::Key(key) => {
                w.byte(2);
                w.name(key);
            }
        });
    }

    /// The kind of content is in the low bits, the marks are above it.
    fn value(&mut self, v: &Value) {
        use secstack_base::Marks;
        let marks = u8::from(v.marks.has(Marks::SENSITIVE)) | u8::from(v.marks.has(Marks::EPHEMERAL)) << 1;
        let mut tag = |kind: u8| self.out.push(kind | marks << 4);
        match &v.data {
            Data::Null(ty) => {
                tag(0);
                self.ty(ty);
            }
            Data::Unknown(ty, Refinement { not_null, prefix }) => {
                tag(1);
                self.ty(ty);
                self.byte(u8::from(*not_null));
                self.option(prefix.as_ref(), |w, p| w.text(p));
            }
            Data::Bool(false) => tag(2),
            Data::Bool(true) => tag(3),
            Data::Number(n) => {
                tag(4);
                self.text(&n.to_string());
            }
            Data::String(s) => {
                tag(5);
                self.text(s);
            }
            Data::List(ty, items) => {
                tag(6);
                self.ty(ty);
                self.all(items.iter(), Self::value);
            }
            Data::Set(ty, items) => {
                tag(7);
                self.ty(ty);
                self.all(items.iter(), Self::value);
            }
            Data::Tuple(items) => {
                tag(8);
                self.all(items.iter(), Self::value);
            }
            Data::Map(ty, items) => {
                tag(9);
                self.ty(ty);
                self.all(items.iter(), Self::named_value);
            }
            Data::Object(items) => {
                tag(10);
                self.all(items.iter(), Self::named_value);
            }
        }
    }

    fn named_value(&mut self, (name, value): (&Str, &Value)) {
        self.name(name);
        self.value(value);
    }

    /// Zero and the type where it is new, otherwise its place, counted from one.
    fn ty(&mut self, ty: &Type) {
        if let Some(place) = self.types.get(ty) {
            return self.number(*place);
        }
        self.number(0);
        match ty {
            Type::Dynamic => self.byte(0),
            Type::Bool => self.byte(1),
            Type::Number => self.byte(2),
            Type::String => self.byte(3),
            Type::List(t) => self.type_of(4, t),
            Type::Set(t) => self.type_of(5, t),
            Type::Map(t) => self.type_of(6, t),
            Type::Tuple(ts) => {
                self.byte(7);
                self.all(ts.iter(), Self::ty);
            }
            Type::Object(o) => {
                let ObjectType { attrs, optional } = &**o;
                self.byte(8);
                self.all(attrs, |w, (name, t)| {
                    w.name(name);
                    w.byte(u8::from(optional.contains(name)));
                    w.ty(t);
                });
            }
        }
        // Inner types took their places while they were written.
        let place = self.types.len() as u64 + 1;
        self.types.insert(ty.clone(), place);
    }

    fn type_of(&mut self, kind: u8, inner: &Type) {
        self.byte(kind);
        self.ty(inner);
    }

    /// Zero and the text where it is new, otherwise its place, counted from one.
    fn name(&mut self, name: &Str) {
        if let Some(place) = self.names.get(name) {
            return self.number(*place);
        }
        self.number(0);
        self.text(name);
        let place = self.names.len() as u64 + 1;
        self.names.insert(name.clone(), place);
    }

    fn all<T>(&mut self, items: impl IntoIterator<Item = T, IntoIter: ExactSizeIterator>, mut f: impl FnMut(&mut Self, T)) {
        let items = items.into_iter();
        self.number(items.len() as u64);
        for item in items {
            f(self, item);
        }
    }

    fn option<T>(&mut self, item: Option<T>, f: impl FnOnce(&mut Self, T)) {
        self.byte(u8::from(item.is_some()));
        if let Some(item) = item {
            f(self, item);
        }
    }

    fn text(&mut self, s: &str) {
        self.number(s.len() as u64);
        self.out.extend_from_slice(s.as_bytes());
    }

    /// Seven bits a byte, the lowest first; the high bit says that more follow.
    fn number(&mut self, mut n: u64) {
        while n >= 0x80 {
            self.byte((n & 0x7f) as u8 | 0x80);
            n >>= 7;
        }
        self.byte(n as u8);
    }

    fn byte(&mut self, b: u8) {
        self.out.push(b);
    }
}

fn state(s: &Snapshot) -> Result<String, FileError> {
    file::write(s).map_err(|e| FileError::State(e.to_string()))
}

fn action(a: Action) -> u8 {
    match a {
        Action::NoOp => 0,
        Action::Create => 1,
        Action::Read => 2,
        Action::Update => 3,
        Action::Delete => 4,
        Action::DeleteThenCreate => 5,
        Action::CreateThenDelete => 6,
        Action::Forget => 7,
    }
}

fn reason(r: Reason) -> u8 {
    match r {
        Reason::ReplaceBecauseTainted => 0,
        Reason::ReplaceByRequest => 1,
        Reason::ReplaceByTriggers => 2,
        Reason::ReplaceBecauseCannotUpdate => 3,
        Reason::DeleteBecauseNoResourceConfig => 4,
        Reason::DeleteBecauseWrongRepetition => 5,
        Reason::DeleteBecauseCountIndex => 6,
        Reason::DeleteBecauseEachKey => 7,
        Reason::DeleteBecauseNoModule => 8,
        Reason::DeleteBecauseNoMoveTarget => 9,
        Reason::ReadBecauseConfigUnknown => 10,
        Reason::ReadBecauseDependencyPending => 11,
        Reason::ReadBecauseCheckNested => 12,
    }
}
