//! Splits what a person types into arguments as a shell would, without running one.

/// Why a text is no list of arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ArgsError {
    /// A quote was opened and not closed.
    #[error("a {0} quote is not closed")]
    OpenQuote(char),
    /// The last character is a backslash, which quotes nothing.
    #[error("the backslash at the end quotes nothing: write \\\\ for a backslash")]
    LoneBackslash,
}

/// Splits at blanks. Single quotes keep everything, double quotes keep all but backslashes before
/// `"`, `\`, `$` and a backtick; a backslash outside quotes keeps the next character. Nothing is
/// expanded.
pub(crate) fn split_args(text: &str) -> Result<Vec<String>, ArgsError> {
    let mut args = Vec::new();
    // Some from the first character or quote on: "" is an argument.
    let mut word: Option<String> = None;
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        match c {
            c if c.is_whitespace() => args.extend(word.take()),
            '\'' => {
                let word = word.get_or_insert_default();
                loop {
                    match rest.next() {
                        Some('\'') => break,
                        Some(c) => word.push(c),
                        None => return Err(ArgsError::OpenQuote('\'')),
                    }
                }
            }
            '"' => read_double(&mut rest, word.get_or_insert_default())?,
            '\\' => {
                let next = rest.next().ok_or(ArgsError::LoneBackslash)?;
                word.get_or_insert_default().push(next);
            }
            c => word.get_or_insert_default().push(c),
        }
    }
    args.extend(word);
    Ok(args)
}

fn read_double(rest: &mut std::str::Chars<'_>, word: &mut String) -> Result<(), ArgsError> {
    loop {
        match rest.next().ok_or(ArgsError::OpenQuote('"'))? {
            '"' => return Ok(()),
            '\\' => match rest.next().ok_or(ArgsError::OpenQuote('"'))? {
                c @ ('"' | '\\' | '$' | '`') => word.push(c),
                c => word.extend(['\\', c]),
            },
            c => word.push(c),
        }
    }
}

/// The text that [`split_args`] splits into `args` again.
pub(crate) fn join_args(args: &[String]) -> String {
    let mut text = String::new();
    for arg in args {
        if !text.is_empty() {
            text.push(' ');
        }
        let plain = |c: char| c.is_alphanumeric() || "-_=+:,./@%^~".contains(c);
        if !arg.is_empty() && arg.chars().all(plain) {
            text.push_str(arg);
        } else {
            text.push('\'');
            text.push_str(&arg.replace('\'', r"'\''"));
            text.push('\'');
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &str) -> Vec<String> {
        split_args(text).unwrap()
    }

    #[test]
    fn splits_at_blanks() {
        assert_eq!(split("  --port 4000\t-v "), ["--port", "4000", "-v"]);
        assert_eq!(split("   "), Vec::<String>::new());
    }

    #[test]
    fn keeps_what_is_quoted() {
        assert_eq!(split(r#"'a b' "c d" e\ f"#), ["a b", "c d", "e f"]);
        assert_eq!(split(r#"--name="two words" ''"#), ["--name=two words", ""]);
        assert_eq!(split(r#"'\' "\n" "\"""#), ["\\", "\\n", "\""]);
    }

    #[test]
    fn expands_nothing() {
        assert_eq!(split("$HOME *.rs ~"), ["$HOME", "*.rs", "~"]);
    }

    #[test]
    fn says_what_is_open() {
        assert_eq!(split_args("a 'b"), Err(ArgsError::OpenQuote('\'')));
        assert_eq!(split_args("a \"b\\"), Err(ArgsError::OpenQuote('"')));
        assert_eq!(split_args("a\\"), Err(ArgsError::LoneBackslash));
    }

    #[test]
    fn joined_arguments_split_again() {
        for args in [vec!["--a=b", "c d", "it's", "", "\"", "\\", "é"], vec![]] {
            let args: Vec<String> = args.into_iter().map(str::to_owned).collect();
            assert_eq!(split(&join_args(&args)), args);
        }
    }
}
