//! Projects: finding their scripts, and turning a start into an exact command under the rules.
//!
//! Theory of operation. A [`Catalog`] is read once from the project folders and does not change; it
//! remembers every file and folder that it looked at, so that [`Catalog::is_stale`] is a few `stat`
//! calls, and [`SharedCatalog`] swaps in a new one when something changed. A start is answered by
//! [`Catalog::plan`]: only a script that stands in the catalog can be started, and everything the
//! caller may choose (arguments, environment, folder, signal) is checked here and nowhere else. The
//! [`LaunchPlan`] is complete: whoever spawns it decides nothing.

mod arguments;
mod bounds;
mod catalog;
mod confine;
mod declared;
mod discover;
mod environment;
mod error;
mod folder;
mod launch;
mod lookup;
mod manifest;
mod plan;
mod procfile;
mod schema;
mod secret;
mod shared;
mod shown;
mod signal;
mod strategy;
#[cfg(test)]
mod tests;
mod tooling;
mod watch;
mod workspace;

pub use catalog::Catalog;
pub use confine::through_runyard;
pub use environment::{EnvSource, ProcessEnv};
pub use error::PlanError;
pub use plan::LaunchPlan;
pub use secret::SecretNames;
pub use shared::SharedCatalog;
pub use signal::{signal_name, signal_number};
pub use strategy::{Declared, Strategy, Timed};
