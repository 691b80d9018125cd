//! Tells when an element changes its size.

use wasm_bindgen::JsCast as _;
use wasm_bindgen::closure::Closure;
use web_sys::{Element, ResizeObserver};

/// Watches until it is dropped.
pub(crate) struct SizeWatch {
    observer: ResizeObserver,
    _on_change: Closure<dyn FnMut()>,
}

impl SizeWatch {
    /// Calls `on_change` now and after every change; `None` where the browser cannot tell.
    pub(crate) fn new(element: &Element, on_change: impl FnMut() + 'static) -> Option<Self> {
        let on_change = Closure::new(on_change);
        let observer = ResizeObserver::new(on_change.as_ref().unchecked_ref()).ok()?;
        observer.observe(element);
        Some(Self { observer, _on_change: on_change })
    }
}

impl Drop for SizeWatch {
    fn drop(&mut self) {
        self.observer.disconnect();
    }
}
