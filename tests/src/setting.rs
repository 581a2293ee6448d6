//! What is given: configuration, state, cloud, variables and options, from the sections of a case.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use secstack_base::schema::Block;
use secstack_base::{Addr, Data, Diagnostic, Diags, FileId, Mode, ProviderAddr, ProviderConfigAddr, Sources, Str, Type, Value, convert};
use secstack_eval::funcs::Files;
use secstack_eval::{Config, Schemas};
use secstack_fake::{Cloud, HOME};
use secstack_plan::inputs::{Given, Input, Origin, constant};
use secstack_plan::{Options, PlanMode};
use secstack_run::ProviderSet;
use secstack_run::load::{Early, Located, MemoryTree, Modules, Wanted, load};
use secstack_state::model::{Object, Snapshot};

use crate::case::Case;

/// Everything that is given.
pub struct Setting {
    /// The configuration.
    pub config: Arc<Config>,
    /// What is wrong with its text.
    pub diags: Diags,
    /// The files, for functions.
    pub files: Arc<CaseFiles>,
    /// The values of root variables.
    pub inputs: BTreeMap<Str, Value>,
    /// The same as they were given.
    pub given: BTreeMap<Str, Value>,
    /// The cloud.
    pub cloud: Cloud,
    /// The state.
    pub state: Snapshot,
    /// What is asked for.
    pub options: Options,
}

impl Setting {
    /// Sets up a case.
    ///
    /// # Errors
    /// When the case says something that means nothing.
    pub fn of(case: &Case) -> Result<Self, String> {
        let files = Arc::new(CaseFiles(case.files().map(|(n, t)| (PathBuf::from(n), Arc::from(t))).collect()));
        let given = variables(case.get("vars").unwrap_or_default())?;
        let tree = MemoryTree::new(files.0.clone());
        let early = Early { inputs: &given, files: &*files, workspace: "default" };
        let loaded = load(&tree, &mut NoModules, &early, Sources::default());
        let mut diags = loaded.diags;
        let config = Arc::new(loaded.config);
        let root = &config.modules[0].module;
        let as_given = secstack_plan::inputs::as_given(root, &given, &*files);
        let mut inputs = BTreeMap::new();
        if !diags.has_errors() {
            inputs = secstack_plan::inputs::resolve(root, &given, &*files, &mut diags);
        }
        let cloud = Cloud::new();
        let state = state(case.get("state").unwrap_or_default(), &cloud)?;
        for line in lines(case.get("cloud").unwrap_or_default()) {
            match line.split_whitespace().collect::<Vec<_>>().as_slice() {
                [id, ..] if secstack_fake::type_of_id(id).is_some() => object(&cloud, line).map(drop)?,
                _ => cloud.script(line)?,
            }
        }
        Ok(Self { config, diags, files, inputs, given: as_given, cloud, state, options: options(case.get("options").unwrap_or_default())? })
    }

    /// The providers, working on the cloud.
    pub fn providers(&self) -> Arc<ProviderSet> {
        providers(&self.cloud)
    }
}

/// A set of providers that work on a cloud.
pub fn providers(cloud: &Cloud) -> Arc<ProviderSet> {
    Arc::new(ProviderSet::new(secstack_fake::providers(cloud)))
}

fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#'))
}

