//! From what somebody else says of a person or program to a role of ours.

use serde_json::Value;

/// The first role of `map` that a value of the claim leads to, else `default_role`. A claim is a text
/// of words, or a list.
pub(super) fn map_role(
    claim: Option<&Value>,
    map: &[(String, String)],
    default_role: Option<&String>,
) -> Option<String> {
    let values: Vec<&str> = match claim {
        Some(Value::String(value)) => value.split_whitespace().collect(),
        Some(Value::Array(values)) => values.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let mapped = map.iter().find(|(value, _)| values.contains(&value.as_str()));
    mapped.map(|(_, role)| role).or(default_role).cloned()
}
