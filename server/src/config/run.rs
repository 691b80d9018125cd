//! `[run]`: how scripts are run and what they may be given.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use app::model::ArgSpec;

use super::choice::choice;
use super::key::{Key, Takes};
use super::setting::{Rejected, Setting};
use super::{Invalid, RunAs, Sandbox, arg_spec};

choice! {
    /// What runs the scripts of package.json.
    RunnerChoice, "runner", "the runners are":
    /// As `packageManager` says, then as the lockfile does, then npm.
    #[default]
    Auto = "auto",
    /// The script itself with `sh -c`: no package manager in between.
    Native = "native",
    /// `npm run`.
    Npm = "npm",
    /// `pnpm run`.
    Pnpm = "pnpm",
    /// `yarn run`.
    Yarn = "yarn",
    /// `bun run`.
    Bun = "bun",
}

/// Something that no argument may have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ArgDeny {
    /// This text, anywhere. Written as it is.
    Text(String),
    /// `..` as a part of a path. Written `path:parent`.
    ParentPath,
    /// An absolute path that leads out of the project. Written `path:outside`.
    OutsidePath,
}

impl FromStr for ArgDeny {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.strip_prefix("path:") {
            _ if text.is_empty() => Err("an empty text would deny every argument".to_owned()),
            None => Ok(Self::Text(text.to_owned())),
            Some("parent") => Ok(Self::ParentPath),
            Some("outside") => Ok(Self::OutsidePath),
            Some(_) => Err(format!(
                "{text:?} is no rule: the rules are path:parent (.. in a path) and path:outside \
                 (absolute paths outside the project); anything else is a text that is denied as it is"
            )),
        }
    }
}

impl fmt::Display for ArgDeny {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text(text) => text,
            Self::ParentPath => "path:parent",
            Self::OutsidePath => "path:outside",
        })
    }
}

/// How scripts are run and what they may be given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunConfig {
    /// What runs the scripts of package.json.
    pub runner: RunnerChoice,
    /// Seconds between the signal that asks a process to end and the one that ends it.
    pub grace_s: u64,
    /// Names of environment variables that pass to scripts, from Runyard's environment and from a
    /// start; `*` is any text.
    pub env_allow: Vec<String>,
    /// Names of environment variables whose values are secrets; `*` is any text.
    pub secret_env: Vec<String>,
    /// Who scripts run as; `None` is whoever runs Runyard.
    pub run_as: Option<RunAs>,
    /// Whether they are kept from writing outside their projects.
    pub sandbox: Sandbox,
    /// Folders that they may write in all the same.
    pub sandbox_write: Vec<PathBuf>,
    /// What no argument may have.
    pub arg_deny: Vec<ArgDeny>,
    /// `[run.args]`: which arguments a script takes, by its name or `PROJECT/SCRIPT`.
    pub args: Vec<(String, Vec<ArgSpec>)>,
    /// `[run.commands]`: further scripts of the first project, name and command line.
    pub commands: Vec<(String, String)>,
}

impl Default for RunConfig {
    fn default() -> Self {
        let env_allow = ["NODE_*", "NPM_*", "YARN_*", "BUN_*", "CI", "PORT", "FORCE_COLOR"];
        let secret_env = ["*TOKEN", "*PASSWORD", "*PASSWD", "*SECRET", "*_KEY", "*APIKEY"];
        let shell = [";", "&", "|", "<", ">", "$", "(", ")", "`"];
        let mut arg_deny: Vec<_> = shell.map(|text| ArgDeny::Text(text.to_owned())).into();
        arg_deny.extend([ArgDeny::ParentPath, ArgDeny::OutsidePath]);
        Self {
            runner: RunnerChoice::Auto,
            grace_s: 10,
            env_allow: env_allow.map(str::to_owned).into(),
            secret_env: secret_env.map(str::to_owned).into(),
            run_as: None,
            sandbox: Sandbox::Off,
            sandbox_write: Vec::new(),
            arg_deny,
            args: Vec::new(),
            commands: Vec::new(),
        }
    }
}

