//! Which parts of a start are secrets: variables by their names, arguments by what the script takes,
//! and both by the word of the one who starts.

use std::collections::BTreeMap;

use app::model::{ArgKind, ArgSpec, SECRET_COVER as COVER, StartRequest};
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use super::{PlanError, launch};

/// `run.secret_env`, ready to be asked.
#[derive(Clone, Debug)]
pub struct SecretNames(GlobSet);

impl SecretNames {
    /// Patterns that are no globs match nothing; the configuration has refused them before.
    #[must_use]
    pub fn new(patterns: &[String]) -> Self {
        let mut builder = GlobSetBuilder::new();
        let globs =
            patterns.iter().map(|text| GlobBuilder::new(text).case_insensitive(true).build());
        for glob in globs.filter_map(Result::ok) {
            builder.add(glob);
        }
        Self(builder.build().unwrap_or_default())
    }

    /// Whether a variable of this name is a secret.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.0.is_match(name)
    }
}

/// The secrets among the arguments of a start.
#[derive(Debug, Default)]
pub(super) struct SecretArgs {
    /// Place and value.
    found: Vec<(usize, String)>,
    /// All arguments as they are shown.
    shown: Vec<String>,
}

impl SecretArgs {
    /// Those that `specs` or the start itself call secret.
    ///
    /// # Errors
    /// A place without an argument, or a cover in the place of a secret.
    pub(super) fn find(
        request: &StartRequest,
        specs: Option<&[ArgSpec]>,
    ) -> Result<Self, PlanError> {
        let args = &request.args;
        if let Some(place) = request.secret_args.iter().find(|place| **place >= args.len()) {
            let what = format!("secretArgs has {place}, and the last of args is {}", args.len());
            return Err(PlanError::SecretUnknown { what });
        }
        let mut places = request.secret_args.clone();
        places.extend(specs.map(|specs| places_by_specs(args, specs)).unwrap_or_default());
        places.sort_unstable();
        places.dedup();
        let mut this = Self { found: Vec::new(), shown: args.clone() };
        for place in places {
            let value_at = match args[place].split_once('=') {
                Some((name, _)) if name.starts_with('-') => name.len() + 1,
                _ => 0,
            };
            let (name, value) = args[place].split_at(value_at);
            if value == COVER {
                let what = format!(
                    "argument {} is a secret, and {COVER} only stands for it: give it anew",
                    place + 1
                );
                return Err(PlanError::SecretUnknown { what });
            }
            this.shown[place] = format!("{name}{COVER}");
            this.found.push((place, value.to_owned()));
        }
        Ok(this)
    }

    /// A refusal without the secrets that it may quote.
    pub(super) fn hide(&self, error: PlanError) -> PlanError {
        let is_at = |position: usize| self.found.iter().any(|(place, _)| place + 1 == position);
        match error {
            PlanError::ArgumentDenied { position, rule, remedy, .. } if is_at(position) => {
                let what = "what run.arg_deny denies".to_owned();
                PlanError::ArgumentDenied { position, what, remedy, rule }
            }
            PlanError::ArgumentUnfit { mut why } => {
                for (place, value) in self.found.iter().filter(|(_, value)| !value.is_empty()) {
                    // A refusal quotes an argument, or its name alone.
                    why = why.replace(&format!("{value:?}"), COVER);
                    if why.contains(value.as_str()) && value.starts_with('-') {
                        why = format!("argument {} is no option of it", place + 1);
                    }
                }
                PlanError::ArgumentUnfit { why }
            }
            other => other,
        }
    }

    /// A command line that ends with the arguments, as it is shown.
    pub(super) fn cover(&self, line: &str, args: &[String]) -> Result<String, PlanError> {
        let given = launch::append_args("", args)?;
        match line.strip_suffix(&given) {
            Some(before) if !self.found.is_empty() => {
                launch::append_args(before.trim_end(), &self.shown)
            }
            _ => Ok(line.to_owned()),
        }
    }

    /// The arguments as they are shown, and what is to be shown nowhere: their secrets, and those of
    /// the environment.
    ///
    /// # Errors
    /// A variable that is called secret and is not there.
    pub(super) fn with_env(
        self,
        request: &StartRequest,
        env: &BTreeMap<String, String>,
        is_secret: impl Fn(&str) -> bool,
    ) -> Result<(Vec<String>, Vec<String>), PlanError> {
        if let Some(name) = request.secret_env.iter().find(|name| !env.contains_key(*name)) {
            let what = format!("secretEnv has {name:?}, which is no variable of this start");
            return Err(PlanError::SecretUnknown { what });
        }
        let of_env = env
            .iter()
            .filter(|(name, _)| is_secret(name) || request.secret_env.contains(name))
            .map(|(_, value)| value.clone());
        let of_args = self.found.into_iter().map(|(_, value)| value);
        let mut secrets: Vec<String> =
            of_args.chain(of_env).filter(|value| !value.is_empty()).collect();
        secrets.sort_unstable();
        secrets.dedup();
        Ok((self.shown, secrets))
    }
}

/// Where the arguments of kind `secret` stand. What does not fit is refused elsewhere.
fn places_by_specs(args: &[String], specs: &[ArgSpec]) -> Vec<usize> {
    let mut places = Vec::new();
    let mut positional = specs.iter().filter(|spec| !spec.name.starts_with("--"));
    let mut rest = args.iter().enumerate();
    while let Some((place, arg)) = rest.next() {
        if !arg.starts_with("--") {
            if positional.next().is_some_and(|spec| spec.kind == ArgKind::Secret) {
                places.push(place);
            }
            continue;
        }
        let (name, has_value) = match arg.split_once('=') {
            Some((name, _)) => (name, true),
            None => (arg.as_str(), false),
        };
        let kind = specs.iter().find(|spec| spec.name == name).map(|spec| spec.kind);
        let value_place = match (kind, has_value) {
            (Some(ArgKind::Switch) | None, _) => None,
            (Some(_), true) => Some(place),
            (Some(_), false) => rest.next().map(|(place, _)| place),
        };
        if kind == Some(ArgKind::Secret) {
            places.extend(value_place);
        }
    }
    places
}
