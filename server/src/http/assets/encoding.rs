//! `Accept-Encoding`: which forms of a file a client takes.

use axum::http::{HeaderMap, header};

/// A form of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    /// As it is.
    Identity,
    /// The smallest.
    Brotli,
    /// What everything understands.
    Gzip,
}

impl Encoding {
    /// The name in `Content-Encoding`; `None` when that header is left out.
    pub(super) fn name(self) -> Option<&'static str> {
        match self {
            Self::Identity => None,
            Self::Brotli => Some("br"),
            Self::Gzip => Some("gzip"),
        }
    }
}

/// Whether the client takes this form. A weight of 0 refuses it; other weights do not matter, as
/// the smallest form wins. `*` stands for whatever is not named.
pub(super) fn is_accepted(headers: &HeaderMap, encoding: Encoding) -> bool {
    let Some(name) = encoding.name() else { return true };
    let mut any = false;
    let values = headers.get_all(header::ACCEPT_ENCODING).iter();
    for item in values.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(',')) {
        let (coding, parameters) = item.split_once(';').unwrap_or((item, ""));
        let coding = coding.trim();
        let wanted = weight(parameters) > 0.0;
        if coding.eq_ignore_ascii_case(name) {
            return wanted;
        }
        any |= coding == "*" && wanted;
    }
    any
}

/// 1 when there is none; 0 when it is no number, which is the careful reading.
fn weight(parameters: &str) -> f32 {
    let parameters = parameters.trim();
    let text = parameters.strip_prefix("q=").or_else(|| parameters.strip_prefix("Q="));
    text.map_or(1.0, |text| text.trim().parse().unwrap_or(0.0))
}
