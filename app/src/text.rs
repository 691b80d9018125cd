//! Text in and out: what a person types and reads, without a browser or a server.

pub(crate) mod ansi;
pub(crate) mod args;
pub(crate) mod filter;
pub(crate) mod format;
pub(crate) mod graph;
pub(crate) mod json_line;
pub(crate) mod markup;
