//! The pages' way to the server: server functions, thin, and the port that they call.
//!
//! Arguments travel as JSON: a form of another site cannot send that content type without asking
//! first, so it cannot make a signed-in browser call one of these.

#[cfg(feature = "ssr")]
mod backend;
#[cfg(feature = "ssr")]
mod context;
mod processes;
mod scripts;

#[cfg(feature = "ssr")]
pub use backend::{Backend, BackendRef, ProcessFilter};
pub use processes::{
    get_process, list_processes, restart_process, signal_process, start_process, stop_process,
    tail_log,
};
pub use scripts::{get_user_name, list_scripts};
