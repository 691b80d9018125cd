//! A launch plan as it is kept with its process. One that has secrets is sealed as a whole: its
//! command and environment are in no database, and in no copy of one, as they are.

use app::model::ProcessId;
use serde::{Deserialize, Serialize};

use super::EngineError;
use crate::project::LaunchPlan;
use crate::seal::Sealer;

/// What a sealed plan is sealed for.
const PURPOSE: &str = "plan";

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sealed {
    sealed: String,
}

/// The plan as text.
pub(super) fn encode_plan(
    sealer: &Sealer,
    id: &ProcessId,
    plan: &LaunchPlan,
) -> Result<String, EngineError> {
    let wrong = |why: String| EngineError::Spec { id: id.clone(), why };
    let text = serde_json::to_string(plan).map_err(|error| wrong(error.to_string()))?;
    if plan.secrets.is_empty() {
        return Ok(text);
    }
    let sealed = sealer.seal(PURPOSE, text.as_bytes()).map_err(|error| wrong(error.to_string()))?;
    serde_json::to_string(&Sealed { sealed }).map_err(|error| wrong(error.to_string()))
}

/// The plan of a text.
///
/// # Errors
/// [`EngineError::Unsealed`] when it was sealed with another key, [`EngineError::Spec`] when it is
/// no plan.
pub(super) fn decode_plan(
    sealer: &Sealer,
    id: &ProcessId,
    spec: &str,
) -> Result<LaunchPlan, EngineError> {
    let wrong =
        |error: serde_json::Error| EngineError::Spec { id: id.clone(), why: error.to_string() };
    let Ok(Sealed { sealed }) = serde_json::from_str(spec) else {
        return serde_json::from_str(spec).map_err(wrong);
    };
    let plain = sealer.open(PURPOSE, &sealed).map_err(|_| EngineError::Unsealed(id.clone()))?;
    serde_json::from_slice(&plain).map_err(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_with_secrets_is_sealed() {
        let (sealer, other) = (Sealer::new(&[1; 32]).unwrap(), Sealer::new(&[2; 32]).unwrap());
        let id = ProcessId("p".into());
        let plain = r#"{"project":"p","script":"s","kind":"short-lived","program":"/bin/true",
            "argv":["true","hunter2"],"cwd":"/","env":{"TOKEN":"hunter2"},"kill_signal":15,
            "timeout_ms":null,"max_buffer":null,"command_line":"true"}"#;
        let mut plan = decode_plan(&sealer, &id, plain).unwrap();
        assert!(encode_plan(&sealer, &id, &plan).unwrap().contains("hunter2"));
        plan.secrets = vec!["hunter2".into()];
        let sealed = encode_plan(&sealer, &id, &plan).unwrap();
        assert!(!sealed.contains("hunter2") && !sealed.contains("TOKEN"), "{sealed}");
        assert!(decode_plan(&sealer, &id, &sealed).unwrap() == plan);
        assert_eq!(encode_plan(&sealer, &id, &plan).unwrap(), sealed);
        let error = decode_plan(&other, &id, &sealed).unwrap_err();
        assert!(matches!(error, EngineError::Unsealed(_)), "{error}");
    }
}
