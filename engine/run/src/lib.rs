//! Everything that touches the world during an operation: reading, applying, waiting, retrying.
//!
//! [`providers`] holds the configured providers; [`mod@plan`] answers what planning asks for; [`apply`]
//! walks a plan. Nothing prints: what happens is told as an [`Event`].

pub mod event;
pub mod files;
pub mod load;
pub mod providers;

pub mod answer;
pub mod plan;

pub mod apply;
mod clock;
pub mod drift;
mod duration;
pub mod effect;
pub mod provision;
pub mod recover;
mod ssh;
pub mod wait;

pub use apply::{Applied, Apply};
pub use event::{Event, Events};
pub use files::DiskFiles;
pub use plan::{plan, walk};
pub use providers::ProviderSet;
pub use recover::{Finding, Resolved, look_into, take_up};
