//! The types that cross the wire: REST, WebSocket and server functions speak these and no others.

mod access;
mod attempt;
mod configuration;
mod declared;
mod figures;
mod level;
mod limits;
mod log;
mod message;
mod people;
mod problem;
mod process;
mod script;
mod smart_case;
mod start;
mod style;

pub use access::Verb;
pub use attempt::{Attempt, AttemptPage, CauseKind, EndKind};
pub use configuration::{ConfigurationValue, ProcessConfiguration, SECRET_COVER};
pub use declared::{
    ChangeKind, ConfigChange, ConfigDiff, DeclaredList, DeclaredProcess, Pool, PoolList,
};
pub use figures::{Figures, Point};
pub use level::{Level, is_continuation};
pub use limits::{Limits, Means};
pub use log::{Entry, EntryKind, LogPage, Timeline, TimelineBucket};
pub use message::{ClientMessage, ServerMessage, SubscribeMode};
pub use people::{
    AuditEntry, AuditPage, Me, NewToken, NewUser, PasswordChange, RoleInfo, RoleList, Session,
    SessionList, Token, TokenList, TokenMade, User, UserChange, UserList,
};
pub use problem::Problem;
pub use process::{Breaker, Process, ProcessId, ProcessList, ProcessType, Status};
pub use script::{ArgKind, ArgSpec, Catalogue, Project, Script, ScriptSource};
pub use smart_case::minds_case;
pub use start::{StartRequest, Started};
pub use style::{Color, Style};
