//! The pages of administration: account, people, tokens, sessions, audit.
//!
//! They are opened seldom and change nothing by themselves, so they are plain HTML with forms that
//! the server renders: they work without scripts, and nothing of them is in the browser's module.

mod account;
mod audit;
mod docs;
mod frame;
mod people;
mod refused;
mod sessions;
mod table_region;
mod time;
mod tokens;

pub use account::{AccountPage, render_account};
pub(crate) use audit::table as audit_table;
pub use audit::{AuditView, render_audit};
pub use docs::{DocsAnswer, DocsOperation, DocsPage, DocsParam, render_docs};
pub(crate) use frame::plain_document;
pub use frame::{Frame, Notice, PlainStyles};
pub use people::{PeoplePage, render_people};
pub use refused::render_refused;
pub use sessions::render_sessions;
pub(crate) use table_region::table_region;
pub use tokens::{TokensPage, render_tokens};
