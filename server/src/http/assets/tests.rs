use std::fs;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::Response;

use super::embedded::EmbeddedAsset;
use super::encoding::{Encoding, is_accepted};
use super::{AssetUrls, Assets};

static TABLE: &[EmbeddedAsset] = &[
    EmbeddedAsset {
        path: "/favicon.svg",
        hash: "aaaa",
        immutable: false,
        raw: b"<svg/>",
        br: None,
        gz: None,
    },
    EmbeddedAsset {
        path: "/pkg/dddd/plain.css",
        hash: "bbbb",
        immutable: true,
        raw: b"plain",
        br: None,
        gz: None,
    },
    EmbeddedAsset {
        path: "/pkg/dddd/runyard.css",
        hash: "cccc",
        immutable: true,
        raw: b"raw css",
        br: None,
        gz: Some(b"gz css"),
    },
    EmbeddedAsset {
        path: "/pkg/dddd/runyard.js",
        hash: "dddd",
        immutable: true,
        raw: b"raw js!",
        br: Some(b"br js"),
        gz: Some(b"gz js!"),
    },
    EmbeddedAsset {
        path: "/pkg/dddd/runyard.wasm",
        hash: "eeee",
        immutable: true,
        raw: b"raw wasm",
        br: None,
        gz: None,
    },
];

fn with(name: header::HeaderName, value: &'static str) -> HeaderMap {
    HeaderMap::from_iter([(name, HeaderValue::from_static(value))])
}

fn get(path: &str, headers: &HeaderMap) -> Option<Response> {
    Assets::from_table(TABLE).serve(&Method::GET, path, headers)
}

fn header(response: &Response, name: header::HeaderName) -> Option<&str> {
    response.headers().get(name).and_then(|value| value.to_str().ok())
}

async fn body(response: Response) -> Vec<u8> {
    let body: Body = response.into_body();
    axum::body::to_bytes(body, 1024).await.unwrap().to_vec()
}

#[test]
fn urls_are_the_names_with_a_hash() {
    let expected = AssetUrls {
        js: "/pkg/dddd/runyard.js".to_owned(),
        wasm: "/pkg/dddd/runyard.wasm".to_owned(),
        css: "/pkg/dddd/runyard.css".to_owned(),
        plain_css: "/pkg/dddd/plain.css".to_owned(),
    };
    assert_eq!(Assets::from_table(TABLE).urls(), expected);
}

#[tokio::test]
async fn the_smallest_form_that_the_client_takes_is_sent() {
    let js = "/pkg/dddd/runyard.js";
    let cases: [(HeaderMap, Option<&str>, &[u8]); 4] = [
        (with(header::ACCEPT_ENCODING, "gzip, deflate, br, zstd"), Some("br"), b"br js"),
        (with(header::ACCEPT_ENCODING, "gzip, br;q=0"), Some("gzip"), b"gz js!"),
        (with(header::ACCEPT_ENCODING, "zstd"), None, b"raw js!"),
        (HeaderMap::new(), None, b"raw js!"),
    ];
    for (headers, encoding, content) in cases {
        let response = get(js, &headers).unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(header(&response, header::CONTENT_ENCODING), encoding, "{headers:?}");
        assert_eq!(header(&response, header::VARY), Some("accept-encoding"));
        let length = content.len().to_string();
        assert_eq!(header(&response, header::CONTENT_LENGTH), Some(length.as_str()));
        assert_eq!(body(response).await, content, "{headers:?}");
    }
}

#[test]
fn types_and_lifetimes() {
    let any = HeaderMap::new();
    let cases = [
        ("/pkg/dddd/runyard.js", "text/javascript; charset=utf-8", true),
        ("/pkg/dddd/runyard.wasm", "application/wasm", true),
        ("/pkg/dddd/runyard.css", "text/css; charset=utf-8", true),
        ("/favicon.svg", "image/svg+xml", false),
    ];
    for (path, content_type, immutable) in cases {
        let response = get(path, &any).unwrap();
        assert_eq!(header(&response, header::CONTENT_TYPE), Some(content_type));
        let lifetime = if immutable { "public, max-age=31536000, immutable" } else { "no-cache" };
        assert_eq!(header(&response, header::CACHE_CONTROL), Some(lifetime));
    }
}

