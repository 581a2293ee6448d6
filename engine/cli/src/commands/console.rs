//! `console`

use std::io::IsTerminal;
use std::path::PathBuf;

use clap::Args;
use secstack_base::{Diagnostic, Diags, FileId, Mode, ModuleAddr, ResourceAddr, Span, Str};
use secstack_eval::config::ROOT;
use secstack_eval::funcs::Context;
use secstack_eval::reference;
use secstack_eval::scope::{Resolved, Scope, ScopeStep};
use secstack_eval::world::{ModuleFacts, ModuleScope};
use secstack_eval::{Config, RepetitionData, Schemas, World, evaluate};
use secstack_lang::ast::references;
use secstack_lang::parse_expression;
use secstack_plan::inputs;
use secstack_plan::{Options, Start};
use secstack_run::ProviderSet;
use secstack_state::Snapshot;

use crate::app::{App, Outcome, Told};
use crate::flags::{Ask, Lock, Look, StatePaths, Variables, switch};
use crate::project::Project;
use crate::repl;
use crate::session::Session;
use crate::view::View;

/// Try Terraform expressions at an interactive command prompt
///
/// Evaluates expressions with the values of the configuration and the state. Lines may also come from the standard input;
/// then the last result is printed.
#[derive(Args)]
pub struct Console {
    #[command(flatten)]
    pub look: Look,
    /// Evaluate with planned values rather than those of the state.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true", value_parser = switch, hide_default_value = true)]
    plan: bool,
    #[command(flatten)]
    variables: Variables,
    #[command(flatten)]
    ask: Ask,
    #[command(flatten)]
    lock: Lock,
    /// Read the state from this file. Old; only for local states.
    #[arg(long, value_name = "PATH")]
    state: Option<PathBuf>,
}

const HELP: &str = "The Terraform console allows you to experiment with Terraform interpolations.
You may access resources in the state (if you have one) just as you would
from a configuration. For example: \"aws_instance.foo.id\" would evaluate
to the ID of \"aws_instance.foo\" if it exists in your state.

Type in the interpolation to test and hit <enter> to see the result.

To exit the console, type \"exit\" and hit <enter>, or use Control-C or
Control-D.";

/// What a line comes to.
enum Answer {
    Text(String),
    Exit,
}

impl Console {
    /// Runs the command.
    pub async fn run(&self, app: &App) -> Outcome {
        let view = View::new(&app.out, false);
        let paths = StatePaths { state: self.state.clone(), ..StatePaths::default() };
        let project = Project::open(app, &view, &self.variables, &paths)?;
        let session = Session::open(&view, &project.place, &project.workspace, &self.lock, "console").await?;
        let world = self.world(app, &view, &project, &session).await;
        session.close(&view).await;
        let world = world?;
        if std::io::stdin().is_terminal() { interactive(app, &view, &world) } else { piped(app, &view, &world) }
    }

    async fn world(&self, app: &App, view: &View, project: &Project, session: &Session) -> Result<World, Told> {
        let mut diags = Diags::new();
        let inputs = inputs::resolve(project.root(), &project.inputs, &app.files(), &mut diags);
        // A variable without a value is unknown, which does not keep one from looking at others.
        let diags = Diags(diags.into_iter().filter(|d| d.summary != "No value for required variable").collect());
        view.check(&diags)?;
        let start = Start {
            config: project.config.clone(),
            ambient: app.planning(&project.workspace, false),
            providers: project.providers.clone(),
            options: Options { refresh: self.plan, ..Options::default() },
            inputs,
            given: Default::default(),
            state: session.snapshot.clone(),
        };
        let planner = secstack_run::walk(start, &project.providers, &view.events(0)).await;
        let (mut world, diags) = planner.into_world();
        if !self.plan {
            as_stored(&mut world, &session.snapshot, &project.providers);
        }
        // What an apply would make of these is of no interest here: they have a value now.
        world.ambient = app.applying(&project.workspace, &world.ambient.plan_timestamp.clone());
        if diags.has_errors() {
            view.diags(&diags);
            view.explain("Some values are not known because of these errors.\n");
        }
        Ok(world)
    }
}

/// Gives resources of the root module the values that the state has for them, or none.
fn as_stored(world: &mut World, state: &Snapshot, providers: &ProviderSet) {
    let Some(facts) = world.facts_mut(ROOT, &ModuleAddr::root()) else { return };
    facts.resources.retain(|name, facts| {
        let addr = ResourceAddr { module: ModuleAddr::root(), name: name.clone() };
        let Some(stored) = state.resources.get(&addr) else { return name.mode == Mode::Ephemeral };
        let Some(schema) = providers.resource(&stored.provider.provider, name.mode, &name.ty) else { return true };
        for (key, instance) in &stored.instances {
            if let Some(value) = instance.current.as_ref().and_then(|o| o.decode(&schema.block.ty()).ok()) {
                facts.set(key.clone(), secstack_plan::diff::mark_sensitive(&schema.block, &value));
            }
        }
        true
    });
}

