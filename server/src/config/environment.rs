//! Environment variables as settings: `RUNYARD_SECTION__KEY`, and `PORT` as hosting platforms give it.

use std::ffi::OsString;
use std::path::Path;

use super::setting::{Origin, SECTIONS, Setting, Value};
use super::{ConfigError, ServerConfig};

const PREFIX: &str = "RUNYARD_";
/// The key that `SERVER_PORT` and `PORT` set; it is no key of the file.
pub(super) const PORT_KEY: &str = "port";

/// The settings, the weakest first: `PORT`, `SERVER_PORT`, then our own names.
pub(super) fn read(
    env: impl IntoIterator<Item = (OsString, OsString)>,
    current_dir: &Path,
) -> Result<Vec<Setting>, ConfigError> {
    let mut found = Vec::new();
    for (name, value) in env {
        // A name that is not UTF-8 is none of ours.
        let Some(name) = name.to_str() else { continue };
        let Some((rank, section, key)) = setting_of(name)? else { continue };
        let Ok(value) = value.into_string() else {
            return Err(ConfigError::BadValue {
                origin: Origin::Variable(name.to_owned()).to_string(),
                key: format!("{section}.{key}"),
                message: "expected a text in utf-8".to_owned(),
            });
        };
        // Platforms and compose files set PORT to nothing when they mean "not set".
        if key == PORT_KEY && value.is_empty() {
            continue;
        }
        let origin = Origin::Variable(name.to_owned());
        let value = Value::Untyped(value);
        found.push((rank, Setting { section, key, value, origin, base: current_dir.to_owned() }));
    }
    found.sort_by_key(|(rank, _)| *rank);
    Ok(found.into_iter().map(|(_, setting)| setting).collect())
}

/// Rank, section and key of a variable; `None` for the variables of others.
fn setting_of(name: &str) -> Result<Option<(u8, String, String)>, ConfigError> {
    let port = |rank| Ok(Some((rank, ServerConfig::SECTION.to_owned(), PORT_KEY.to_owned())));
    match name {
        "PORT" => return port(0),
        "SERVER_PORT" => return port(1),
        _ => {}
    }
    let Some(rest) = name.strip_prefix(PREFIX) else { return Ok(None) };
    if let Some((section, key)) = rest.split_once("__") {
        return Ok(Some((2, section.to_lowercase(), key.to_lowercase())));
    }
    // RUNYARD_LISTEN does nothing, and whoever set it believes that it does.
    let key = rest.to_lowercase();
    let meant = SECTIONS.iter().find_map(|(section, keys)| {
        let stripped = key.strip_prefix(&format!("{section}_")).unwrap_or(&key);
        keys.iter()
            .any(|key| key.name == stripped)
            .then(|| format!("{PREFIX}{}__{}", section.to_uppercase(), stripped.to_uppercase()))
    });
    match meant {
        None => Ok(None),
        Some(meant) => Err(ConfigError::UnknownKey {
            origin: Origin::Variable(name.to_owned()).to_string(),
            key,
            remedy: format!("did you mean {meant}? section and key have two underscores between"),
        }),
    }
}
