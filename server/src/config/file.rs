//! `runyard.toml` as settings, each with its line.

use std::io::ErrorKind;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::ownership::find_others;
use super::process::{Declaration, read_declaration};
use super::setting::{Origin, Setting, Value};
use super::{ConfigError, FILE_NAME};

/// The table of the declared processes.
const PROCESS: &str = "process";

/// What the file says.
#[derive(Debug, Default)]
pub(super) struct Content {
    pub(super) settings: Vec<Setting>,
    pub(super) declarations: Vec<Declaration>,
    /// Who else can change the file, in words; `None` when it is the operator's own.
    pub(super) others: Option<String>,
}

/// Reads the file that was asked for, or the one in the current folder when it is there.
pub(super) fn read(asked: Option<&Path>, current_dir: &Path) -> Result<Content, ConfigError> {
    let path = current_dir.join(asked.unwrap_or(Path::new(FILE_NAME)));
    match std::fs::read_to_string(&path) {
        Ok(text) => Ok(Content { others: find_others(&path), ..parse(&text, &path)? }),
        Err(error) if asked.is_none() && error.kind() == ErrorKind::NotFound => {
            Ok(Content::default())
        }
        Err(error) => Err(ConfigError::Read { path, why: error.to_string() }),
    }
}

fn parse(text: &str, path: &Path) -> Result<Content, ConfigError> {
    let origin =
        |offset: usize| Origin::File { path: path.to_owned(), line: line_of(text, offset) };
    let table = DeTable::parse(text).map_err(|error| ConfigError::Syntax {
        origin: origin(error.span().map_or(0, |span| span.start)).to_string(),
        message: error.message().to_owned(),
    })?;
    let base = path.parent().unwrap_or(Path::new("."));
    let mut settings = Vec::new();
    let mut declarations = Vec::new();
    for (section, content) in table.get_ref() {
        let setting = |key: &str, value, offset| Setting {
            section: section.get_ref().to_string(),
            key: key.to_owned(),
            value,
            origin: origin(offset),
            base: base.to_owned(),
        };
        let Some(entries) = content.get_ref().as_table() else {
            // A key outside every section: its section does not exist, which is what is told.
            settings.push(setting("", read_value(content), section.span().start));
            continue;
        };
        if section.get_ref() == PROCESS {
            for (name, value) in entries {
                let at = name.span().start;
                declarations.push(read_declaration(name.get_ref(), value, at, origin, base)?);
            }
            continue;
        }
        for (key, value) in entries {
            settings.push(setting(key.get_ref(), read_value(value), key.span().start));
        }
    }
    Ok(Content { settings, declarations, others: None })
}

fn read_value(value: &Spanned<DeValue<'_>>) -> Value {
    let texts = |value: &DeValue<'_>| value.as_str().map(str::to_owned);
    match value.get_ref() {
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Integer(number) if number.radix() == 10 => {
            Value::Integer(number.as_str().to_owned())
        }
        DeValue::Boolean(flag) => Value::Boolean(*flag),
        DeValue::Array(items) => {
            let items: Option<_> = items.iter().map(|item| texts(item.get_ref())).collect();
            items.map_or(Value::Other("list of something else"), Value::List)
        }
        DeValue::Table(entries) => {
            let entries: Option<_> = entries
                .iter()
                .map(|(name, value)| Some((name.get_ref().to_string(), texts(value.get_ref())?)))
                .collect();
            entries.map_or(Value::Other("table of something else"), Value::Table)
        }
        DeValue::Float(number) => Value::Integer(number.to_string()),
        other => Value::Other(other.type_str()),
    }
}

fn line_of(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1
}
