//! From desired instances and current objects to a plan.
//!
//! Pure: what planning lacks it asks for as a request, which the `run` crate answers. The story is
//! [`planner`] (the walk), [`managed`](self) and `data` (what becomes of one block), [`diff`] (what
//! becomes of one object), `replace`, `moves` and `targets` (what bends that), `finish` (what is left
//! over), and [`plan`], the result.

pub mod inputs;
pub mod planner;
pub mod requests;

pub mod conditions;
mod data;
pub mod declared;
pub mod deprecated;
pub mod expand;
mod import;
mod managed;
mod refresh;
mod relevant;
mod triggers;
pub mod validate;
pub mod values;

pub mod diff;
pub mod finish;
pub mod legacy;
mod moves;
mod passed;
mod peek;
pub mod provisioner;
pub mod replace;
mod targets;

pub mod file;
pub mod plan;
pub mod promise;

pub use data::ephemeral;
pub use finish::removed_names;
pub use plan::{Action, Change, OutputChange, Plan, PlanMode, Reason};
pub use planner::{Options, Planner, Providers, Start};
pub use requests::{Answer, Request, Want};
pub use validate::unknown_providers;
