//! `import`

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use secstack_base::addr::Target;
use secstack_base::{Addr, Diagnostic, Diags, FileId, Mode, Span, Value};
use secstack_eval::Schemas;
use secstack_eval::config::{Config, ROOT};
use secstack_lang::module::Import as ImportBlock;
use secstack_lang::{Expr, ExprKind, parse_expression};
use secstack_plan::{Options, Plan, PlanMode, Start};
use secstack_state::{Object, Snapshot};

use crate::app::{App, Outcome, Told};
use crate::flags::{Ask, Lock, Look, StatePaths, Variables};
use crate::project::Project;
use crate::session::Session;
use crate::view::View;

/// Associate existing infrastructure with a Terraform resource
///
/// Reads the object ID and stores it in the state as ADDRESS, whose block must be in the configuration. "import" blocks in the
/// configuration do the same as part of a plan, which shows what would change.
#[derive(Args)]
pub struct Import {
    #[command(flatten)]
    pub look: Look,
    /// The instance that the object becomes.
    address: String,
    /// What the service calls the object.
    id: String,
    /// Accepted: use -chdir.
    #[arg(long, value_name = "PATH", hide = true)]
    config: Option<PathBuf>,
    /// How many operations run at once at most.
    #[arg(long, value_name = "N", default_value_t = 10)]
    parallelism: usize,
    #[command(flatten)]
    variables: Variables,
    #[command(flatten)]
    ask: Ask,
    #[command(flatten)]
    lock: Lock,
    #[command(flatten)]
    state: StatePaths,
}

impl Import {
    /// Runs the command.
    pub async fn run(&self, app: &App) -> Outcome {
        let view = View::new(&app.out, false);
        let addr: Addr = self
            .address
            .parse()
            .map_err(|e: secstack_base::addr::ParseError| view.error(Diagnostic::error("Invalid address", e.to_string())))?;
        if addr.mode() != Mode::Managed {
            return Err(view.error(Diagnostic::error(
                "Invalid address",
                "A managed resource address is required. Importing into a data resource is not allowed.",
            )));
        }
        let mut project = Project::open(app, &view, &self.variables, &self.state)?;
        check_declared(&view, &project.config, &addr)?;
        let inputs = project.values(app, &view, self.ask.allowed()).await?;
        let session = Session::open(&view, &project.place, &project.workspace, &self.lock, "import").await?;
        let ran = self.within(app, &view, &project, &session, inputs, &addr).await;
        session.close(&view).await;
        ran
    }

    async fn within(
        &self,
        app: &App,
        view: &View,
        project: &Project,
        session: &Session,
        inputs: std::collections::BTreeMap<secstack_base::Str, Value>,
        addr: &Addr,
    ) -> Outcome {
        if session.snapshot.get(addr).is_some() {
            let what = format!(
                "Terraform is already managing a remote object for {addr}. To import to this address you must first remove the existing object from the state."
            );
            return Err(view.error(Diagnostic::error("Resource already managed by Terraform", what)));
        }
        app.out.line(format!("{addr}: Importing from ID {:?}...", self.id));
        let start = Start {
            config: Arc::new(self.with_block(&project.config, addr)),
            ambient: app.planning(&project.workspace, false),
            providers: project.providers.clone(),
            options: Options {
                mode: PlanMode::Normal,
                refresh: false,
                targets: vec![Target::Instance(addr.clone())],
                ..Options::default()
            },
            inputs,
            given: Default::default(),
            state: session.snapshot.clone(),
        };
        let plan = secstack_run::plan(start, &project.providers, &view.events(0)).await;
        // Only the object matters: that other things are left out of the plan is meant.
        view.check(&Diags(plan.diags.iter().filter(|d| d.is_error() || d.span.is_some()).cloned().collect()))?;
        let snapshot = self.imported(view, project, &session.snapshot, &plan, addr)?;
        session.write(view, &snapshot).await?;
        app.out.line("\nImport successful!\n\nThe resources that were imported are shown above. These resources are now in\nyour state and will henceforth be managed by secstack.\n");
        Ok(0)
    }

    /// The configuration with an `import` block for the object.
    fn with_block(&self, config: &Config, addr: &Addr) -> Config {
        let mut config = config.clone();
        let span = Span::default();
        let Ok(to) = parse_expression(FileId(u32::MAX), &addr.to_string(), 0) else { return config };
        let id = Expr { kind: ExprKind::Literal(Value::string(&self.id)), span };
        let block = ImportBlock { to, id: Some(id), for_each: None, provider: None, span };
        config.modules[ROOT.0].module.imports.push(block);
        config
    }

    fn imported(&self, view: &View, project: &Project, before: &Snapshot, plan: &Plan, addr: &Addr) -> Result<Snapshot, Told> {
        let fail = |what: String| view.error(Diagnostic::error("Import failed", what));
        let change = plan.changes.iter().find(|c| c.addr == *addr && c.importing.is_some()).ok_or_else(|| {
            fail(format!("The configuration has no instance {addr}: the \"count\" or \"for_each\" of its block does not give it."))
        })?;
        let schema = project
            .providers
            .resource(&change.provider.provider, Mode::Managed, addr.ty())
            .ok_or_else(|| fail(format!("There is no resource type {}.", addr.ty())))?;
        let object = Object::encode(change.schema_version, &change.before, &schema.block.ty())
            .map_err(|e| fail(format!("{addr} cannot be stored: {e:?}")))?;
        let object = Object { dependencies: change.dependencies.clone(), ..object };
        let mut snapshot = before.clone();
        snapshot.set_current(addr, &change.provider, object);
        Ok(snapshot)
    }
}

fn check_declared(view: &View, config: &Config, addr: &Addr) -> Result<(), Told> {
    let path = addr.module().path();
    let Some(ix) = config.find(&path) else {
        let what = format!("The configuration has no module {}. Before importing a resource of it, add a \"module\" block.", addr.module());
        return Err(view.error(Diagnostic::error("Import to non-existent module", what)));
    };
    if config.module(ix).module.resources.contains_key(&addr.resource.name) {
        return Ok(());
    }
    let place = if path.0.is_empty() { "the root module".to_string() } else { format!("module {path}") };
    let (ty, name) = (&addr.resource.name.ty, &addr.resource.name.name);
    let what = format!(
        "Resource address {addr:?} does not exist in the configuration.\n\nBefore importing this resource, please create its configuration in {place}. For example:\n\nresource \"{ty}\" \"{name}\" {{\n  # (resource arguments)\n}}",
        addr = addr.to_string()
    );
    Err(view.error(Diagnostic::error("Resource not in configuration", what)))
}
