//! Addresses: whether one is well formed, whether it is this machine's, and whether others could
//! write on the line to it.

use std::net::{Ipv4Addr, Ipv6Addr};

use openidconnect::url::{Host, Url};

/// Whether what stands between `//` and the path, `HOST` or `HOST:PORT`, is this machine: 127.0.0.1,
/// [::1] or localhost.
#[must_use]
pub(crate) fn is_this_machine(authority: &str) -> bool {
    let (host, rest) = match authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some(split) => split,
        None => authority.split_at(authority.find(':').unwrap_or(authority.len())),
    };
    let is_port = |port: &str| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    // Nothing but a port may follow: what stands before an @ is no host.
    let is_whole = rest.is_empty() || rest.strip_prefix(':').is_some_and(is_port);
    let is_here = if authority.starts_with('[') {
        host.parse::<Ipv6Addr>() == Ok(Ipv6Addr::LOCALHOST)
    } else {
        host.eq_ignore_ascii_case("localhost") || host.parse() == Ok(Ipv4Addr::LOCALHOST)
    };
    is_whole && is_here
}

/// Whether what comes from an address can only be its owner's: by https, or from this machine.
#[must_use]
pub(crate) fn is_trustworthy(url: &Url) -> bool {
    let is_named = !url.host_str().unwrap_or_default().is_empty();
    let is_here = || match url.host() {
        Some(Host::Domain(name)) => is_this_machine(name),
        Some(Host::Ipv4(address)) => address == Ipv4Addr::LOCALHOST,
        Some(Host::Ipv6(address)) => address == Ipv6Addr::LOCALHOST,
        None => false,
    };
    is_named && (url.scheme() == "https" || (url.scheme() == "http" && is_here()))
}

/// An address as it is configured.
///
/// # Errors
/// In words, when it is none, has a user in it, or something behind its path.
pub(super) fn parse_address(text: &str) -> Result<Url, String> {
    let wrong = |why: &dyn std::fmt::Display| {
        format!("{text:?} is no address: {why}; write it as https://HOST/PATH")
    };
    // Whoever reads an address passes over these, and would see another one than is written.
    if text.chars().any(|c| c.is_whitespace() || c.is_control() || c == '\\') {
        return Err(wrong(&"it has a space, a control character or a backslash"));
    }
    let url = Url::parse(text).map_err(|error| wrong(&error))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(wrong(&"it begins with neither https:// nor http://"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong(&"there is a user in it"));
    }
    Ok(url)
}

/// An address that others are put behind.
///
/// # Errors
/// As [`parse_address`]; and when something stands behind the path.
pub(super) fn parse_base(text: &str) -> Result<Url, String> {
    let url = parse_address(text)?;
    if url.query().is_some() || url.fragment().is_some() {
        return Err(format!("{text:?} has a ? or # behind its path: leave that out"));
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_has_few_names() {
        for (authority, is_here) in [
            ("127.0.0.1:3147", true),
            ("127.0.0.1", true),
            ("localhost:3147", true),
            ("LocalHost", true),
            ("[::1]:3147", true),
            ("[::1]", true),
            ("[0:0:0:0:0:0:0:1]:1", true),
            ("localhost:", false),
            ("localhost:x", false),
            ("[::1]x:80", false),
            ("[::1", false),
            ("::1", false),
            ("[127.0.0.1]", false),
            ("127.0.0.1:80@evil.example", false),
            ("127.0.0.1@evil.example", false),
            ("evil.example@127.0.0.1", false),
            ("127.0.0.1.evil.example", false),
            ("localhost.evil.example", false),
            ("0.0.0.0", false),
            ("192.0.2.1:3147", false),
            ("", false),
        ] {
            assert_eq!(is_this_machine(authority), is_here, "{authority}");
        }
    }

    #[test]
    fn keys_come_over_a_line_that_nobody_else_writes_on() {
        for (url, good) in [
            ("https://id.example/jwks", true),
            ("http://127.0.0.1:8080/jwks", true),
            ("http://[::1]:8080/jwks", true),
            ("http://localhost/jwks", true),
            ("http://id.example/jwks", false),
            ("http://127.0.0.1.evil.example/jwks", false),
            ("http://127.0.0.1:80@evil.example/jwks", false),
            ("ftp://127.0.0.1/jwks", false),
            ("file:///etc/passwd", false),
            ("data:text/plain,x", false),
        ] {
            assert_eq!(is_trustworthy(&Url::parse(url).unwrap()), good, "{url}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused_in_words() {
        for (text, words) in [
            ("id.example", "write it as https://HOST/PATH"),
            ("https://", "empty host"),
            ("https://id.example:99999", "port"),
            ("https://id .example", "a space"),
            ("https://id.example/\n", "a control character"),
            ("https:\\\\id.example", "backslash"),
            ("ftp://id.example", "neither https://"),
            ("https://ada:secret@id.example", "a user in it"),
            ("https://[::1", "IPv6"),
        ] {
            let refused = parse_address(text).unwrap_err();
            assert!(refused.contains(words), "{text}: {refused}");
        }
        parse_address("https://id.example/keys?of=all").unwrap();
        for text in ["https://id.example/?a", "https://id.example/#a"] {
            assert!(parse_base(text).unwrap_err().contains("leave that out"), "{text}");
        }
        parse_base("https://id.example:8443/realms/one").unwrap();
    }
}
