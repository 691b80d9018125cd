//! Puts the site into the binary.
//!
//! With the feature `embed`, every file of the site folder (`RUNYARD_SITE_DIR`, or `site` in the
//! target folder, where `make build` leaves it) becomes a row of a table that `http::assets`
//! includes: the folder of the page's files gets a name that is a hash of all of them, so that
//! browsers may keep them for ever and they find each other by relative addresses, and what
//! compresses is compressed here, once and at the best level. Without the feature the table is empty, and the server reads the folder.

// A build script speaks to cargo on its standard output.
#![allow(clippy::print_stdout)]

use std::env;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

type Result<T, E = Box<dyn Error>> = std::result::Result<T, E>;

fn main() -> Result<()> {
    println!("cargo::rerun-if-changed=build.rs");
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let site = default_site(&out)?;
    let source = table(&site, &out)?;
    fs::write(out.join("assets.rs"), source)?;
    Ok(())
}

/// `TARGET/site`; the folder of a build script's output is `TARGET/PROFILE/build/NAME/out`.
fn default_site(out: &Path) -> Result<PathBuf> {
    let target = out.ancestors().nth(4).ok_or("the output folder is in no target folder")?;
    Ok(target.join("site"))
}

#[cfg(not(feature = "embed"))]
fn table(site: &Path, _out: &Path) -> Result<String> {
    Ok(format!(
        "/// Where the build leaves the site.\n\
         pub(super) const SITE_DIR: &str = {site:?};\n\
         pub(super) static ASSETS: &[EmbeddedAsset] = &[];\n"
    ))
}

#[cfg(feature = "embed")]
fn table(site: &Path, out: &Path) -> Result<String> {
    embed::table(site, out)
}

#[cfg(feature = "embed")]
mod embed {
    use std::env;
    use std::fmt::Write as _;
    use std::fs;
    use std::io::Write as _;
    use std::path::{Path, PathBuf};

    use brotli::enc::BrotliEncoderParams;
    use brotli::enc::backward_references::BrotliEncoderMode;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use sha2::{Digest, Sha256};

    use super::Result;

    /// The files that a page names; there are others beside them, which these load.
    const PAGE_FILES: [&str; 4] =
        ["pkg/runyard.js", "pkg/runyard.wasm", "pkg/runyard.css", "pkg/plain.css"];
    /// Where the page's files are.
    const PAGE_DIR: &str = "pkg/";
    /// What becomes smaller; the other formats are compressed in themselves.
    const COMPRESSIBLE: [&str; 10] =
        ["css", "html", "js", "json", "mjs", "svg", "txt", "wasm", "webmanifest", "xml"];

    /// The source of the table; the compressed files go to the output folder.
    pub(super) fn table(default_site: &Path, out: &Path) -> Result<String> {
        println!("cargo::rerun-if-env-changed=RUNYARD_SITE_DIR");
        let site = env::var_os("RUNYARD_SITE_DIR").map_or(default_site.to_owned(), PathBuf::from);
        println!("cargo::rerun-if-changed={}", site.display());

        for file in PAGE_FILES {
            if !site.join(file).is_file() {
                let site = site.display();
                return Err(format!("{site} has no {file}: `make build` builds the site").into());
            }
        }

        // No folder to read files from, and no path of the building machine in the binary.
        let mut source = String::from(
            "pub(super) const SITE_DIR: &str = \"\";\n\
             pub(super) static ASSETS: &[EmbeddedAsset] = &[\n",
        );
        let names = files(&site)?;
        let page = page_hash(&site, &names)?;
        for (number, name) in names.iter().enumerate() {
            let file = site.join(name).canonicalize()?;
            let row = row(name, &page, &file, &out.join(number.to_string()))?;
            source.push_str(&row);
        }
        source.push_str("];\n");
        Ok(source)
    }

