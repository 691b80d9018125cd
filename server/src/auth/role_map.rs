//! From what somebody else says of a person or program to a role of ours.

use serde_json::Value;

use crate::config::RoleMapping;

/// The first role that a value of the claim leads to, else the default. A claim is a text of words, or
/// a list.
pub(super) fn map_role(claim: Option<&Value>, roles: &RoleMapping) -> Option<String> {
    let values: Vec<&str> = match claim {
        Some(Value::String(value)) => value.split_whitespace().collect(),
        Some(Value::Array(values)) => values.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let mapped = roles.map.iter().find(|(value, _)| values.contains(&value.as_str()));
    mapped.map(|(_, role)| role).or(roles.default.as_ref()).cloned()
}
