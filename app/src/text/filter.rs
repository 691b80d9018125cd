//! Search as you type over the process list.

use crate::model::Process;

/// Whether every word of `query` is somewhere in script, project, arguments, id or status,
/// without regard to the case of ASCII letters (the tables of all others are not worth their size).
pub(crate) fn matches(process: &Process, query: &str) -> bool {
    let mut words = query.split_whitespace().peekable();
    if words.peek().is_none() {
        return true;
    }
    // A line break between the fields: no word reaches from one into the next.
    let mut all = String::new();
    let fields = [&process.script, &process.project, &process.id.0];
    for field in fields.into_iter().chain(&process.args) {
        all.push_str(&field.to_ascii_lowercase());
        all.push('\n');
    }
    all.push_str(&process.status.as_str().replace('_', " "));
    words.all(|word| all.contains(&word.to_ascii_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::sample_process;
    use crate::model::Status;

    #[test]
    fn finds_words_in_any_field() {
        let mut process = sample_process("0190-abcdef", Status::BackingOff);
        process.args = vec!["--port".into(), "4000".into()];
        for query in ["", "  ", "DEV", "site", "port 4000", "abcdef", "backing", "dev site"] {
            assert!(matches(&process, query), "{query}");
        }
        for query in ["devsite", "build", "dev 5000"] {
            assert!(!matches(&process, query), "{query}");
        }
    }
}
