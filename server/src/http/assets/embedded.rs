//! The site inside the binary: a table made by `build.rs`.

use axum::http::HeaderMap;
use bytes::Bytes;

use super::encoding::{self, Encoding};
use super::{AssetUrls, Found};

include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// One file of the site, in every form it is kept in.
#[derive(Debug)]
pub(super) struct EmbeddedAsset {
    /// The path of its URL; that of the page's files has a hash of all of them in it.
    pub(super) path: &'static str,
    /// Of the content, in hexadecimal.
    pub(super) hash: &'static str,
    /// The path changes with the content.
    pub(super) immutable: bool,
    /// As it is.
    pub(super) raw: &'static [u8],
    /// With brotli, where that is smaller.
    pub(super) br: Option<&'static [u8]>,
    /// With gzip, where that is smaller.
    pub(super) gz: Option<&'static [u8]>,
}

/// The files that a page names; the build makes sure that they are there.
pub(super) fn urls(table: &[EmbeddedAsset]) -> AssetUrls {
    let page_file = |name: &str| {
        let mut own = table.iter().filter(|asset| asset.immutable).map(|asset| asset.path);
        own.find(|path| path.ends_with(name)).unwrap_or_default().to_owned()
    };
    AssetUrls {
        js: page_file("/runyard.js"),
        wasm: page_file("/runyard.wasm"),
        css: page_file("/runyard.css"),
        plain_css: page_file("/plain.css"),
    }
}

/// The file at a path, in the smallest form that the client takes.
pub(super) fn find(table: &[EmbeddedAsset], path: &str, headers: &HeaderMap) -> Option<Found> {
    // A few dozen rows: nothing is faster than looking at them.
    let asset = table.iter().find(|asset| asset.path == path)?;
    let forms = [(Encoding::Brotli, asset.br), (Encoding::Gzip, asset.gz)];
    let (encoding, content) = forms
        .into_iter()
        .filter_map(|(encoding, content)| content.map(|content| (encoding, content)))
        .find(|(encoding, _)| encoding::is_accepted(headers, *encoding))
        .unwrap_or((Encoding::Identity, asset.raw));
    // Each form is other bytes, so each needs its own strong tag.
    let etag = match encoding.name() {
        Some(name) => format!("\"{}-{name}\"", asset.hash),
        None => format!("\"{}\"", asset.hash),
    };
    Some(Found {
        content: Bytes::from_static(content),
        encoding,
        varies: asset.br.is_some() || asset.gz.is_some(),
        etag,
        immutable: asset.immutable,
    })
}
