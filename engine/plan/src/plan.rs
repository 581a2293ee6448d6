//! The plan: everything an apply will do, as plain data.
//!
//! What is shown, saved and applied is this one value. A known part of a planned value is a
//! promise; an unknown part is filled in by the apply.

use std::collections::BTreeMap;

use secstack_base::{Addr, Diags, Path, ProviderConfigAddr, Severity, Str, Value};
use secstack_state::model::{ConfigAddr, Snapshot};

/// What a run was asked to plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum PlanMode {
    /// Make reality what the configuration says.
    #[default]
    Normal,
    /// Delete everything.
    Destroy,
    /// Only bring the state up to date with reality.
    RefreshOnly,
}

impl PlanMode {
    /// What a false condition of something that is only looked at is: a warning where nothing will be changed.
    pub fn severity(self) -> Severity {
        if self == PlanMode::RefreshOnly { Severity::Warning } else { Severity::Error }
    }
}

/// What happens to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Action {
    /// Nothing.
    NoOp,
    /// A new object.
    Create,
    /// A data source is read during apply.
    Read,
    /// A change in place.
    Update,
    /// Deletion.
    Delete,
    /// Replacement, the old object first deleted.
    DeleteThenCreate,
    /// Replacement, the new object first created.
    CreateThenDelete,
    /// The object leaves the state and lives on.
    Forget,
}

impl Action {
    /// Whether a new object replaces an old one.
    pub fn is_replace(self) -> bool {
        matches!(self, Action::DeleteThenCreate | Action::CreateThenDelete)
    }

    /// The words of the JSON output.
    pub fn words(self) -> &'static [&'static str] {
        match self {
            Action::NoOp => &["no-op"],
            Action::Create => &["create"],
            Action::Read => &["read"],
            Action::Update => &["update"],
            Action::Delete => &["delete"],
            Action::DeleteThenCreate => &["delete", "create"],
            Action::CreateThenDelete => &["create", "delete"],
            Action::Forget => &["forget"],
        }
    }
}

/// Why an action was chosen, where that is not plain from the values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The object is tainted.
    ReplaceBecauseTainted,
    /// `-replace` asked for it.
    ReplaceByRequest,
    /// `replace_triggered_by` asked for it.
    ReplaceByTriggers,
    /// An argument that cannot be changed in place changed.
    ReplaceBecauseCannotUpdate,
    /// The block is gone.
    DeleteBecauseNoResourceConfig,
    /// The block has no `count` or `for_each` any more, or has one now.
    DeleteBecauseWrongRepetition,
    /// The index is beyond `count`.
    DeleteBecauseCountIndex,
    /// The key is not in `for_each`.
    DeleteBecauseEachKey,
    /// The module instance is gone.
    DeleteBecauseNoModule,
    /// The target of a `moved` block is taken.
    DeleteBecauseNoMoveTarget,
    /// A data source's arguments are not known yet.
    ReadBecauseConfigUnknown,
    /// A data source depends on something with pending changes.
    ReadBecauseDependencyPending,
    /// A data source of a check is read again.
    ReadBecauseCheckNested,
}

impl Reason {
    /// The word of the JSON output.
    pub fn word(self) -> &'static str {
        match self {
            Reason::ReplaceBecauseTainted => "replace_because_tainted",
            Reason::ReplaceByRequest => "replace_by_request",
            Reason::ReplaceByTriggers => "replace_by_triggers",
            Reason::ReplaceBecauseCannotUpdate => "replace_because_cannot_update",
            Reason::DeleteBecauseNoResourceConfig => "delete_because_no_resource_config",
            Reason::DeleteBecauseWrongRepetition => "delete_because_wrong_repetition",
            Reason::DeleteBecauseCountIndex => "delete_because_count_index",
            Reason::DeleteBecauseEachKey => "delete_because_each_key",
            Reason::DeleteBecauseNoModule => "delete_because_no_module",
            Reason::DeleteBecauseNoMoveTarget => "delete_because_no_move_target",
            Reason::ReadBecauseConfigUnknown => "read_because_config_unknown",
            Reason::ReadBecauseDependencyPending => "read_because_dependency_pending",
            Reason::ReadBecauseCheckNested => "read_because_check_nested",
        }
    }
}