fn interactive(app: &App, view: &View, world: &World) -> Outcome {
    let mut entered = String::new();
    loop {
        let Some(line) = app.out.ask(if entered.is_empty() { "> " } else { ": " }) else { return Ok(0) };
        entered.push_str(&line);
        if is_open(&entered) {
            entered.push('\n');
            continue;
        }
        match answer(view, world, &std::mem::take(&mut entered)) {
            Ok(Answer::Exit) => return Ok(0),
            Ok(Answer::Text(text)) if text.is_empty() => {}
            Ok(Answer::Text(text)) => app.out.line(text),
            Err(diags) => view.diags_again(&diags),
        }
    }
}

/// Prints the last result, as Terraform does.
fn piped(app: &App, view: &View, world: &World) -> Outcome {
    let mut text = String::new();
    std::io::Read::read_to_string(&mut std::io::stdin(), &mut text)
        .map_err(|e| view.error(Diagnostic::error("Failed to read input", format!("The standard input cannot be read: {e}."))))?;
    let (mut entered, mut last) = (String::new(), String::new());
    for line in text.lines() {
        entered.push_str(line);
        if is_open(&entered) {
            entered.push('\n');
            continue;
        }
        match answer(view, world, &std::mem::take(&mut entered)) {
            Ok(Answer::Exit) => return Ok(0),
            Ok(Answer::Text(text)) => last = text,
            Err(diags) => {
                view.diags(&diags);
                return Err(Told);
            }
        }
    }
    if !entered.trim().is_empty() {
        match answer(view, world, &entered) {
            Ok(Answer::Text(text)) => last = text,
            Ok(Answer::Exit) => return Ok(0),
            Err(diags) => {
                view.diags(&diags);
                return Err(Told);
            }
        }
    }
    app.out.line(last);
    Ok(0)
}

fn answer(view: &View, world: &World, text: &str) -> Result<Answer, Diags> {
    match text.trim() {
        "" => return Ok(Answer::Text(String::new())),
        "exit" => return Ok(Answer::Exit),
        "help" => return Ok(Answer::Text(HELP.into())),
        _ => {}
    }
    let text = text.trim();
    let mut sources = world.config.sources.clone();
    let file: FileId = sources.add("<console-input>", text);
    view.know(&sources);
    let expr = parse_expression(file, text, 0)?;
    let mut diags = undeclared(&world.config, &expr);
    if diags.has_errors() {
        return Err(diags);
    }
    let empty = ModuleFacts::new(ModuleAddr::root());
    let facts = world.facts(ROOT, &ModuleAddr::root()).unwrap_or(&empty);
    let scope = ConsoleScope(world.scope(ROOT, facts, RepetitionData::default()));
    let value = evaluate(&expr, &scope, &mut diags);
    if diags.has_errors() {
        return Err(diags);
    }
    view.diags(&diags);
    // The text of a type is printed as it is.
    let is_type = matches!(&expr.kind, secstack_lang::ExprKind::Call { name, .. } if &**name == "type");
    match value.as_str().filter(|_| is_type) {
        Some(ty) => Ok(Answer::Text(ty.into())),
        None => Ok(Answer::Text(repl::format(&value, 0))),
    }
}

/// References to what is not declared. Names that the expression itself gives are none.
fn undeclared(config: &Config, expr: &secstack_lang::Expr) -> Diags {
    let mut diags = Diags::new();
    references(expr, &mut |t| {
        if let Err(d) = reference::resolve(config, ROOT, &t) {
            diags.push(*d);
        }
    });
    diags
}

/// Whether brackets are open or a heredoc is, or the line ends in a backslash.
fn is_open(text: &str) -> bool {
    let (mut depth, mut quoted, mut escaped) = (0_i32, false, false);
    for c in text.chars() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => quoted = !quoted,
            '(' | '[' | '{' if !quoted => depth += 1,
            ')' | ']' | '}' if !quoted => depth -= 1,
            _ => {}
        }
    }
    depth > 0 || open_heredoc(text)
}

fn open_heredoc(text: &str) -> bool {
    let Some(at) = text.find("<<") else { return false };
    let word: String = text[at + 2..].trim_start_matches('-').chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    !word.is_empty() && !text[at..].lines().skip(1).any(|l| l.trim() == word)
}

/// A scope in which `type` may be called.
struct ConsoleScope<'w>(ModuleScope<'w>);

impl Scope for ConsoleScope<'_> {
    fn resolve(&self, root: &Str, span: Span, steps: &[ScopeStep<'_>]) -> Result<Resolved, Diagnostic> {
        self.0.resolve(root, span, steps)
    }
    fn context(&self) -> &Context<'_> {
        self.0.context()
    }
    fn is_console(&self) -> bool {
        true
    }
    fn declares_provider(&self, name: &str) -> bool {
        self.0.declares_provider(name)
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn brackets_keep_an_expression_open() {
        for (text, want) in
            [("[1,", true), ("[1]", false), ("\"(\"", false), ("<<EOT\nx", true), ("<<EOT\nx\nEOT", false), ("{ a = (", true)]
        {
            assert_eq!(super::is_open(text), want, "{text}");
        }
    }
}
