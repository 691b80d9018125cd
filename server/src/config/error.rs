//! What can be wrong with a configuration, in words that name the place and the remedy.

use std::path::PathBuf;

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file named by `--config`, or `runyard.toml`, cannot be read.
    #[error("cannot read the configuration {}: {why}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's words.
        why: String,
    },
    /// The file is not TOML.
    #[error("{origin}: this is not valid toml: {message}")]
    Syntax {
        /// File and line.
        origin: String,
        /// The parser's words.
        message: String,
    },
    /// No section or key of this name.
    #[error("{origin}: unknown key {key}: {remedy}")]
    UnknownKey {
        /// File and line, or environment variable.
        origin: String,
        /// `section.key`.
        key: String,
        /// A near name, or the known ones.
        remedy: String,
    },
    /// The value does not fit the key.
    #[error("{origin}: bad value for {key}: {message}")]
    BadValue {
        /// File and line, environment variable or flag.
        origin: String,
        /// `section.key`.
        key: String,
        /// What was given and what would be right.
        message: String,
    },
    /// A project folder is not there.
    #[error("--project {}: {why}: give the folder that holds package.json or Procfile", path.display())]
    Project {
        /// As given.
        path: PathBuf,
        /// The system's words.
        why: String,
    },
    /// The data folder cannot be used.
    #[error("the data folder {} cannot be used: {why}", path.display())]
    DataDir {
        /// The folder.
        path: PathBuf,
        /// What is wrong and what would be right.
        why: String,
    },
}

/// A value that was readable but must not be: the answer of a section's `validate`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invalid {
    /// The key in its section.
    pub key: &'static str,
    /// What was given and what would be right.
    pub message: String,
}