/// The planned change of one object.
#[derive(Clone, Debug)]
pub struct Change {
    /// The instance.
    pub addr: Addr,
    /// Where the state had it, when it moved.
    pub previous: Option<Addr>,
    /// The deposed object that is meant, rather than the current one.
    pub deposed: Option<Str>,
    /// The provider configuration that does the work.
    pub provider: ProviderConfigAddr,
    /// The version of the schema of `before` and `after`.
    pub schema_version: u64,
    /// What happens.
    pub action: Action,
    /// Why.
    pub reason: Option<Reason>,
    /// The object now; null when there is none.
    pub before: Value,
    /// The object planned, with unknown parts; null when there will be none.
    pub after: Value,
    /// The arguments that force a replacement.
    pub replace_paths: Vec<Path>,
    /// The ID the object is imported by.
    pub importing: Option<Str>,
    /// The resources this instance depends on, as the state will record them.
    pub dependencies: std::sync::Arc<[ConfigAddr]>,
    /// Whether a later replacement creates first.
    pub create_before_destroy: bool,
}

/// The planned change of a root output value.
#[derive(Clone, Debug)]
pub struct OutputChange {
    /// The value in the state; null when there is none.
    pub before: Value,
    /// The planned value; null when the output goes away.
    pub after: Value,
    /// Whether the output is declared sensitive, now or before.
    pub sensitive: bool,
    /// Whether the output was sensitive in the state.
    pub before_sensitive: bool,
    /// What happens: create, update, delete or no-op.
    pub action: Action,
}

/// An attribute whose value led to a change or an output, for tools that explain drift.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RelevantAttribute {
    /// The resource or instance, as text.
    pub resource: Str,
    /// The attribute.
    pub path: Path,
}

/// Everything an apply will do.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What was asked for.
    pub mode: PlanMode,
    /// The values of the root variables that were given or defaulted, ephemeral ones left out.
    pub variables: BTreeMap<Str, Value>,
    /// The names of ephemeral root variables that had a value: apply needs them again.
    pub ephemeral_variables: Vec<Str>,
    /// Changes in order of address; no-ops included.
    pub changes: Vec<Change>,
    /// Differences between the last known and the current objects, not caused by us.
    pub drift: Vec<Change>,
    /// Changes of root outputs by name.
    pub outputs: BTreeMap<Str, OutputChange>,
    /// The results of conditions.
    pub checks: Vec<secstack_state::model::CheckResult>,
    /// The state as it was read, before refresh.
    pub previous_state: Snapshot,
    /// The state after refresh: where the changes start from. Data sources read while planning are in it.
    pub prior_state: Snapshot,
    /// `-target` as given.
    pub targets: Vec<Str>,
    /// `-exclude` as given.
    pub excludes: Vec<Str>,
    /// `-replace` as given.
    pub replace: Vec<Str>,
    /// Attributes that led to changes.
    pub relevant: Vec<RelevantAttribute>,
    /// When planning started, in RFC 3339.
    pub timestamp: String,
    /// Whether applying would do anything: a change, an output, or a state to be written.
    pub applyable: bool,
    /// Whether everything the configuration says is in the plan (false with `-target`).
    pub complete: bool,
    /// Whether planning met an error.
    pub errored: bool,
    /// What was found on the way.
    pub diags: Diags,
}

/// How many objects a plan adds, changes and so on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Summary {
    /// Objects imported.
    pub import: usize,
    /// Objects created.
    pub add: usize,
    /// Objects changed in place.
    pub change: usize,
    /// Objects deleted.
    pub remove: usize,
    /// Objects forgotten.
    pub forget: usize,
}

impl Plan {
    /// Counts the changes as Terraform does: a replacement both adds and removes.
    pub fn summary(&self) -> Summary {
        let mut s = Summary::default();
        for c in &self.changes {
            s.import += usize::from(c.importing.is_some());
            match c.action {
                Action::Create => s.add += 1,
                Action::Update => s.change += 1,
                Action::Delete => s.remove += 1,
                Action::Forget => s.forget += 1,
                Action::DeleteThenCreate | Action::CreateThenDelete => {
                    s.add += 1;
                    s.remove += 1;
                }
                Action::NoOp | Action::Read => {}
            }
        }
        s
    }

    /// Whether any object or output changes.
    pub fn has_changes(&self) -> bool {
        self.changes.iter().any(|c| c.action != Action::NoOp || c.importing.is_some() || c.previous.is_some())
            || self.outputs.values().any(|o| o.action != Action::NoOp)
    }
}
