//! One setting of one source, before its section has taken it.

use std::fmt;
use std::path::PathBuf;

use super::key::Key;
use super::suggest::suggest;
use super::{
    AuditConfig, AuthConfig, ConfigError, LimitsConfig, LogsConfig, OidcSection, PoolsConfig,
    RolesConfig, RunConfig, ServerConfig,
};

/// Every section and its keys.
pub(super) const SECTIONS: [(&str, &[Key]); 9] = [
    (ServerConfig::SECTION, ServerConfig::KEYS),
    (RunConfig::SECTION, RunConfig::KEYS),
    (LimitsConfig::SECTION, LimitsConfig::KEYS),
    (AuthConfig::SECTION, AuthConfig::KEYS),
    (OidcSection::SECTION, OidcSection::KEYS),
    (AuditConfig::SECTION, AuditConfig::KEYS),
    (LogsConfig::SECTION, LogsConfig::KEYS),
    (RolesConfig::SECTION, RolesConfig::KEYS),
    (PoolsConfig::SECTION, PoolsConfig::KEYS),
];

/// Where a setting stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    Default,
    File { path: PathBuf, line: usize },
    Variable(String),
    Flag(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path, line } => write!(f, "{}:{line}", path.display()),
            Self::Variable(name) => write!(f, "environment variable {name}"),
            Self::Flag(name) => f.write_str(name),
        }
    }
}

/// A value as its source can say it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    /// From the environment: a text that stands for whatever the key wants.
    Untyped(String),
    Text(String),
    /// A number, whole or not, as it is written.
    Integer(String),
    Boolean(bool),
    List(Vec<String>),
    Table(Vec<(String, String)>),
    /// A type that no key wants, by its name.
    Other(&'static str),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Setting {
    pub(super) section: String,
    pub(super) key: String,
    pub(super) value: Value,
    pub(super) origin: Origin,
    /// Where a relative path in `value` begins.
    pub(super) base: PathBuf,
}

/// Why a section did not take a setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Rejected {
    UnknownSection,
    UnknownKey,
    BadValue(String),
}

impl Rejected {
    pub(super) fn into_error(self, setting: &Setting) -> ConfigError {
        let origin = setting.origin.to_string();
        let key = setting.name();
        let keys_of = |section: &str| SECTIONS.iter().find(|(s, _)| *s == section);
        match self {
            Self::BadValue(message) => ConfigError::BadValue { origin, key, message },
            Self::UnknownSection => {
                let sections = SECTIONS.iter().map(|(s, _)| *s).chain(["process"]);
                let sections: Vec<_> = sections.collect();
                let remedy = suggest("the sections are", &setting.section, &sections);
                ConfigError::UnknownKey { origin, key, remedy }
            }
            Self::UnknownKey => {
                let keys = keys_of(&setting.section).map_or(&[][..], |(_, keys)| keys);
                let keys: Vec<_> = keys.iter().map(|key| key.name).collect();
                let known = format!("[{}] has", setting.section);
                let remedy = suggest(&known, &setting.key, &keys);
                ConfigError::UnknownKey { origin, key, remedy }
            }
        }
    }
}

impl Setting {
    /// `section.key`, or the section alone when the source names no key.
    pub(super) fn name(&self) -> String {
        if self.key.is_empty() {
            self.section.clone()
        } else {
            format!("{}.{}", self.section, self.key)
        }
    }

    pub(super) fn text(&self) -> Result<&str, Rejected> {
        match &self.value {
            Value::Text(text) | Value::Untyped(text) if !text.is_empty() => Ok(text),
            other => Err(other.expected("a text")),
        }
    }

    /// A number or a text, as it is written.
    pub(super) fn words(&self) -> Result<String, Rejected> {
        match &self.value {
            Value::Integer(text) | Value::Untyped(text) | Value::Text(text) => Ok(text.clone()),
            other => Err(other.expected("a number, or a text with one")),
        }
    }

    /// A whole number from 0 to the largest of `T`.
    pub(super) fn number<T: std::str::FromStr>(&self) -> Result<T, Rejected> {
        match &self.value {
            Value::Integer(text) | Value::Untyped(text) => {
                text.trim().parse().map_err(|_| self.value.expected("a whole number, 0 or more"))
            }
            other => Err(other.expected("a whole number, 0 or more")),
        }
    }

    /// Yes or no.
    pub(super) fn flag(&self) -> Result<bool, Rejected> {
        match &self.value {
            Value::Boolean(flag) => Ok(*flag),
            Value::Untyped(text) if text == "true" => Ok(true),
            Value::Untyped(text) if text == "false" => Ok(false),
            other => Err(other.expected("true or false")),
        }
    }

    /// A list of texts; in the environment its items stand between commas.
    pub(super) fn list(&self) -> Result<Vec<String>, Rejected> {
        match &self.value {
            Value::List(items) => Ok(items.clone()),
            Value::Untyped(text) => Ok(text
                .split(',')
                .map(str::trim)
                .filter(|item| !item.is_empty())
                .map(str::to_owned)
                .collect()),
            other => Err(other.expected("a list of texts, such as [\"A\", \"B\"]")),
        }
    }

    /// Names with texts; only a file can say it.
    pub(super) fn table(&self) -> Result<Vec<(String, String)>, Rejected> {
        match &self.value {
            Value::Table(items) => Ok(items.clone()),
            other => Err(other.expected("a table of names and texts, in the file")),
        }
    }
}

impl Value {
    fn expected(&self, wanted: &str) -> Rejected {
        let given = match self {
            Self::Untyped(text) | Self::Text(text) if text.is_empty() => "an empty text".to_owned(),
            Self::Untyped(text) | Self::Text(text) => format!("{text:?}"),
            Self::Integer(text) => text.clone(),
            Self::Boolean(flag) => flag.to_string(),
            Self::List(_) => "a list".to_owned(),
            Self::Table(_) => "a table".to_owned(),
            Self::Other(name) => format!("a {name}"),
        };
        Rejected::BadValue(format!("expected {wanted}, got {given}"))
    }
}
