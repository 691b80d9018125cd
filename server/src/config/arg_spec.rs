//! `[run.args]`: which arguments a script takes, as words: `NAME:KIND`, in their order.
//!
//! A name with `?` at its end may be left out, one that begins with `--` is an option. KIND is `text`,
//! `number`, `secret` (a text that is shown nowhere), choices as `a|b|c`, or a regular expression as `/v[0-9.]+/`; an option without a kind is
//! a switch.

use app::model::{ArgKind, ArgSpec};
use regex::Regex;

/// The arguments of a script from its words.
///
/// # Errors
/// What is wrong and what would be right.
pub(super) fn parse(words: &str) -> Result<Vec<ArgSpec>, String> {
    let specs: Vec<ArgSpec> = words.split_whitespace().map(parse_one).collect::<Result<_, _>>()?;
    for (place, spec) in specs.iter().enumerate() {
        if specs.iter().take(place).any(|other| other.name == spec.name) {
            return Err(format!("{:?} stands there twice", spec.name));
        }
    }
    let is_option = |spec: &&ArgSpec| spec.name.starts_with("--");
    let places: Vec<_> = specs.iter().filter(|spec| !is_option(spec)).collect();
    if places.windows(2).any(|pair| !pair[0].is_required && pair[1].is_required) {
        return Err("what may be left out comes after what may not".to_owned());
    }
    Ok(specs)
}

fn parse_one(word: &str) -> Result<ArgSpec, String> {
    let wrong = || {
        format!(
            "{word:?} is no argument: write it as NAME:KIND, with text, number, secret, a|b|c or /PATTERN/ \
             as its kind; --NAME alone is a switch"
        )
    };
    let (name, kind) = match word.split_once(':') {
        Some((name, kind)) => (name, Some(kind)),
        None => (word, None),
    };
    let (name, is_optional) = match name.strip_suffix('?') {
        Some(name) => (name, true),
        None => (name, false),
    };
    let is_option = name.starts_with("--");
    let plain = name.trim_start_matches("--");
    let is_name = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if plain.is_empty() || plain.starts_with('-') || !plain.chars().all(is_name) {
        return Err(wrong());
    }
    let mut spec = ArgSpec {
        name: name.to_owned(),
        kind: ArgKind::Text,
        is_required: !is_optional && !is_option,
        choices: Vec::new(),
        pattern: None,
    };
    match kind {
        None if is_option => spec.kind = ArgKind::Switch,
        Some("text") => {}
        Some("number") => spec.kind = ArgKind::Number,
        Some("secret") => spec.kind = ArgKind::Secret,
        Some(kind) if kind.len() > 2 && kind.starts_with('/') && kind.ends_with('/') => {
            let pattern = kind.trim_matches('/').to_owned();
            Regex::new(&full(&pattern)).map_err(|error| format!("{word:?}: {error}"))?;
            (spec.kind, spec.pattern) = (ArgKind::Pattern, Some(pattern));
        }
        Some(kind) if kind.contains('|') => {
            spec.choices = kind.split('|').map(str::to_owned).collect();
            spec.kind = ArgKind::Choice;
            if spec.choices.iter().any(String::is_empty) {
                return Err(wrong());
            }
        }
        _ => return Err(wrong()),
    }
    Ok(spec)
}

/// The expression that the whole of a text must fit, as browsers take it too.
fn full(pattern: &str) -> String {
    format!("^(?:{pattern})$")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_say_what_a_script_takes() {
        let specs = parse(
            "target:staging|prod count:number tag?:/v[0-9.]+/ --dry-run --by:text --pin:secret",
        )
        .unwrap();
        let shape: Vec<_> =
            specs.iter().map(|spec| (spec.name.as_str(), spec.kind, spec.is_required)).collect();
        assert_eq!(
            shape,
            [
                ("target", ArgKind::Choice, true),
                ("count", ArgKind::Number, true),
                ("tag", ArgKind::Pattern, false),
                ("--dry-run", ArgKind::Switch, false),
                ("--by", ArgKind::Text, false),
                ("--pin", ArgKind::Secret, false),
            ]
        );
        assert_eq!(specs[0].choices, ["staging", "prod"]);
        assert_eq!(specs[2].pattern.as_deref(), Some("v[0-9.]+"));
        assert_eq!(parse("").unwrap(), []);
    }

    #[test]
    fn what_is_no_argument_is_told() {
        for (words, expected) in [
            ("target", "is no argument"),
            ("--:text", "is no argument"),
            ("a:b", "is no argument"),
            ("a:x||y", "is no argument"),
            ("a:/(/", "unclosed group"),
            ("a:text a:number", "twice"),
            ("a?:text b:text", "comes after"),
        ] {
            let error = parse(words).unwrap_err();
            assert!(error.contains(expected), "{words}: {error}");
        }
    }
}
