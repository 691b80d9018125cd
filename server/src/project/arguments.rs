//! What a caller's arguments may be.
//!
//! Arguments are quoted before a shell sees them, so these rules are the second line: they stop what
//! a script might hand on to a shell or to the file system of its own accord.

use std::path::{Path, PathBuf};

use crate::config::ArgDeny;

use super::PlanError;
use super::folder::normalize;

/// In characters.
const LONGEST: usize = 1_000;

/// Holds every argument against the rules. `folder` is the project's, without symlinks.
pub(super) fn check(args: &[String], rules: &[ArgDeny], folder: &Path) -> Result<(), PlanError> {
    for (position, arg) in (1..).zip(args) {
        let length = arg.chars().count();
        if length > LONGEST {
            return Err(PlanError::ArgumentTooLong { position, length, most: LONGEST });
        }
        if let Some(character) = arg.chars().find(|c| c.is_control()) {
            return Err(PlanError::ArgumentControlCharacter { position, character });
        }
        for rule in rules {
            if let Some((what, remedy)) = meets(arg, rule, folder) {
                return Err(PlanError::ArgumentDenied {
                    position,
                    what,
                    remedy,
                    rule: rule.clone(),
                });
            }
        }
    }
    Ok(())
}

/// What of the argument the rule forbids, and what would be right.
fn meets(arg: &str, rule: &ArgDeny, folder: &Path) -> Option<(String, &'static str)> {
    match rule {
        ArgDeny::Text(text) => arg
            .contains(text.as_str())
            .then(|| (format!("{text:?}"), "leave it out, or take it from run.arg_deny")),
        ArgDeny::ParentPath => paths_in(arg)
            .find(|path| path.split('/').any(|part| part == ".."))
            .map(|path| (format!("\"..\" in the path {path:?}"), "give a path inside the project")),
        ArgDeny::OutsidePath => paths_in(arg)
            .find(|path| path.starts_with('/') && !is_inside(Path::new(path), folder))
            .map(|path| {
                (
                    format!("the absolute path {path:?}"),
                    "give a path inside the project, relative to it",
                )
            }),
    }
}

/// Whatever in an argument a program could take for a path: the parts of `--flag=/a:/b,c`, and what
/// is attached to a one-letter flag, as in `-I/a`. A web address is no path, a `file:` one is.
fn paths_in(arg: &str) -> impl Iterator<Item = &str> {
    let mut before = 0;
    arg.split(['=', ':', ',', ' ', '"', '\'', '@']).map(move |part| {
        let head = arg.get(..before).unwrap_or_default();
        before += part.len() + 1;
        if part.starts_with("//") && is_web_scheme(head) {
            return "";
        }
        let attached = part.strip_prefix('-').and_then(|flag| {
            let mut chars = flag.chars();
            chars.next().filter(char::is_ascii_alphabetic)?;
            Some(chars.as_str()).filter(|rest| rest.starts_with(['/', '.']))
        });
        attached.unwrap_or(part)
    })
}

/// Whether the text before `//` ends in a scheme other than `file`: `https:`.
fn is_web_scheme(head: &str) -> bool {
    let Some(head) = head.strip_suffix(':') else { return false };
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
    let scheme = head.rsplit(|c: char| !is_part(c)).next().unwrap_or_default();
    ["http", "https", "ws", "wss"].iter().any(|known| scheme.eq_ignore_ascii_case(known))
}

/// Also through symlinks: the longest part that is there is resolved, the rest is new.
fn is_inside(path: &Path, folder: &Path) -> bool {
    let path = normalize(path);
    let resolved: Option<PathBuf> = path.ancestors().find_map(|there| {
        let rest = path.strip_prefix(there).ok()?;
        there.canonicalize().ok().map(|there| there.join(rest))
    });
    path.starts_with(folder) && resolved.is_some_and(|resolved| resolved.starts_with(folder))
}
