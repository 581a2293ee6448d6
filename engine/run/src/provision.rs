//! Provisioners: what runs beside an object once it is created, or before it is deleted.
//!
//! `local_exec` runs a command here; `remote_exec` and `file` reach another machine through a
//! `connection`.

mod connection;
mod file;
mod local_exec;
mod remote_exec;

use secstack_base::{Addr, Diagnostic, Marks, Span, Str, Type, Value, convert};

use crate::event::{Event, Events};

/// A provisioner with its arguments evaluated.
#[derive(Clone, Debug)]
pub struct Provision {
    /// `local-exec`, `remote-exec` or `file`.
    pub ty: Str,
    /// The arguments.
    pub arguments: Value,
    /// The arguments of the connection.
    pub connection: Option<Value>,
    /// A failure does not stop the operation.
    pub continue_on_failure: bool,
    /// The header of the block.
    pub span: Span,
}

/// Runs provisioners one after another. The failure of one that may fail is told as an event.
///
/// # Errors
/// The diagnostic of the first that fails and may not.
pub async fn run(list: &[Provision], addr: &Addr, root: &std::path::Path, events: &Events) -> Result<(), Box<Diagnostic>> {
    for p in list {
        events.send(Event::ProvisionStart { addr: addr.clone(), provisioner: p.ty.clone() });
        let output = Output { addr, ty: &p.ty, events, secret: p.arguments.deep_marks().has(Marks::SENSITIVE) };
        let p = &Provision { arguments: p.arguments.unmark_deep(Marks::ALL), ..p.clone() };
        let result = match &*p.ty {
            "local-exec" => local_exec::run(p, root, &output).await,
            "remote-exec" => remote_exec::run(p, root, &output).await,
            "file" => file::run(p, root, &output).await,
            other => Err(format!("There is no provisioner {other:?}.")),
        };
        events.send(Event::ProvisionComplete { addr: addr.clone(), provisioner: p.ty.clone(), ok: result.is_ok() });
        if let Err(text) = result {
            let d = Diagnostic::error(format!("{} provisioner error", p.ty), text).at(p.span).about(addr.to_string());
            if !p.continue_on_failure {
                return Err(Box::new(d));
            }
            events.send(Event::Note(format!("{addr}: {} (on_failure = continue)", d.detail)));
        }
    }
    Ok(())
}

/// Where the lines go that a provisioner writes.
struct Output<'a> {
    addr: &'a Addr,
    ty: &'a Str,
    events: &'a Events,
    /// Whether an argument is sensitive: then nothing that could hold it is shown.
    secret: bool,
}

impl Output<'_> {
    /// Says that lines will be missing, if they will.
    fn begin(&self) {
        if self.secret {
            self.tell("(output suppressed due to sensitive value in config)");
        }
    }

    /// Shows a line.
    fn line(&self, text: &str) {
        if !self.secret {
            self.tell(text);
        }
    }

    /// Shows a line that holds no argument.
    fn tell(&self, text: &str) {
        self.events.send(Event::ProvisionProgress { addr: self.addr.clone(), provisioner: self.ty.clone(), output: text.into() });
    }
}

/// An argument as text. Nothing when it is null.
fn text(arguments: &Value, name: &str) -> Option<String> {
    convert::convert(arguments.get(name)?, &Type::String).ok()?.as_str().map(String::from)
}
