//! The keys of the sections: what each takes, for the published schema, and what it is, for a reader.

use serde_json::{Value, json};

/// A key of a section, as `runyard.toml` has it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Key {
    pub(super) name: &'static str,
    pub(super) takes: Takes,
    /// What it says, in a sentence.
    pub(super) about: &'static str,
}

/// What a key takes in a file. In the environment everything is a text.
#[derive(Clone, Copy, Debug)]
pub(super) enum Takes {
    Text,
    /// One of these texts.
    Choice(&'static [&'static str]),
    /// A whole number between the two.
    Number(u64, u64),
    /// A number, whole or not, or a text with one, such as `512M`.
    Amount,
    Flag,
    Texts,
    /// Names with texts.
    Table,
}

impl Key {
    pub(super) const fn new(name: &'static str, takes: Takes, about: &'static str) -> Self {
        Self { name, takes, about }
    }

    /// The key as a part of a JSON schema.
    pub(super) fn schema(&self) -> Value {
        let mut schema = match self.takes {
            Takes::Text => json!({"type": "string", "minLength": 1}),
            Takes::Choice(choices) => json!({"enum": choices}),
            Takes::Number(least, most) => {
                json!({"type": "integer", "minimum": least, "maximum": most})
            }
            Takes::Amount => json!({"type": ["number", "string"], "minimum": 0}),
            Takes::Flag => json!({"type": "boolean"}),
            Takes::Texts => json!({"type": "array", "items": {"type": "string"}}),
            Takes::Table => {
                json!({"type": "object", "additionalProperties": {"type": "string"}})
            }
        };
        if let Some(schema) = schema.as_object_mut() {
            schema.insert("description".to_owned(), self.about.into());
        }
        schema
    }
}
