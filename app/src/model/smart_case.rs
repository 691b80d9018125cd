//! Whether a search looks at case: the server and the browser must be of one mind.

/// Whether what is looked for asks for the case as written: it has an upper-case letter. In a regular
/// expression what stands behind a backslash is no letter.
#[must_use]
pub fn minds_case(text: &str, is_regex: bool) -> bool {
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if is_regex && c == '\\' {
            chars.next();
        } else if c.is_uppercase() {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_minds_and_a_class_does_not() {
        assert!(minds_case("Error", false) && minds_case("Error", true));
        assert!(!minds_case("error", false) && !minds_case(r"\Serror\W", true));
        assert!(minds_case(r"\\Serror", true), "a backslash, and a letter");
        assert!(minds_case(r"\S", false), "a text");
        assert!(!minds_case("\\", true));
    }
}
