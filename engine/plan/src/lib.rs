//! From desired instances and current objects to a plan.
//!
//! Pure: what planning lacks it asks for as a request, which the `run` crate answers.

pub mod plan;

pub use plan::{Action, Change, OutputChange, Plan, PlanMode, Reason};
