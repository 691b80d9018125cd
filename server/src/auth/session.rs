//! The session cookie. Scripts cannot read it and other sites cannot send it; that it is a token
//! with the audience `session` is `token`'s business.

use std::time::Duration;

use cookie::{Cookie, SameSite};

use super::FLOW_TTL;

/// Between the two halves of a sign-in at a provider, what belongs to it.
const SIGN_ON_COOKIE: &str = "runyard_sign_on";

/// The cookie's name.
pub const SESSION_COOKIE: &str = "runyard_session";
/// What stands before it over TLS: browsers then take the cookie from this host alone, over TLS, and
/// for all of its paths, so no other name of the same domain can plant one.
const HOST_PREFIX: &str = "__Host-";

/// How long a session is good for.
pub const SESSION_TTL: Duration = Duration::from_secs(7 * 24 * 3600);

/// The value of `Set-Cookie` that begins a session. `secure`: the browser came by TLS, and is to
/// send it no other way.
#[must_use]
pub fn session_cookie(token: &str, secure: bool) -> String {
    build(SESSION, token, SESSION_TTL, secure)
}

/// The value of `Set-Cookie` that ends a session.
#[must_use]
pub fn expired_session_cookie(secure: bool) -> String {
    build(SESSION, "", Duration::ZERO, secure)
}

/// The value of `Set-Cookie` for the way to a provider and back. The way back begins at another
/// site, so it is `Lax`: sent when the browser comes from there, and with nothing that a page there
/// asks for by itself.
#[must_use]
pub fn sign_on_cookie(kept: &str, secure: bool) -> String {
    build(SIGN_ON, kept, FLOW_TTL, secure)
}

/// The value of `Set-Cookie` that takes it away.
#[must_use]
pub fn expired_sign_on_cookie(secure: bool) -> String {
    build(SIGN_ON, "", Duration::ZERO, secure)
}

/// Name, and who may cause that it is sent.
type Kind = (&'static str, SameSite);
const SESSION: Kind = (SESSION_COOKIE, SameSite::Strict);
const SIGN_ON: Kind = (SIGN_ON_COOKIE, SameSite::Lax);

fn build((name, same_site): Kind, value: &str, max_age: Duration, secure: bool) -> String {
    let seconds = i64::try_from(max_age.as_secs()).unwrap_or(i64::MAX);
    Cookie::build((full_name(name, secure), value))
        // The prefix is for cookies of all paths.
        .path("/")
        .http_only(true)
        .same_site(same_site)
        .secure(secure)
        .max_age(cookie::time::Duration::seconds(seconds))
        .build()
        .to_string()
}

fn full_name(name: &str, secure: bool) -> String {
    if secure { format!("{HOST_PREFIX}{name}") } else { name.to_owned() }
}

/// The session token in the value of a `Cookie` header; the first, if there are several. `secure` as
/// for [`session_cookie`].
#[must_use]
pub fn read_session_cookie(header: &str, secure: bool) -> Option<String> {
    read(&full_name(SESSION_COOKIE, secure), header)
}

/// What belongs to a sign-in at a provider, in the value of a `Cookie` header. `secure` as for
/// [`session_cookie`].
#[must_use]
pub fn read_sign_on_cookie(header: &str, secure: bool) -> Option<String> {
    read(&full_name(SIGN_ON_COOKIE, secure), header)
}

fn read(name: &str, header: &str) -> Option<String> {
    Cookie::split_parse(header)
        .filter_map(Result::ok)
        .find(|cookie| cookie.name() == name)
        .map(|cookie| cookie.value().to_owned())
        .filter(|token| !token.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cookie_is_out_of_reach_of_scripts_and_other_sites() {
        assert_eq!(
            session_cookie("a.b.c", false),
            "runyard_session=a.b.c; HttpOnly; SameSite=Strict; Path=/; Max-Age=604800"
        );
        assert_eq!(
            session_cookie("a.b.c", true),
            "__Host-runyard_session=a.b.c; HttpOnly; SameSite=Strict; Secure; Path=/; Max-Age=604800"
        );
    }

    #[test]
    fn the_cookie_of_a_sign_in_at_a_provider_is_short_lived() {
        assert_eq!(
            sign_on_cookie("sealed", false),
            "runyard_sign_on=sealed; HttpOnly; SameSite=Lax; Path=/; Max-Age=600"
        );
        assert_eq!(
            sign_on_cookie("sealed", true),
            "__Host-runyard_sign_on=sealed; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=600"
        );
        assert!(expired_sign_on_cookie(true).starts_with("__Host-runyard_sign_on=;"));
        let both = "runyard_sign_on=planted; __Host-runyard_sign_on=own";
        assert_eq!(read_sign_on_cookie(both, true).as_deref(), Some("own"));
        assert_eq!(read_sign_on_cookie("runyard_sign_on=planted", true), None);
        assert_eq!(read_sign_on_cookie(both, false).as_deref(), Some("planted"));
        assert_eq!(read_session_cookie("runyard_sign_on=sealed", false), None);
    }

    #[test]
    fn signing_out_takes_it_away() {
        let cookie = expired_session_cookie(false);
        assert!(cookie.starts_with("runyard_session=;"), "{cookie}");
        assert!(cookie.ends_with("Path=/; Max-Age=0"), "{cookie}");
    }

    #[test]
    fn over_tls_only_the_one_that_nobody_else_can_plant_counts() {
        let both = "runyard_session=planted; __Host-runyard_session=own";
        assert_eq!(read_session_cookie(both, true).as_deref(), Some("own"));
        assert_eq!(read_session_cookie("runyard_session=planted", true), None);
        assert_eq!(read_session_cookie(both, false).as_deref(), Some("planted"));
    }

    #[test]
    fn it_is_found_among_others() {
        for (header, expected) in [
            ("runyard_session=a.b.c", Some("a.b.c")),
            ("theme=dark; runyard_session=a.b.c; x=y", Some("a.b.c")),
            ("broken; runyard_session=a.b.c", Some("a.b.c")),
            ("runyard_session=a; runyard_session=b", Some("a")),
            ("runyard_session=", None),
            ("not_runyard_session=a.b.c", None),
            ("", None),
        ] {
            assert_eq!(read_session_cookie(header, false).as_deref(), expected, "{header}");
        }
    }
}
