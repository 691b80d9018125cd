//! Procfile: a line is `name: command`.

/// Names and command lines, in order. The error is `LINE: what is wrong`.
pub(super) fn parse(text: &str) -> Result<Vec<(String, String)>, String> {
    let mut entries: Vec<(String, String)> = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let is_name = |name: &str| {
            !name.is_empty()
                && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'))
        };
        let entry = line.split_once(':').map(|(name, command)| (name.trim(), command.trim()));
        match entry {
            Some((name, command)) if is_name(name) && !command.is_empty() => {
                if entries.iter().any(|(n, _)| n == name) {
                    return Err(format!("{number}: the name {name} is there twice"));
                }
                entries.push((name.to_owned(), command.to_owned()));
            }
            _ => return Err(format!("{number}: expected a line such as `web: node server.js`")),
        }
    }
    Ok(entries)
}
