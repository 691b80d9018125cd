//! A `[process.NAME]` of the file, with the line of each key.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize as _;
use toml::Spanned;
use toml::de::{DeValue, ValueDeserializer};

use super::ProcessConfig;
use crate::config::ConfigError;
use crate::config::setting::Origin;

/// A declared process and where it stands.
#[derive(Clone, Debug)]
pub(in crate::config) struct Declaration {
    pub(in crate::config) name: String,
    pub(in crate::config) config: ProcessConfig,
    /// Of the table.
    pub(in crate::config) origin: Origin,
    /// Of its keys.
    pub(in crate::config) keys: BTreeMap<String, Origin>,
    /// The file's folder.
    pub(in crate::config) base: PathBuf,
}

/// Reads one; `place` tells where an offset of the text is.
pub(in crate::config) fn read_declaration(
    name: &str,
    value: &Spanned<DeValue<'_>>,
    at: usize,
    place: impl Fn(usize) -> Origin,
    base: &Path,
) -> Result<Declaration, ConfigError> {
    let mut keys = BTreeMap::new();
    if let Some(entries) = value.get_ref().as_table() {
        for (key, _) in entries {
            keys.insert(key.get_ref().to_string(), place(key.span().start));
        }
    }
    let config = ProcessConfig::deserialize(ValueDeserializer::from(value.clone()));
    let config = config.map_err(|error| {
        let offset = error.span().map_or(at, |span| span.start);
        let mut path = vec![format!("process.{name}")];
        find_path(value, offset, &mut path);
        ConfigError::BadValue {
            origin: place(offset).to_string(),
            key: path.join("."),
            message: error.message().to_owned(),
        }
    })?;
    let (name, base) = (name.to_owned(), base.to_owned());
    Ok(Declaration { name, config, origin: place(at), keys, base })
}

/// The keys that lead to what stands at `offset`.
fn find_path(value: &Spanned<DeValue<'_>>, offset: usize, path: &mut Vec<String>) {
    let Some(entries) = value.get_ref().as_table() else { return };
    for (key, value) in entries {
        let (from, to) = (key.span().start, value.span().end.max(key.span().end));
        // A table's own span may be its header's alone.
        let holds = (from..to).contains(&offset) || spans(value, offset);
        if holds {
            path.push(key.get_ref().to_string());
            find_path(value, offset, path);
            return;
        }
    }
}

fn spans(value: &Spanned<DeValue<'_>>, offset: usize) -> bool {
    let inside =
        |value: &Spanned<DeValue<'_>>| value.span().contains(&offset) || spans(value, offset);
    let Some(entries) = value.get_ref().as_table() else { return false };
    entries.iter().any(|(key, value)| key.span().contains(&offset) || inside(value))
}
