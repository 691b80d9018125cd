//! The packages of a workspace: patterns of folders, as npm, yarn and pnpm read them.

use std::path::{Component, Path, PathBuf};

use globset::{GlobBuilder, GlobMatcher};
use walkdir::WalkDir;

use super::watch::Watch;

/// A workspace that makes us walk more folders than this has a pattern that is too wide.
const MOST_FOLDERS: usize = 20_000;
/// Packages are not nested deeper; a folder that is was generated.
const DEEPEST: usize = 12;
/// Folders that hold no packages of ours, and are large.
const NEVER_ENTERED: [&str; 3] = ["node_modules", ".git", ".runyard"];

/// The folders below `root` that the patterns name and that hold a package.json, by path.
/// A pattern that begins with `!` takes folders away. The error is in words.
pub(super) fn find_packages(
    root: &Path,
    patterns: &[String],
    watch: &mut Watch,
) -> Result<Vec<PathBuf>, String> {
    let (taken, kept): (Vec<_>, Vec<_>) =
        patterns.iter().partition(|pattern| pattern.starts_with('!'));
    let taken = taken
        .iter()
        .map(|pattern| compile(pattern.trim_start_matches('!')))
        .collect::<Result<Vec<_>, _>>()?;
    let mut found = Vec::new();
    let mut walked = 0;
    for pattern in kept {
        let matcher = compile(pattern)?;
        let (start, depth) = reach(pattern);
        let walk = WalkDir::new(root.join(start)).max_depth(depth).sort_by_file_name();
        let entered = walk.into_iter().filter_entry(|entry| {
            entry.file_type().is_dir()
                && !NEVER_ENTERED.iter().any(|name| entry.file_name() == *name)
        });
        // A folder that cannot be read is not a package.
        for entry in entered.filter_map(Result::ok) {
            walked += 1;
            if walked > MOST_FOLDERS {
                return Err(format!(
                    "the workspace pattern {pattern:?} reaches more than {MOST_FOLDERS} folders: \
                     name the folders of the packages more closely"
                ));
            }
            watch.look(entry.path());
            let Ok(relative) = entry.path().strip_prefix(root) else { continue };
            let is_package = matcher.is_match(relative)
                && !taken.iter().any(|pattern| pattern.is_match(relative))
                && watch.look(&entry.path().join("package.json"));
            if is_package && !relative.as_os_str().is_empty() {
                found.push(entry.into_path());
            }
        }
    }
    found.sort();
    found.dedup();
    Ok(found)
}

fn compile(pattern: &str) -> Result<GlobMatcher, String> {
    let tidy = tidy(pattern);
    let leaves = Path::new(tidy)
        .components()
        .any(|part| !matches!(part, Component::Normal(_) | Component::CurDir));
    if leaves {
        return Err(format!(
            "the workspace pattern {pattern:?} leaves the project: packages are below its folder"
        ));
    }
    GlobBuilder::new(tidy)
        .literal_separator(true)
        .build()
        .map(|glob| glob.compile_matcher())
        .map_err(|error| {
            format!("the workspace pattern {pattern:?} cannot be read: {}", error.kind())
        })
}

fn tidy(pattern: &str) -> &str {
    pattern.trim_start_matches("./").trim_end_matches('/')
}

/// The folder that everything the pattern matches is in, and how deep below it that can be.
fn reach(pattern: &str) -> (PathBuf, usize) {
    let parts: Vec<_> = tidy(pattern).split('/').collect();
    let is_plain = |part: &&&str| !part.contains(['*', '?', '[', '{', '\\']);
    let start = parts.iter().take_while(is_plain).count();
    let (plain, wild) = parts.split_at(start);
    // `{a,b/c}` and `**` match more folders than they have parts.
    let is_deep = wild.iter().any(|part| part.contains("**") || part.contains('{'));
    (plain.iter().collect(), if is_deep { DEEPEST } else { wild.len() })
}
