//! The published schema of `runyard.toml`, for editors.

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::ProcessConfig;
use crate::config::setting::SECTIONS;

/// The schema, as JSON: what can be declared, and the keys of the other sections with what they take.
#[must_use]
pub fn json_schema() -> Value {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    let process = generator.subschema_for::<ProcessConfig>();
    let definitions = generator.take_definitions(true);
    let mut schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "runyard.toml",
        "type": "object",
        "properties": {
            "process": {
                "description": "What is declared, by name",
                "type": "object",
                "additionalProperties": process,
            },
            "pools": {
                "description": "Slots for jobs, by the pool's name",
                "type": "object",
                "additionalProperties": {"type": "integer", "minimum": 1, "maximum": 10_000},
            },
            "roles": {
                "description": "Rules, by the role's name: verbs, and on which scripts",
                "type": "object",
                "additionalProperties": {"type": "array", "items": {"type": "string"}},
            },
        },
        "additionalProperties": false,
        "$defs": definitions,
    });
    if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        // The sections whose keys are names that one gives are above.
        for (section, keys) in SECTIONS.iter().filter(|(_, keys)| !keys.is_empty()) {
            let keys: Map<_, _> =
                keys.iter().map(|key| (key.name.to_owned(), key.schema())).collect();
            let section = (*section).to_owned();
            properties.insert(
                section,
                json!({"type": "object", "properties": keys, "additionalProperties": false}),
            );
        }
    }
    schema
}
