//! From bytes to numbered lines, live and kept.
//!
//! A line's way: [`split`] cuts a stream into lines, [`carry`] knows what goes on from one into the
//! next, [`batch`] numbers and encodes them once, [`hub`] keeps the newest in memory and wakes whoever
//! follows, [`chunk`] packs them for the store.
//! [`mask`] covers secrets before a line is numbered. [`tail`] drives it for one run from the keeper's
//! spool; [`recorder`] owns a process's numbering; [`read`] joins memory and store for those who ask,
//! and [`walk`] goes through both for what a [`filter`] wants. [`search`] and [`timeline`] look through
//! what is kept, with [`scan`] on all cores; [`compare`] puts two logs side by side, and [`terminal`]
//! makes a line one that a terminal can be shown.

pub mod batch;
pub mod carry;
pub mod chunk;
pub mod compare;
pub mod filter;
pub mod hub;
mod json;
pub mod mask;
pub mod pattern;
pub mod read;
pub mod recorder;
mod scan;
pub mod search;
pub mod split;
pub mod tail;
pub mod terminal;
pub mod timeline;
pub mod walk;
