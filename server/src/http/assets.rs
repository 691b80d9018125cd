//! The site's files: scripts, styles, icons.
//!
//! A release carries them ([`embedded`]), hashed and compressed by `build.rs`, so that one file is
//! the whole program. A build without the feature `embed` has an empty table and reads the folder
//! that the frontend was built into ([`folder`]), so that a change of the page needs no build of the
//! server. Both go the same way from there: [`Found`] becomes a response here.

mod embedded;
mod encoding;
mod folder;
#[cfg(test)]
mod tests;

use std::path::PathBuf;

use app::admin::PlainStyles;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;

use embedded::EmbeddedAsset;
use encoding::Encoding;
use folder::Folder;

/// Names another folder than the build's for the site, in builds that do not carry it.
const SITE_DIR_VARIABLE: &str = "RUNYARD_SITE_DIR";
/// The name changes with the content: a year is as good as for ever.
const IMMUTABLE: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
/// Kept, but never used without asking.
const REVALIDATE: HeaderValue = HeaderValue::from_static("no-cache");

/// The paths that a page has to name, as this build serves them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssetUrls {
    /// The module that loads the WASM file.
    pub js: String,
    /// The compiled frontend.
    pub wasm: String,
    /// The style sheet.
    pub css: String,
    /// What plain pages need besides.
    pub plain_css: String,
}

/// All files of the site.
#[derive(Debug)]
pub struct Assets {
    source: Source,
    urls: AssetUrls,
}

#[derive(Debug)]
enum Source {
    Embedded(&'static [EmbeddedAsset]),
    Folder(Folder),
}

/// One file in the form that suits the client best.
#[derive(Debug)]
struct Found {
    content: Bytes,
    encoding: Encoding,
    /// Whether other forms exist, so that a cache must tell them apart.
    varies: bool,
    /// With its quotes.
    etag: String,
    immutable: bool,
}

impl Default for Assets {
    fn default() -> Self {
        Self::new()
    }
}

impl Assets {
    /// The site that the binary carries, or else the folder that `RUNYARD_SITE_DIR` names, or else
    /// the one that the build filled.
    #[must_use]
    pub fn new() -> Self {
        if embedded::ASSETS.is_empty() {
            let dir = std::env::var_os(SITE_DIR_VARIABLE).unwrap_or(embedded::SITE_DIR.into());
            Self::from_folder(PathBuf::from(dir))
        } else {
            Self::from_table(embedded::ASSETS)
        }
    }

    fn from_table(table: &'static [EmbeddedAsset]) -> Self {
        Self { source: Source::Embedded(table), urls: embedded::urls(table) }
    }

    fn from_folder(dir: PathBuf) -> Self {
        let file = |name| format!("/pkg/{name}");
        let urls = AssetUrls {
            js: file("runyard.js"),
            wasm: file("runyard.wasm"),
            css: file("runyard.css"),
            plain_css: file("plain.css"),
        };
        Self { source: Source::Folder(Folder::new(dir)), urls }
    }

    /// The style sheets of a page that only the server renders.
    #[must_use]
    pub fn plain_styles(&self) -> PlainStyles {
        PlainStyles { all: self.urls.css.clone(), plain: self.urls.plain_css.clone() }
    }

    /// The paths that a page has to name.
    #[must_use]
    pub fn urls(&self) -> AssetUrls {
        self.urls.clone()
    }

    /// The answer to a `GET` or `HEAD` of an asset: 200, or 304 when the client has it already.
    /// `None` for another method and for a path that is no asset.
    #[must_use]
    pub fn serve(&self, method: &Method, path: &str, headers: &HeaderMap) -> Option<Response> {
        if method != Method::GET && method != Method::HEAD {
            return None;
        }
        let found = match &self.source {
            Source::Embedded(table) => embedded::find(table, path, headers)?,
            Source::Folder(folder) => folder.find(path)?,
        };
        Some(respond(method, path, headers, found))
    }
}

fn respond(method: &Method, path: &str, headers: &HeaderMap, found: Found) -> Response {
    let unchanged = is_known(headers, &found.etag);
    let length = HeaderValue::from(found.content.len());
    let mut response = if unchanged {
        StatusCode::NOT_MODIFIED.into_response()
    } else if method == Method::HEAD {
        Body::empty().into_response()
    } else {
        Body::from(found.content).into_response()
    };

    let out = response.headers_mut();
    out.insert(header::CACHE_CONTROL, if found.immutable { IMMUTABLE } else { REVALIDATE });
    if let Ok(etag) = HeaderValue::try_from(found.etag) {
        out.insert(header::ETAG, etag);
    }
    if found.varies {
        out.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    }
    if !unchanged {
        out.insert(header::CONTENT_TYPE, content_type(path));
        out.insert(header::CONTENT_LENGTH, length);
        if let Some(name) = found.encoding.name() {
            out.insert(header::CONTENT_ENCODING, HeaderValue::from_static(name));
        }
    }
    response
}

/// Whether `If-None-Match` has this tag. A weak tag counts as the strong one, as the standard says
/// for this header.
fn is_known(headers: &HeaderMap, etag: &str) -> bool {
    let opaque = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    let etag = opaque(etag);
    headers
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|tag| tag.trim() == "*" || opaque(tag) == etag)
}

/// By the name's extension; every text of the site is UTF-8.
fn content_type(path: &str) -> HeaderValue {
    let mime = mime_guess::from_path(path).first_or_octet_stream();
    let text = if mime.type_() == "text" {
        format!("{}; charset=utf-8", mime.essence_str())
    } else {
        mime.essence_str().to_owned()
    };
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("application/octet-stream"))
}
