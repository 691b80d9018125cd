//! The browser's entry: hydrates the page that the server rendered, and nothing else.

// The page is one type, and a deep one.
#![recursion_limit = "512"]

use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsError, JsValue};

/// Nobody reads it. The splitter gives each part of the module what it needs of the constants, which
/// takes a few bytes more for their alignment; where that is more than all constants took before, it
/// leaves all of them in the first part, 50 KB more to load. What it drops of this makes room for it.
#[used]
static ROOM: [u8; 4096] = [1; 4096];

/// Called by the page's script once the WASM module is there: loads what the page needs besides.
///
/// # Errors
///
/// A part that this page needs could not be loaded; the page stays as the server rendered it.
#[wasm_bindgen]
pub async fn load_parts(path: String) -> Result<(), JsValue> {
    console_error_panic_hook::set_once();
    app::load_parts(&path).await.map_err(|error| JsError::new(&error.to_string()))?;
    Ok(())
}

/// Called when all of that is there. It is a call of its own so that the page can answer in between.
#[wasm_bindgen]
pub fn hydrate() {
    leptos::mount::hydrate_body(app::App);
}
