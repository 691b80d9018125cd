//! The pages of administration, for the bar above each of them and for the palette.

/// Address, title, whether it is for an admin alone.
const PAGES: [(&str, &str, bool); 5] = [
    ("/account", "Account", false),
    ("/sessions", "Sessions", false),
    ("/tokens", "Tokens", false),
    ("/people", "People", true),
    ("/audit", "Audit", false),
];

/// Address and title of each that one may see.
pub(crate) fn pages_of_admin(is_admin: bool) -> impl Iterator<Item = (&'static str, &'static str)> {
    let seen = PAGES.into_iter().filter(move |(.., is_for_admin)| is_admin || !is_for_admin);
    seen.map(|(path, title, _)| (path, title))
}