#[tokio::test]
async fn a_known_form_is_not_sent_again() {
    let js = "/pkg/dddd/runyard.js";
    let first = get(js, &with(header::ACCEPT_ENCODING, "br")).unwrap();
    assert_eq!(header(&first, header::ETAG), Some("\"dddd-br\""));

    let mut again = with(header::ACCEPT_ENCODING, "br");
    again.insert(header::IF_NONE_MATCH, HeaderValue::from_static("\"other\", W/\"dddd-br\""));
    let response = get(js, &again).unwrap();
    assert_eq!(response.status(), StatusCode::NOT_MODIFIED);
    assert_eq!(header(&response, header::ETAG), Some("\"dddd-br\""));
    assert_eq!(header(&response, header::CONTENT_ENCODING), None);
    assert!(body(response).await.is_empty());

    // The same file in another form is not what the client has.
    again.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
    assert_eq!(get(js, &again).unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn head_has_the_headers_of_get_and_no_body() {
    let assets = Assets::from_table(TABLE);
    let response = assets.serve(&Method::HEAD, "/favicon.svg", &HeaderMap::new()).unwrap();
    assert_eq!(header(&response, header::CONTENT_LENGTH), Some("6"));
    assert!(body(response).await.is_empty());
}

#[test]
fn other_methods_and_paths_are_no_assets() {
    let any = HeaderMap::new();
    assert!(Assets::from_table(TABLE).serve(&Method::POST, "/favicon.svg", &any).is_none());
    for path in ["/", "", "/pkg", "/pkg/runyard.js", "favicon.svg", "//favicon.svg"] {
        assert!(get(path, &any).is_none(), "{path}");
    }
}

#[test]
fn weights_and_wildcards_of_accept_encoding() {
    let accepted = |value| is_accepted(&with(header::ACCEPT_ENCODING, value), Encoding::Brotli);
    for value in ["br", "BR", "gzip , br;q=0.1", "*", "gzip;q=0, *;q=0.5", "br; Q=1"] {
        assert!(accepted(value), "{value}");
    }
    for value in ["", "gzip", "br;q=0", "br; q=0.000", "*, br;q=0", "*;q=0", "br;q=x", "brr"] {
        assert!(!accepted(value), "{value}");
    }
}

#[tokio::test]
async fn a_folder_serves_its_own_files_and_no_others() {
    let temp = tempfile::tempdir().unwrap();
    let site = temp.path().join("site");
    fs::create_dir_all(site.join("pkg")).unwrap();
    fs::write(site.join("pkg/runyard.js"), "js").unwrap();
    fs::write(site.join(".hidden"), "hidden").unwrap();
    fs::write(temp.path().join("secret"), "secret").unwrap();
    std::os::unix::fs::symlink(temp.path().join("secret"), site.join("link")).unwrap();
    let assets = Assets::from_folder(site);
    let get = |path: &str, headers: &HeaderMap| assets.serve(&Method::GET, path, headers);
    let any = HeaderMap::new();

    assert_eq!(assets.urls().js, "/pkg/runyard.js");
    let response = get("/pkg/runyard.js", &any).unwrap();
    assert_eq!(header(&response, header::CACHE_CONTROL), Some("no-cache"));
    let etag = response.headers()[header::ETAG].clone();
    assert_eq!(body(response).await, b"js");
    let known = HeaderMap::from_iter([(header::IF_NONE_MATCH, etag)]);
    assert_eq!(get("/pkg/runyard.js", &known).unwrap().status(), StatusCode::NOT_MODIFIED);

    let outside = [
        "/",
        "/pkg",
        "/pkg/",
        "/missing",
        "/.hidden",
        "/link",
        "/../secret",
        "/pkg/../../secret",
        "/%2e%2e/secret",
        "/pkg/..%2f..%2fsecret",
        "/..\\secret",
        "//etc/passwd",
    ];
    for path in outside {
        assert!(get(path, &any).is_none(), "{path}");
    }
    assert!(
        Assets::from_folder(temp.path().join("none")).serve(&Method::GET, "/x", &any).is_none()
    );
}
