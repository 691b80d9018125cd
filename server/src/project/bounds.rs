//! What the tree of a start may use: what it asks for, else what is declared, else what `[limits]`
//! allows; and never more than that.

use crate::config::{TreeLimits, Wrong};

use super::PlanError;
use super::strategy::to_snake_case;

/// Puts together what is asked for, in the words of the wire (`maxMemory`) or of the file, what is
/// declared, and the most that is allowed.
pub(super) fn resolve(
    asked: Option<&serde_json::Value>,
    declared: TreeLimits,
    most: TreeLimits,
) -> Result<TreeLimits, PlanError> {
    let invalid = |message: String| PlanError::LimitsInvalid { message };
    let asked: TreeLimits = match asked {
        None => TreeLimits::default(),
        Some(asked) => serde_json::from_value(to_snake_case(asked))
            .map_err(|error| invalid(error.to_string()))?,
    };
    let explain = |Wrong { key, message }: Wrong| invalid(format!("{key}: {message}"));
    asked.validate().map_err(explain)?;
    asked.or(declared).within(most).map_err(explain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Cores, Size};
    use serde_json::json;

    #[test]
    fn a_start_is_more_particular_than_a_declaration_and_bounded_by_the_configuration() {
        let declared = TreeLimits {
            max_memory: Some(Size(64 << 20)),
            max_cpu: Some(Cores { milli: 500 }),
            max_pids: None,
        };
        let most = TreeLimits { max_memory: Some(Size(1 << 30)), ..TreeLimits::default() };
        let resolve = |asked| resolve(Some(&asked), declared, most);
        let limits = resolve(json!({"maxMemory": "128M", "maxPids": 5})).unwrap();
        assert_eq!(limits.max_memory, Some(Size(128 << 20)));
        assert_eq!((limits.max_cpu, limits.max_pids), (declared.max_cpu, Some(5)));
        let refusals = [
            (json!({"maxMemory": "2G"}), "max_memory: at most 1G is allowed by limits.max_memory"),
            (json!({"maxMemory": "2 things"}), "such as 512M or 1.5G, got \"2 things\""),
            (json!({"maxRam": 1}), "unknown field `max_ram`, expected one of `max_memory`"),
            (json!({"maxPids": 0}), "max_pids: expected 1 to 4194304, got 0"),
            (json!([1]), "expected"),
        ];
        for (asked, words) in refusals {
            let refused = resolve(asked).unwrap_err();
            assert_eq!(refused.code(), "limits_invalid");
            assert!(refused.to_string().contains(words), "{refused}");
        }
    }
}
