//! A finger that rests on a line chooses it: the numbers are too small for fingers.

use std::time::Duration;

use leptos::leptos_dom::helpers::TimeoutHandle;
use leptos::prelude::*;
use web_sys::PointerEvent;

/// How long it has to rest.
const LONG: Duration = Duration::from_millis(500);
/// A finger that moves further than this scrolls, in pixels.
const STILL_PX: i32 = 10;

/// What waits for a finger. A handle: copies are the same.
#[derive(Clone, Copy)]
pub(super) struct LongPress {
    timer: StoredValue<Option<TimeoutHandle>>,
    began_at: StoredValue<(i32, i32)>,
    /// A press was long: what the browser makes of it besides is not wanted.
    is_taken: StoredValue<bool>,
}

impl LongPress {
    pub(super) fn new() -> Self {
        Self {
            timer: StoredValue::new(None),
            began_at: StoredValue::new((0, 0)),
            is_taken: StoredValue::new(false),
        }
    }

    /// A pointer came down: `choose` is called if it is a finger and stays.
    pub(super) fn begin(self, event: &PointerEvent, choose: impl FnOnce() + 'static) {
        self.end();
        self.is_taken.set_value(false);
        if event.pointer_type() != "touch" || !event.is_primary() {
            return;
        }
        self.began_at.set_value((event.client_x(), event.client_y()));
        let rested = move || {
            if self.is_taken.try_set_value(true).is_none() {
                choose();
            }
        };
        self.timer.set_value(set_timeout_with_handle(rested, LONG).ok());
    }

    /// It moved.
    pub(super) fn moved(self, event: &PointerEvent) {
        let (x, y) = self.began_at.get_value();
        if (event.client_x() - x).abs().max((event.client_y() - y).abs()) > STILL_PX {
            self.end();
        }
    }

    /// It went up, or the browser scrolls with it.
    pub(super) fn end(self) {
        if let Some(timer) = self.timer.try_update_value(Option::take).flatten() {
            timer.clear();
        }
    }

    /// Whether the press that is over, or goes on, was a long one.
    pub(super) fn is_taken(self) -> bool {
        self.is_taken.get_value()
    }
}
