//! The browser's entry: hydrates the page that the server rendered, and nothing else.

// The page is one type, and a deep one.
#![recursion_limit = "512"]

use wasm_bindgen::{JsError, JsValue};

/// Called by the page's script once the WASM module is loaded.
///
/// # Errors
///
/// A part that this page needs could not be loaded; the page stays as the server rendered it.
#[wasm_bindgen::prelude::wasm_bindgen]
pub async fn hydrate(path: String) -> Result<(), JsValue> {
    console_error_panic_hook::set_once();
    app::load_parts(&path).await.map_err(|error| JsError::new(&error.to_string()))?;
    leptos::mount::hydrate_body(app::App);
    Ok(())
}
