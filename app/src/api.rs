//! The pages' way to the server: server functions, thin, and the port that they call.
//!
//! All of them are `POST /api/ui/…` with a JSON body; that a request comes from a page of ours is
//! for the server's guard to check, as for every other door.

#[cfg(feature = "ssr")]
mod backend;
#[cfg(feature = "ssr")]
mod context;
mod json;
mod processes;
mod scripts;
mod supervision;

#[cfg(feature = "ssr")]
pub use backend::{Backend, BackendRef, ProcessFilter};
pub(crate) use json::JsonText;
pub use processes::{
    allowed_verbs, get_process, list_processes, process_tab, restart_process, signal_process,
    start_process, stop_process, tail_log,
};
pub use scripts::{get_user_name, list_scripts, overview};
pub use supervision::{
    list_declared, list_pools, list_sparks, pause_pool, preview_reload, process_figures, reload,
    run_declared, send_line,
};