/// Lines such as `fake_vm.v  vm-1  net=net-1 size=2 deps=fake_net.a tainted`.
fn state(text: &str, cloud: &Cloud) -> Result<Snapshot, String> {
    let mut state = Snapshot { lineage: "lineage".into(), serial: 1, ..Snapshot::new() };
    for line in lines(text) {
        if let Some(output) = line.strip_prefix("output ") {
            let (name, text) = output.split_once('=').ok_or_else(|| format!("expected output name=value: {line}"))?;
            let value = secstack_state::OutputValue { value: literal(text.trim())?, sensitive: false };
            state.outputs.insert(name.trim().into(), value);
            continue;
        }
        let (addr, rest) = line.split_once(char::is_whitespace).ok_or_else(|| format!("expected an address and an ID: {line}"))?;
        let addr: Addr = addr.parse().map_err(|e| format!("{e}: {line}"))?;
        let seeded = object(cloud, rest.trim())?;
        let provider =
            ProviderConfigAddr { alias: seeded.alias.map(Str::from), ..ProviderConfigAddr::root(ProviderAddr::hashicorp("fake")) };
        let object = Object {
            dependencies: seeded
                .dependencies
                .iter()
                .map(|d| d.parse().map_err(|e| format!("{e}: {line}")))
                .collect::<Result<Vec<_>, _>>()?
                .into(),
            tainted: seeded.words.contains(&"tainted".to_string()),
            create_before_destroy: seeded.words.contains(&"create_first".to_string()),
            ..Object::encode(0, &seeded.value, &seeded.block.ty()).map_err(|e| format!("{e}: {line}"))?
        };
        if seeded.words.contains(&"deposed".to_string()) {
            state.set_deposed(&addr, &provider, "00000001", object);
        } else {
            state.set_current(&addr, &provider, object);
        }
    }
    Ok(state)
}

/// An object that a line put into the cloud.
struct Seeded {
    value: Value,
    block: Block,
    dependencies: Vec<String>,
    alias: Option<String>,
    words: Vec<String>,
}

/// Puts the object of a line such as `net-1 range=10.0.0.0/16` into the cloud.
fn object(cloud: &Cloud, line: &str) -> Result<Seeded, String> {
    let mut words = words(line).into_iter();
    let id = words.next().ok_or_else(|| format!("expected an ID: {line}"))?;
    let ty = secstack_fake::type_of_id(&id).ok_or_else(|| format!("{id:?} is no ID: {line}"))?;
    let schema = providers(cloud).resource(&ProviderAddr::hashicorp("fake"), Mode::Managed, ty);
    let block = schema.ok_or_else(|| format!("there is no type {ty}"))?.block.clone();
    let mut seeded = Seeded { value: block.empty_value(), block, dependencies: Vec::new(), alias: None, words: Vec::new() };
    let mut region = HOME.to_string();
    for word in words {
        let Some((name, text)) = word.split_once('=') else {
            seeded.words.push(word);
            continue;
        };
        match name {
            "deps" => seeded.dependencies = text.split(',').map(String::from).collect(),
            "alias" => seeded.alias = Some(text.into()),
            "region" => region = text.into(),
            _ => {
                let ty = seeded.value.get(name).ok_or_else(|| format!("{ty} has no attribute {name:?}: {line}"))?.ty();
                let value = complete(&literal(text)?, &ty);
                let value = convert::convert(&value, &ty).map_err(|e| format!("{name}: {e}: {line}"))?;
                seeded.value = seeded.value.with(name, value);
            }
        }
    }
    seeded.value = cloud.seed(&region, ty, &id, &seeded.value);
    Ok(seeded)
}

/// The value with null for the attributes of objects that it leaves out.
fn complete(value: &Value, ty: &Type) -> Value {
    match (&value.data, ty) {
        (Data::Tuple(vs), Type::List(of) | Type::Set(of)) => Value::tuple(vs.iter().map(|v| complete(v, of))),
        (Data::Object(m), Type::Object(o)) => {
            Value::object(o.attrs.iter().map(|(k, ty)| (k.clone(), m.get(k).cloned().unwrap_or_else(|| Value::null(ty.clone())))))
        }
        _ => value.clone(),
    }
}

/// The words of a line: white space inside brackets and quotes does not end them.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut depth, mut quoted) = (vec![String::new()], 0_i32, false);
    for c in line.chars() {
        match c {
            '"' => quoted = !quoted,
            '[' | '{' if !quoted => depth += 1,
            ']' | '}' if !quoted => depth -= 1,
            c if c.is_whitespace() && depth == 0 && !quoted => {
                words.push(String::new());
                continue;
            }
            _ => {}
        }
        if let Some(last) = words.last_mut() {
            last.push(c);
        }
    }
    words.retain(|w| !w.is_empty());
    words
}

