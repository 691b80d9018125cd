//! Search as you type over the process list: words, and `status:` and `project:` for what they name.

use crate::model::{Process, Status};

/// What was typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Query {
    words: Vec<String>,
    status: Option<String>,
    project: Option<String>,
}

impl Query {
    /// Reads what was typed. Case is that of ASCII letters (the tables of all others are not worth
    /// their size).
    pub(crate) fn parse(text: &str) -> Self {
        let mut query = Self::default();
        for word in text.split_whitespace() {
            let word = word.to_ascii_lowercase();
            if let Some(status) = word.strip_prefix("status:") {
                query.status = Some(status.replace(['_', '-'], " "));
            } else if let Some(project) = word.strip_prefix("project:") {
                query.project = Some(project.to_owned());
            } else {
                query.words.push(word);
            }
        }
        query
    }

    /// Whether everything fits.
    pub(crate) fn is_empty(&self) -> bool {
        self.words.is_empty() && self.status.is_none() && self.project.is_none()
    }

    /// Whether every word is somewhere in script, project, arguments, id or status, and what is
    /// named begins as it was typed.
    pub(crate) fn fits(&self, process: &Process) -> bool {
        if self.is_empty() {
            return true;
        }
        let status = process.status.as_str().replace('_', " ");
        let project = process.project.to_ascii_lowercase();
        let begins = |wanted: &Option<String>, text: &str| {
            wanted.as_ref().is_none_or(|wanted| text.starts_with(wanted.as_str()))
        };
        if !begins(&self.status, &status) || !begins(&self.project, &project) {
            return false;
        }
        // A line break between the fields: no word reaches from one into the next.
        let mut all = String::new();
        let fields = [&process.script, &process.project, &process.id.0];
        for field in fields.into_iter().chain(&process.args) {
            all.push_str(&field.to_ascii_lowercase());
            all.push('\n');
        }
        all.push_str(&status);
        self.words.iter().all(|word| all.contains(word.as_str()))
    }

    /// A word for the server to look for, in the project's name as well: it takes one text, and the
    /// rest is sifted here.
    pub(crate) fn word(&self) -> Option<String> {
        let words = self.words.iter().chain(&self.project);
        words.filter(|word| !word.is_empty()).max_by_key(|word| word.len()).cloned()
    }

    /// The status, when it is spelt out.
    pub(crate) fn status(&self) -> Option<String> {
        let wanted = self.status.as_ref()?;
        let name = Status::ALL.map(Status::as_str);
        name.into_iter().find(|name| name.replace('_', " ") == *wanted).map(str::to_owned)
    }
}

/// A text as a value in the query of an address.
pub(crate) fn percent_encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                out.push(char::from(byte));
            }
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::sample_process;

    #[test]
    fn finds_words_in_any_field() {
        let mut process = sample_process("0190-abcdef", Status::BackingOff);
        process.args = vec!["--port".into(), "4000".into()];
        for query in ["", "  ", "DEV", "site", "port 4000", "abcdef", "backing", "dev site"] {
            assert!(Query::parse(query).fits(&process), "{query}");
        }
        for query in ["devsite", "build", "dev 5000"] {
            assert!(!Query::parse(query).fits(&process), "{query}");
        }
    }

    #[test]
    fn names_what_it_is_about() {
        let process = sample_process("1", Status::BackingOff);
        for query in ["status:backing_off", "status:back", "project:SITE dev", "project:si status:"]
        {
            assert!(Query::parse(query).fits(&process), "{query}");
        }
        for query in ["status:failed", "project:ite", "status:backing_off build"] {
            assert!(!Query::parse(query).fits(&process), "{query}");
        }
        let query = Query::parse("status:backing-off web server");
        assert_eq!(
            (query.status().as_deref(), query.word().as_deref()),
            (Some("backing_off"), Some("server"))
        );
        assert_eq!(Query::parse("status:fail").status(), None);
        assert_eq!(Query::parse("status:failed project:Web").word().as_deref(), Some("web"));
        assert_eq!(Query::parse("project:").word(), None);
    }
}
