//! What stands under the pointer, in words beside it: for drawings that are too small for words of
//! their own.

use leptos::prelude::*;
use wasm_bindgen::JsCast;

/// A point of the window, in pixels from its left and its top.
type Place = (i32, i32);

/// The words that are shown, and where. A handle: copies are the same.
#[derive(Clone, Copy)]
pub(crate) struct Tip(RwSignal<Option<(Place, String)>>);

impl Tip {
    /// Makes one and puts it into the context.
    pub(crate) fn provide() {
        provide_context(Self(RwSignal::new(None)));
    }

    /// Shows the words beside the pointer.
    pub(super) fn show(self, event: &web_sys::PointerEvent, words: String) {
        self.0.set(Some(((event.client_x(), event.client_y()), words)));
    }

    /// Takes them away.
    pub(super) fn hide(self) {
        self.0.try_set(None);
    }
}

/// The box with the words. Who does not see it has them in the drawing's name.
#[component]
pub(crate) fn TipBox() -> impl IntoView {
    let tip = use_context::<Tip>();
    move || {
        let ((left, top), words) = tip.and_then(|tip| tip.0.get())?;
        Some(view! {
            <div
                class="tip"
                data-testid="tip"
                aria-hidden="true"
                style=("--left", format!("{left}px"))
                style=("--top", format!("{top}px"))
            >
                {words}
            </div>
        })
    }
}

/// Where the pointer is across the element under it, which fills the one that listens: the index of
/// one of `count` things that are spread evenly from its left edge to its right one.
pub(super) fn index_under(event: &web_sys::PointerEvent, count: usize) -> Option<usize> {
    let target = event.target()?.dyn_into::<web_sys::Element>().ok()?;
    nearest(event.offset_x(), target.client_width(), count)
}

/// The nearest of `count` things at `x` of `width`, in pixels.
pub(super) fn nearest(x: i32, width: i32, count: usize) -> Option<usize> {
    let last = i64::try_from(count.checked_sub(1)?).ok()?;
    let (x, width) = (i64::from(x.clamp(0, width.max(0))), i64::from(width.max(1)));
    // Rounded to the nearer one.
    usize::try_from((2 * x * last + width) / (2 * width)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_is_under_the_pointer() {
        assert_eq!(nearest(0, 100, 0), None);
        let at = |x| nearest(x, 100, 5);
        assert_eq!([-4, 0, 12, 13, 99, 140].map(at), [0, 0, 0, 1, 4, 4].map(Some));
        assert_eq!(nearest(5, 0, 3), Some(0));
    }
}
