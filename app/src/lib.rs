//! The user interface and the types it shares with the server.
//!
//! Built twice: with `ssr` into the server, with `hydrate` into the browser's WASM module. The
//! same components run in both; what only a browser can do happens in effects and event handlers.

// The macros of Leptos make every component and server function `pub`, whatever is written.
#![allow(unreachable_pub)]

#[cfg(feature = "ssr")]
pub mod admin;
pub mod api;
mod app;
mod components;
mod error;
mod later;
mod live;
pub mod model;
mod pages;
#[cfg(feature = "ssr")]
pub mod report;
mod shell;
mod text;

pub use app::App;
pub use later::load_parts;
pub use pages::SignInWith;
pub use shell::{ShellOptions, shell};
