//! The choice between light, dark, and what the system says.

use leptos::prelude::*;

use super::{Icon, IconName};
use crate::shell::THEME_KEY;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Theme {
    System,
    Light,
    Dark,
}

impl Theme {
    fn next(self) -> Self {
        match self {
            Self::System => Self::Light,
            Self::Light => Self::Dark,
            Self::Dark => Self::System,
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// What the script in the page's head has set before the first paint.
    fn current() -> Self {
        let root = document().document_element();
        match root.and_then(|root| root.get_attribute("data-theme")).as_deref() {
            Some("light") => Self::Light,
            Some("dark") => Self::Dark,
            _ => Self::System,
        }
    }

    fn apply(self) {
        let Some(root) = document().document_element() else { return };
        let storage = window().local_storage().ok().flatten();
        // A browser that keeps nothing still shows the theme until it is closed.
        let _ = match self {
            Self::System => root.remove_attribute("data-theme"),
            other => root.set_attribute("data-theme", other.as_str()),
        };
        let _ = storage.map(|storage| match self {
            Self::System => storage.remove_item(THEME_KEY),
            other => storage.set_item(THEME_KEY, other.as_str()),
        });
    }
}

/// A button that goes from system to light to dark.
#[component]
pub(crate) fn ThemeButton() -> impl IntoView {
    let theme = RwSignal::new(Theme::System);
    Effect::new(move |_| theme.set(Theme::current()));
    let change = move |_| {
        theme.update(|theme| *theme = theme.next());
        theme.get_untracked().apply();
    };
    let label = move || format!("Theme: {}", theme.get().as_str());
    view! {
        <button
            type="button"
            class="icon-button"
            data-testid="theme"
            aria-label=label
            title=label
            on:click=change
        >
            <Icon name=IconName::Theme/>
        </button>
    }
}
