//! The browser's entry: hydrates the page that the server rendered, and nothing else.

// The page is one type, and a deep one.
#![recursion_limit = "512"]

/// Called by the page's script once the WASM module is loaded.
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn hydrate() {
    console_error_panic_hook::set_once();
    leptos::mount::hydrate_body(app::App);
}
