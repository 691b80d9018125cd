//! The pages' way to the server: server functions, thin, and the port that they call.

#[cfg(feature = "ssr")]
mod backend;

#[cfg(feature = "ssr")]
pub use backend::{Backend, BackendRef, ProcessFilter};
