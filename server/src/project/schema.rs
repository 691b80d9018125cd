//! Holds the arguments of a start against what its script takes, where the configuration says it.

use app::model::{ArgKind, ArgSpec};
use regex::Regex;

use super::PlanError;

/// Whether `args` are what `specs` say.
pub(super) fn check(args: &[String], specs: &[ArgSpec]) -> Result<(), PlanError> {
    let refuse = |why: String| Err(PlanError::ArgumentUnfit { why });
    let mut places = specs.iter().filter(|spec| !is_option(spec));
    let mut given: Vec<&str> = Vec::new();
    let mut rest = args.iter();
    while let Some(arg) = rest.next() {
        if !arg.starts_with("--") {
            let Some(spec) = places.next() else {
                return refuse(format!("{arg:?} is one argument too many"));
            };
            fit(spec, arg)?;
            given.push(&spec.name);
            continue;
        }
        let (name, value) = match arg.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (arg.as_str(), None),
        };
        let Some(spec) = specs.iter().find(|spec| spec.name == name) else {
            let known: Vec<_> =
                specs.iter().filter(|s| is_option(s)).map(|s| s.name.as_str()).collect();
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            return refuse(format!("there is no option {name}: the options are {known}"));
        };
        if given.contains(&name) {
            return refuse(format!("{name} is given twice"));
        }
        match (spec.kind, value) {
            (ArgKind::Switch, None) => {}
            (ArgKind::Switch, Some(_)) => return refuse(format!("{name} takes no value")),
            (_, Some(value)) => fit(spec, value)?,
            (_, None) => match rest.next() {
                Some(value) => fit(spec, value)?,
                None => return refuse(format!("{name} needs a value")),
            },
        }
        given.push(&spec.name);
    }
    match specs.iter().find(|spec| spec.is_required && !given.contains(&spec.name.as_str())) {
        Some(missing) => refuse(format!("{} is missing: it is {}", missing.name, wanted(missing))),
        None => Ok(()),
    }
}

fn is_option(spec: &ArgSpec) -> bool {
    spec.name.starts_with("--")
}

fn fit(spec: &ArgSpec, value: &str) -> Result<(), PlanError> {
    let fits = match spec.kind {
        ArgKind::Text | ArgKind::Secret => !value.is_empty(),
        ArgKind::Number => value.parse::<f64>().is_ok_and(f64::is_finite),
        ArgKind::Choice => spec.choices.iter().any(|choice| choice == value),
        ArgKind::Pattern => {
            // Checked when the configuration was read; what cannot be compiled fits nothing.
            let pattern = spec.pattern.as_deref().unwrap_or_default();
            Regex::new(&format!("^(?:{pattern})$")).is_ok_and(|pattern| pattern.is_match(value))
        }
        ArgKind::Switch => false,
    };
    if fits {
        return Ok(());
    }
    let why = format!("{} must be {}, and {value:?} is not", spec.name, wanted(spec));
    Err(PlanError::ArgumentUnfit { why })
}

fn wanted(spec: &ArgSpec) -> String {
    match spec.kind {
        ArgKind::Text | ArgKind::Secret => "a text".to_owned(),
        ArgKind::Number => "a number".to_owned(),
        ArgKind::Choice => format!("one of {}", spec.choices.join(", ")),
        ArgKind::Pattern => format!("like /{}/", spec.pattern.as_deref().unwrap_or_default()),
        ArgKind::Switch => "a switch".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(name: &str, kind: ArgKind, is_required: bool) -> ArgSpec {
        ArgSpec { name: name.into(), kind, is_required, choices: vec![], pattern: None }
    }

    fn specs() -> Vec<ArgSpec> {
        vec![
            ArgSpec {
                choices: vec!["staging".into(), "prod".into()],
                ..spec("target", ArgKind::Choice, true)
            },
            spec("count", ArgKind::Number, false),
            ArgSpec {
                pattern: Some("v[0-9]+|latest".into()),
                ..spec("--tag", ArgKind::Pattern, false)
            },
            spec("--dry-run", ArgKind::Switch, false),
        ]
    }

    fn check_words(words: &str) -> Result<(), String> {
        let args: Vec<String> =
            words.split(' ').filter(|w| !w.is_empty()).map(Into::into).collect();
        check(&args, &specs()).map_err(|error| error.to_string())
    }

    #[test]
    fn what_fits_is_let_through_in_any_order() {
        for words in ["staging", "prod 3", "--tag v12 prod --dry-run -1.5", "--tag=latest staging"]
        {
            assert_eq!(check_words(words), Ok(()), "{words}");
        }
        assert!(check(&[], &[]).is_ok());
    }

    #[test]
    fn what_does_not_fit_is_told_in_words() {
        for (words, expected) in [
            ("", "target is missing: it is one of staging, prod"),
            ("production", "target must be one of staging, prod, and \"production\" is not"),
            ("prod many", "count must be a number"),
            ("prod inf", "count must be a number"),
            ("prod 1 2", "\"2\" is one argument too many"),
            ("prod --tag", "--tag needs a value"),
            ("prod --tag=", "--tag must be like"),
            ("prod --tag v1x", "--tag must be like"),
            ("prod --tag xlatest", "--tag must be like"),
            ("prod --tag v1 --tag v2", "given twice"),
            ("prod --dry-run=yes", "takes no value"),
            ("prod --force", "there is no option --force: the options are --tag, --dry-run"),
        ] {
            let error = check_words(words).unwrap_err();
            assert!(error.contains(expected), "{words}: {error}");
        }
        let none = check(&["x".to_owned()], &[]).unwrap_err().to_string();
        assert!(none.contains("one argument too many"), "{none}");
    }
}
