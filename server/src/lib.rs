//! Runyard's server: configuration, the keeper, the engine, the store and the doors.
//!
//! The layers, from the bottom: `sys`, `config`; `keeper` and `project`; `store`, `auth`; `logs`;
//! `engine`; `service`; `http`; and [`serve`], which puts them together. A layer knows those below
//! it, and a test holds it to that.

// The pages are one type, and a deep one.
#![recursion_limit = "512"]

pub mod auth;
pub mod cli;
pub mod config;
pub mod confine;
pub mod console;
pub mod engine;
pub mod failpoint;
pub mod http;
pub mod keeper;
pub mod logs;
pub mod project;
pub mod seal;
pub mod serve;
pub mod service;
pub mod store;
pub mod sys;
pub mod terminal;
