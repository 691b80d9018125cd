//! The session cookie. Scripts cannot read it and other sites cannot send it; that it is a token
//! with the audience `session` is `token`'s business.

use std::time::Duration;

use cookie::{Cookie, SameSite};

/// The cookie's name.
pub const SESSION_COOKIE: &str = "runyard_session";

/// How long a session is good for.
pub const SESSION_TTL: Duration = Duration::from_secs(7 * 24 * 3600);

/// The value of `Set-Cookie` that begins a session. `secure`: the browser came by TLS, and is to
/// send it no other way.
#[must_use]
pub fn session_cookie(token: &str, secure: bool) -> String {
    build(token, SESSION_TTL, secure)
}

/// The value of `Set-Cookie` that ends a session.
#[must_use]
pub fn expired_session_cookie(secure: bool) -> String {
    build("", Duration::ZERO, secure)
}

fn build(value: &str, max_age: Duration, secure: bool) -> String {
    let seconds = i64::try_from(max_age.as_secs()).unwrap_or(i64::MAX);
    Cookie::build((SESSION_COOKIE, value))
        .path("/")
        .http_only(true)
        .same_site(SameSite::Strict)
        .secure(secure)
        .max_age(cookie::time::Duration::seconds(seconds))
        .build()
        .to_string()
}

/// The session token in the value of a `Cookie` header; the first, if there are several.
#[must_use]
pub fn read_session_cookie(header: &str) -> Option<String> {
    Cookie::split_parse(header)
        .filter_map(Result::ok)
        .find(|cookie| cookie.name() == SESSION_COOKIE)
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
        assert!(session_cookie("a.b.c", true).contains("; Secure"));
    }

    #[test]
    fn signing_out_takes_it_away() {
        let cookie = expired_session_cookie(false);
        assert!(cookie.starts_with("runyard_session=;"), "{cookie}");
        assert!(cookie.ends_with("Path=/; Max-Age=0"), "{cookie}");
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
            assert_eq!(read_session_cookie(header).as_deref(), expected, "{header}");
        }
    }
}
