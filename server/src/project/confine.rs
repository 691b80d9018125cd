//! What a program is kept from, as a part of its plan.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::config::{ALWAYS_WRITABLE, ProcessConfig, RunConfig, Sandbox};

/// What a program is kept from. It begins through `runyard confine`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confined {
    /// User, group, and the name that they were given by.
    user: Option<(u32, u32, String)>,
    /// Where it may write; `None` is everywhere.
    writable: Option<Vec<PathBuf>>,
    is_strict: bool,
}

impl Confined {
    /// What the configuration says for a project, and for what is declared in it before that; `None`
    /// when it keeps it from nothing. The environment becomes that of the user.
    pub(super) fn of(
        run: &RunConfig,
        declared: Option<&ProcessConfig>,
        folder: &Path,
        env: &mut BTreeMap<String, String>,
    ) -> Option<Self> {
        let user = declared.and_then(|it| it.run_as.as_ref()).or(run.run_as.as_ref());
        let sandbox = declared.and_then(|it| it.sandbox).unwrap_or(run.sandbox);
        if let Some(user) = user {
            env.insert("HOME".to_owned(), user.home.to_string_lossy().into_owned());
            env.insert("USER".to_owned(), user.login.clone());
            env.insert("LOGNAME".to_owned(), user.login.clone());
        }
        if user.is_none() && sandbox == Sandbox::Off {
            return None;
        }
        let writable = (sandbox != Sandbox::Off).then(|| {
            let always = ALWAYS_WRITABLE.iter().map(PathBuf::from).filter(|it| it.exists());
            let more = run.sandbox_write.iter().cloned();
            always.chain([folder.to_owned()]).chain(more).collect()
        });
        Some(Self {
            user: user.map(|user| (user.uid, user.gid, user.name.clone())),
            writable,
            is_strict: sandbox == Sandbox::Require,
        })
    }

    /// The command of `exe`, which is Runyard, that becomes `program` with these arguments, its own name
    /// first.
    #[must_use]
    pub fn wrap(&self, exe: &Path, program: &Path, argv: Vec<String>) -> (PathBuf, Vec<String>) {
        let mut words = vec!["confine".to_owned()];
        if let Some((uid, gid, _)) = &self.user {
            words.extend(["--user".to_owned(), format!("{uid}:{gid}")]);
        }
        for folder in self.writable.iter().flatten() {
            words.extend(["--write".to_owned(), folder.to_string_lossy().into_owned()]);
        }
        if self.is_strict {
            words.push("--strict".to_owned());
        }
        through_runyard(exe, words, program, argv)
    }

    /// For people: name and value of each rule.
    pub(super) fn rules(&self) -> Vec<(&'static str, String)> {
        let mut rules = Vec::new();
        if let Some((_, _, name)) = &self.user {
            rules.push(("run_as", name.clone()));
        }
        if let Some(writable) = &self.writable {
            let folders: Vec<_> =
                writable.iter().map(|folder| folder.display().to_string()).collect();
            let how = if self.is_strict { Sandbox::Require } else { Sandbox::Try }.name();
            rules.push(("sandbox", format!("{how}: writes in {}", folders.join(", "))));
        }
        rules
    }
}

/// The command of `exe`, which is Runyard, that does what `words` say and then runs `program` with these
/// arguments, its own name first.
#[must_use]
pub fn through_runyard(
    exe: &Path,
    words: Vec<String>,
    program: &Path,
    argv: Vec<String>,
) -> (PathBuf, Vec<String>) {
    let head = std::iter::once("runyard".to_owned()).chain(words);
    let program = ["--".to_owned(), program.to_string_lossy().into_owned()];
    (exe.to_owned(), head.chain(program).chain(argv.into_iter().skip(1)).collect())
}
