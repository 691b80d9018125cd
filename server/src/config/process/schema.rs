//! The published schema of `runyard.toml`, for editors.

use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

use super::ProcessConfig;

/// The schema, as JSON. Only what this module owns is described in full; the settings of the other
/// sections stand in `.env.example`, and their names are not restricted here.
#[must_use]
pub fn json_schema() -> Value {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    let process = generator.subschema_for::<ProcessConfig>();
    let definitions = generator.take_definitions(true);
    json!({
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
        },
        "$defs": definitions,
    })
}