    /// The paths of all files below the site, with `/` between, in order: the build repeats.
    fn files(site: &Path) -> Result<Vec<String>> {
        let mut found = Vec::new();
        let mut folders = vec![site.to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder)? {
                let path = entry?.path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                let name = path.strip_prefix(site)?.to_str().ok_or("a file name is not utf-8")?;
                // Declarations and the manifest are for those who compile against the frontend.
                if !name.ends_with(".d.ts") && !name.ends_with("_manifest.json") {
                    found.push(name.to_owned());
                }
            }
        }
        found.sort();
        Ok(found)
    }

    /// Of all files of the page, with their names.
    fn page_hash(site: &Path, names: &[String]) -> Result<String> {
        let mut content = Vec::new();
        for name in names.iter().filter(|name| name.starts_with(PAGE_DIR)) {
            content.extend_from_slice(name.as_bytes());
            content.extend(fs::read(site.join(name))?);
        }
        hash(&content)
    }

    /// One row; `out` begins the names of what is written for it.
    fn row(name: &str, page: &str, file: &Path, out: &Path) -> Result<String> {
        let raw = fs::read(file)?;
        let hash = hash(&raw)?;
        let page_file = name.strip_prefix(PAGE_DIR);
        let path = match page_file {
            Some(rest) => format!("/{PAGE_DIR}{page}/{rest}"),
            None => format!("/{name}"),
        };
        let extension = Path::new(name).extension().and_then(|e| e.to_str()).unwrap_or_default();
        let (br, gz) = if COMPRESSIBLE.contains(&extension) {
            (
                keep(&raw, &brotli(&raw)?, &out.with_extension("br"))?,
                keep(&raw, &gzip(&raw)?, &out.with_extension("gz"))?,
            )
        } else {
            (None, None)
        };
        Ok(format!(
            "    EmbeddedAsset {{ path: {path:?}, hash: {hash:?}, immutable: {immutable}, \
             raw: include_bytes!({file:?}), br: {br}, gz: {gz} }},\n",
            immutable = page_file.is_some(),
            br = include(br.as_deref()),
            gz = include(gz.as_deref()),
        ))
    }

    /// The first 16 hexadecimal digits of the content's SHA-256.
    fn hash(content: &[u8]) -> Result<String> {
        let mut text = String::with_capacity(16);
        for byte in Sha256::digest(content).iter().take(8) {
            write!(text, "{byte:02x}")?;
        }
        Ok(text)
    }

    /// The logarithm of the size of a block that suits code; 0 leaves it to the encoder.
    const CODE_BLOCK: i32 = 20;

    /// The smaller of two: what helps text does not help code, and the encoder does not look which it is.
    fn brotli(content: &[u8]) -> Result<Vec<u8>> {
        let text = brotli_as(BrotliEncoderMode::BROTLI_MODE_GENERIC, 0, content)?;
        let code = brotli_as(BrotliEncoderMode::BROTLI_MODE_FONT, CODE_BLOCK, content)?;
        Ok(if code.len() < text.len() { code } else { text })
    }

    fn brotli_as(mode: BrotliEncoderMode, lgblock: i32, content: &[u8]) -> Result<Vec<u8>> {
        let params = BrotliEncoderParams {
            mode,
            quality: 11,
            lgwin: 22,
            lgblock,
            size_hint: content.len(),
            ..BrotliEncoderParams::default()
        };
        let mut packed = Vec::new();
        brotli::BrotliCompress(&mut &content[..], &mut packed, &params)?;
        Ok(packed)
    }

    fn gzip(content: &[u8]) -> Result<Vec<u8>> {
        let mut packer = GzEncoder::new(Vec::new(), Compression::best());
        packer.write_all(content)?;
        Ok(packer.finish()?)
    }

    /// Writes the compressed form, when it is worth it.
    fn keep(raw: &[u8], packed: &[u8], file: &Path) -> Result<Option<PathBuf>> {
        if packed.len() >= raw.len() {
            return Ok(None);
        }
        fs::write(file, packed)?;
        Ok(Some(file.to_owned()))
    }

    fn include(file: Option<&Path>) -> String {
        file.map_or("None".to_owned(), |file| format!("Some(include_bytes!({file:?}))"))
    }
}
