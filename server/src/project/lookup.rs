//! Finds executables before the spawn: a missing one is told in words, not as exit code 127.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::PlanError;
use super::discover::{Found, FoundScript};

/// Words that a shell knows by itself.
const SHELL_WORDS: [&str; 57] = [
    ".", ":", "[", "!", "{", "}", "alias", "bg", "break", "builtin", "case", "cd", "command",
    "continue", "do", "done", "echo", "elif", "else", "esac", "eval", "exec", "exit", "export",
    "false", "fg", "fi", "for", "function", "getopts", "hash", "if", "in", "jobs", "kill", "let",
    "local", "printf", "pwd", "read", "readonly", "return", "set", "shift", "source", "test",
    "then", "time", "times", "trap", "true", "type", "umask", "unset", "until", "wait", "while",
];

/// The executable of this name on the PATH; a name with `/` is relative to the folder.
pub(super) fn find(name: &str, path: &str, folder: &Path) -> Option<PathBuf> {
    which::which_in(name, Some(path), folder).ok()
}

/// Looks up what the script begins with, if that is a plain program name; where it was found.
pub(super) fn check_script(
    project: &Found,
    script: &FoundScript,
    path: &str,
    folder: &Path,
) -> Result<Option<PathBuf>, PlanError> {
    // A pre script comes first, and may be what installs the program.
    let pre = project.manifest.script(&format!("pre{}", script.name));
    let Some(program) = first_program(pre.unwrap_or(&script.command)) else { return Ok(None) };
    let found = find(program, path, folder);
    // npm and pnpm bring node-gyp with them.
    if program == "node-gyp" || found.is_some() {
        return Ok(found);
    }
    Err(PlanError::ExecutableNotFound {
        program: program.to_owned(),
        remedy: remedy(project, program, folder),
    })
}

/// The error for a package manager that is not installed.
pub(super) fn missing_manager(name: &str) -> PlanError {
    let remedy = "install it, or set run.runner = \"native\" to run scripts without it".to_owned();
    PlanError::ExecutableNotFound { program: name.to_owned(), remedy }
}

fn remedy(project: &Found, program: &str, folder: &Path) -> String {
    if program.contains('/') {
        return format!("there is no executable file of that path in {}", folder.display());
    }
    let tooling = &project.tooling;
    let home = tooling.home.as_deref().unwrap_or(&project.folder);
    let install = format!("run `{}` in {}", tooling.install_command(), home.display());
    let is_installed = project.folder.ancestors().any(|f| f.join("node_modules").is_dir());
    match (project.manifest.has_dependencies(), is_installed) {
        (true, false) => format!("{install} first"),
        (true, true) => format!(
            "it is neither in node_modules/.bin nor on the PATH: {install} again, or add it to the \
             dependencies"
        ),
        (false, _) => "it is not on the PATH: install it, or correct the script".to_owned(),
    }
}

/// Whether the kernel runs this file without a shell's help: a binary, or a script that names its
/// interpreter. What it does not, a shell takes for a script of its own.
pub(super) fn is_executed_by_kernel(program: &Path) -> bool {
    let mut magic = [0; 4];
    let read = File::open(program).and_then(|mut file| file.read(&mut magic));
    read.is_ok_and(|length| magic[..length].starts_with(b"#!") || magic == *b"\x7fELF")
}

/// Whether a command line is one program with its arguments and nothing that a shell would act on.
pub(super) fn is_plain_command(command: &str) -> bool {
    let is_plain = |c: char| c.is_alphanumeric() || " ./_-+@:=,%".contains(c);
    command.chars().all(is_plain)
        && first_program(command).is_some_and(|program| command.trim_start().starts_with(program))
}

/// The program that a command line surely begins with; `None` when only a shell can tell.
fn first_program(command: &str) -> Option<&str> {
    // Whoever writes `a || b` counts on a that fails.
    if command.contains("||") {
        return None;
    }
    let is_plain = |word: &str| {
        word.chars()
            .all(|c| c.is_alphanumeric() || matches!(c, '.' | '/' | '_' | '-' | '+' | '@' | ':'))
    };
    for word in command.split_whitespace() {
        if let Some((name, value)) = word.split_once('=') {
            // `FORCE_COLOR=1 vite`; with another PATH, only the shell can tell.
            let is_assignment = !name.starts_with(|c: char| c.is_ascii_digit())
                && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
            if is_assignment && name != "PATH" && is_plain(value) {
                continue;
            }
            return None;
        }
        return (is_plain(word) && !SHELL_WORDS.contains(&word)).then_some(word);
    }
    None
}