/// The value of a word: an expression where it looks like one, otherwise text.
fn literal(text: &str) -> Result<Value, String> {
    let is_expression = text.starts_with(['"', '[', '{']) || text.parse::<f64>().is_ok() || matches!(text, "true" | "false" | "null");
    if !is_expression {
        return Ok(Value::string(text));
    }
    let mut diags = Diags::new();
    let expression = secstack_lang::parse_expression(FileId::default(), text, 0).map_err(|d| format!("{:?}: {text}", d.0))?;
    let value = secstack_eval::evaluate(&expression, &constant(&CaseFiles::default()), &mut diags);
    if diags.has_errors() { Err(format!("{:?}: {text}", diags.0)) } else { Ok(value) }
}

fn variables(text: &str) -> Result<BTreeMap<Str, Input>, String> {
    let (arguments, diags) = secstack_lang::parse_tfvars(FileId::default(), text);
    if diags.has_errors() {
        return Err(format!("vars: {:?}", diags.0));
    }
    Ok(arguments
        .into_iter()
        .map(|a| (a.name, Input { given: Given::Expr(a.expr), origin: Origin::File("terraform.tfvars".into()) }))
        .collect())
}

/// Options as on the command line, one a line; `-validate` goes no further than `validate` does.
fn options(text: &str) -> Result<Options, String> {
    let mut options = Options { refresh: true, ..Options::default() };
    for line in lines(text) {
        let bad = |e: secstack_base::addr::ParseError| format!("{e}: {line}");
        match line.split_once('=').unwrap_or((line, "")) {
            ("-target", t) => options.targets.push(t.parse().map_err(bad)?),
            ("-exclude", t) => options.excludes.push(t.parse().map_err(bad)?),
            ("-replace", a) => options.replace.push(a.parse().map_err(bad)?),
            ("-refresh", "false") => options.refresh = false,
            ("-destroy", "") => options.mode = PlanMode::Destroy,
            ("-refresh-only", "") => options.mode = PlanMode::RefreshOnly,
            ("-validate", "") => options.validating = true,
            _ => return Err(format!("unknown option: {line}")),
        }
    }
    Ok(options)
}

struct NoModules;

impl Modules for NoModules {
    fn locate(&mut self, wanted: &Wanted<'_>) -> Result<Located, Box<Diagnostic>> {
        let what = format!("There is no registry in a test: {:?}.", wanted.source_text);
        Err(Box::new(Diagnostic::error("Module not installed", what).at(wanted.span)))
    }
}

/// The files of a case, as functions see them.
#[derive(Clone, Debug, Default)]
pub struct CaseFiles(BTreeMap<PathBuf, Arc<str>>);

impl Files for CaseFiles {
    fn read(&self, path: &Path) -> Result<Vec<u8>, String> {
        let path = secstack_run::load::tree::clean(path);
        self.0.get(&path).map(|t| t.as_bytes().to_vec()).ok_or_else(|| format!("no file exists at {:?}", path.display().to_string()))
    }

    fn exists(&self, path: &Path) -> Result<bool, String> {
        Ok(self.0.contains_key(&secstack_run::load::tree::clean(path)))
    }

    fn list(&self, dir: &Path) -> Result<Vec<String>, String> {
        let dir = secstack_run::load::tree::clean(dir);
        let below = self.0.keys().filter_map(|p| if dir == Path::new(".") { Some(p.as_path()) } else { p.strip_prefix(&dir).ok() });
        Ok(below.map(|p| p.display().to_string()).collect())
    }

    fn home(&self) -> Option<String> {
        None
    }

    fn current_dir(&self) -> String {
        "/work".into()
    }
}
