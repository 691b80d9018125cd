//! Near names for one that does not exist: most unknown names are misspelt known ones.

/// How alike two names must be (Jaro-Winkler, 0 to 1); below it a suggestion misleads.
const ALIKE: f64 = 0.75;

/// The known names that are like `name`, the most alike first, at most three.
#[must_use]
pub fn near_names<'a>(name: &str, known: &[&'a str]) -> Vec<&'a str> {
    let wanted = name.to_lowercase();
    let mut near: Vec<(f64, &str)> = known
        .iter()
        .map(|candidate| (strsim::jaro_winkler(&wanted, &candidate.to_lowercase()), *candidate))
        .filter(|(likeness, _)| *likeness >= ALIKE)
        .collect();
    near.sort_by(|a, b| b.0.total_cmp(&a.0));
    near.into_iter().take(3).map(|(_, candidate)| candidate).collect()
}

/// "did you mean X?" when a name is near, and in any case the known ones, introduced by `known_are`.
#[must_use]
pub fn suggest(known_are: &str, name: &str, known: &[&str]) -> String {
    /// Longer lists help nobody.
    const SHOWN: usize = 12;
    let mut all = known.iter().take(SHOWN).copied().collect::<Vec<_>>().join(", ");
    if known.len() > SHOWN {
        all.push_str(&format!(" and {} more", known.len() - SHOWN));
    }
    if all.is_empty() {
        all.push_str("none");
    }
    match near_names(name, known).first() {
        Some(near) => format!("did you mean {near}? {known_are}: {all}"),
        None => format!("{known_are}: {all}"),
    }
}
