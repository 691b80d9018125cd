//! A line that is a JSON object, as programs with structured logs write it, in the form that people
//! read: what happened first, then the rest as names and values.

use super::markup::Piece;

/// The pieces of a line that is a JSON object and nothing else.
pub(crate) fn fold_json(line: &str) -> Option<Vec<Piece>> {
    let fields = read_fields(line.trim())?;
    let mut pieces = Vec::new();
    let is_message = |name: &str| matches!(name, "msg" | "message" | "event");
    if let Some((_, message)) = fields.iter().find(|(name, _)| is_message(name)) {
        pieces.push(Piece::new("jm", unquote(message)));
    }
    for (name, value) in fields {
        // The level is the row's, the time stands before it.
        if is_message(name) || matches!(name, "level" | "time" | "ts" | "timestamp" | "@timestamp")
        {
            continue;
        }
        let space = if pieces.is_empty() { "" } else { "  " };
        pieces.push(Piece::new("jk", format!("{space}{name}=")));
        pieces.push(Piece::new("jv", unquote(value)));
    }
    Some(pieces)
}

/// The names and raw values of an object; `None` when it is none.
fn read_fields(line: &str) -> Option<Vec<(&str, &str)>> {
    let mut rest = line.strip_prefix('{')?.strip_suffix('}')?.trim();
    let mut fields = Vec::new();
    while !rest.is_empty() {
        let name_end = value_length(rest.strip_prefix('"').map(|_| rest)?)?;
        let name = rest.get(1..name_end - 1)?;
        rest = rest.get(name_end..)?.trim_start().strip_prefix(':')?.trim_start();
        let value_end = value_length(rest)?;
        fields.push((name, rest.get(..value_end)?.trim_end()));
        rest = rest.get(value_end..)?.trim_start();
        if rest.is_empty() {
            break;
        }
        rest = rest.strip_prefix(',')?.trim_start();
        if rest.is_empty() {
            return None;
        }
    }
    (!fields.is_empty()).then_some(fields)
}

/// How long the value is that a text begins with.
fn value_length(text: &str) -> Option<usize> {
    let (mut depth, mut is_string, mut is_escaped) = (0_usize, false, false);
    for (at, byte) in text.bytes().enumerate() {
        if is_string {
            match byte {
                _ if is_escaped => is_escaped = false,
                b'\\' => is_escaped = true,
                b'"' => {
                    is_string = false;
                    if depth == 0 {
                        return Some(at + 1);
                    }
                }
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => is_string = true,
            b'{' | b'[' => depth += 1,
            b'}' | b']' => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            b',' if depth == 0 => return (at > 0).then_some(at),
            _ => {}
        }
    }
    // A number or a word at the end.
    (depth == 0 && !is_string && !text.is_empty()).then_some(text.len())
}

/// A string without its quotes and escapes; anything else as it is.
fn unquote(value: &str) -> String {
    let Some(inner) = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')) else {
        return value.to_owned();
    };
    let mut text = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            text.push(c);
            continue;
        }
        match chars.next() {
            // One row is one line.
            Some('n') => text.push('⏎'),
            Some('t') => text.push('\t'),
            Some('r') | None => {}
            Some('u') => {
                let code: String = chars.by_ref().take(4).collect();
                let code = u32::from_str_radix(&code, 16).ok().and_then(char::from_u32);
                text.push(code.filter(|c| !c.is_control()).unwrap_or('\u{FFFD}'));
            }
            Some(other) => text.push(other),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(line: &str) -> Option<String> {
        let pieces = fold_json(line)?;
        Some(pieces.iter().map(|piece| piece.text.as_str()).collect())
    }

    #[test]
    fn the_message_comes_first() {
        let line = r#"{"level":30,"time":1,"pid":7,"msg":"it \"is\" up\nnow","at":{"x":[1,"}"]}}"#;
        assert_eq!(text(line).unwrap(), "it \"is\" up⏎now  pid=7  at={\"x\":[1,\"}\"]}");
        assert_eq!(text(r#" {"a" : true , "b":-1.5} "#).unwrap(), "a=true  b=-1.5");
        assert_eq!(text(r#"{"a":"\u00e9\u0007"}"#).unwrap(), "a=é\u{FFFD}");
    }

    #[test]
    fn what_is_no_object_is_left_alone() {
        for line in
            ["", "{}", "{", "[1]", "{a:1}", r#"{"a":1,}"#, r#"{"a"}"#, r#"{"a":"x}"#, "{\"a\":]}"]
        {
            assert_eq!(text(line), None, "{line}");
        }
    }
}
