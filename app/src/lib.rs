//! The user interface and the types it shares with the server.
//!
//! Built twice: with `ssr` into the server, with `hydrate` into the browser's WASM module.

pub mod api;
pub mod model;