impl RunConfig {
    pub(super) const SECTION: &str = "run";
    pub(super) const KEYS: &[Key] = &[
        Key::new(
            "runner",
            Takes::Choice(RunnerChoice::NAMES),
            "What runs the scripts of package.json",
        ),
        Key::new(
            "grace_s",
            Takes::Number(0, 3600),
            "Seconds between the signal that asks a process to end and SIGKILL",
        ),
        Key::new("env_allow", Takes::Texts, "Variables that reach scripts; * is any text"),
        Key::new("secret_env", Takes::Texts, "Variables whose values are secrets; * is any text"),
        Key::new("run_as", Takes::Text, "Who scripts run as: USER or USER:GROUP"),
        Key::new(
            "sandbox",
            Takes::Choice(Sandbox::NAMES),
            "Whether scripts can write in their project and temporary folders alone",
        ),
        Key::new("sandbox_write", Takes::Texts, "Further folders that they can write in"),
        Key::new(
            "arg_deny",
            Takes::Texts,
            "What no argument of a start may have: texts, path:parent, path:outside",
        ),
        Key::new(
            "args",
            Takes::Table,
            "Which arguments a script takes, by the script or project/script",
        ),
        Key::new("commands", Takes::Table, "Command lines that can be started, by their names"),
    ];

    pub(super) fn set(&mut self, setting: &Setting) -> Result<(), Rejected> {
        match setting.key.as_str() {
            "runner" => self.runner = setting.text()?.parse().map_err(Rejected::BadValue)?,
            "grace_s" => self.grace_s = setting.number()?,
            "env_allow" => self.env_allow = setting.list()?,
            "run_as" => self.run_as = Some(setting.text()?.parse().map_err(Rejected::BadValue)?),
            "sandbox" => self.sandbox = setting.text()?.parse().map_err(Rejected::BadValue)?,
            "sandbox_write" => {
                let folders = setting.list()?;
                self.sandbox_write = folders.iter().map(|it| setting.base.join(it)).collect();
            }
            "secret_env" => self.secret_env = setting.list()?,
            "arg_deny" => {
                let rules =
                    setting.list()?.iter().map(|rule| rule.parse()).collect::<Result<_, _>>();
                self.arg_deny = rules.map_err(Rejected::BadValue)?;
            }
            "args" => {
                let parse = |(name, words): (String, String)| match arg_spec::parse(&words) {
                    Ok(specs) => Ok((name, specs)),
                    Err(why) => Err(Rejected::BadValue(format!("{name}: {why}"))),
                };
                self.args = setting.table()?.into_iter().map(parse).collect::<Result<_, _>>()?;
            }
            "commands" => self.commands = setting.table()?,
            _ => return Err(Rejected::UnknownKey),
        }
        Ok(())
    }

    /// Which arguments a script takes; `None` when nothing is said, and it takes any.
    #[must_use]
    pub fn args_of(&self, project: &str, script: &str) -> Option<&[ArgSpec]> {
        let exact = format!("{project}/{script}");
        let found = |name: &str| self.args.iter().find(|(said, _)| said == name);
        found(&exact).or_else(|| found(script)).map(|(_, specs)| specs.as_slice())
    }

    /// Whether the values can be worked with.
    ///
    /// # Errors
    /// A grace of more than an hour, a name no variable can have, a command without text.
    pub fn validate(&self) -> Result<(), Invalid> {
        if self.grace_s > 3600 {
            let message = format!("expected 0 to 3600 seconds, got {}", self.grace_s);
            return Err(Invalid { key: "grace_s", message });
        }
        for (key, names) in [("env_allow", &self.env_allow), ("secret_env", &self.secret_env)] {
            check_patterns(names).map_err(|message| Invalid { key, message })?;
        }
        if let Some(Err(message)) = self.run_as.as_ref().map(RunAs::check) {
            return Err(Invalid { key: "run_as", message });
        }
        let empty = |text: &str| text.trim().is_empty();
        if let Some((name, _)) = self.commands.iter().find(|(n, c)| empty(n) || empty(c)) {
            let message = format!("the command {name:?} needs a name and a command line");
            return Err(Invalid { key: "commands", message });
        }
        Ok(())
    }
}

/// Whether each can be a pattern of names of variables.
pub(super) fn check_patterns(names: &[String]) -> Result<(), String> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '*';
    match names.iter().find(|name| name.is_empty() || !name.chars().all(is_name)) {
        None => Ok(()),
        Some(bad) => Err(format!(
            "{bad:?} is no name of a variable: letters, digits, _ and * for any text, as in NODE_*"
        )),
    }
}
