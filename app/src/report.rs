//! What the server renders from many logs and processes: an overview, and two runs side by side.
//!
//! Both are HTML that changes nothing by itself, so nothing of them is in the browser's module.

mod compare;
mod overview;

pub use compare::{ComparePage, CompareRow, render_compare};
pub use overview::{Overview, render_overview};
