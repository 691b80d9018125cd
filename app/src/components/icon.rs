//! Small drawings in the colour of their text, on a grid of 16.

use leptos::prelude::*;

/// Which drawing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IconName {
    /// A triangle: start.
    Play,
    /// A square: stop.
    Stop,
    /// An arrow around: restart.
    Restart,
    /// A bolt: signal.
    Signal,
    /// A cross: close, remove.
    Close,
    /// A plus: add.
    Plus,
    /// An arrow to the left: back.
    Back,
    /// An arrow down: to the newest.
    Down,
    /// A half-filled circle: the theme.
    Theme,
    /// A prompt: the mark of Runyard.
    Prompt,
}

impl IconName {
    fn path(self) -> &'static str {
        match self {
            Self::Play => "M5 3.2v9.6L12.5 8z",
            Self::Stop => "M4 4h8v8H4z",
            Self::Restart => "M13 8a5 5 0 1 1-1.6-3.7M13 2.5v3h-3",
            Self::Signal => "M9 2 4 9h4l-1 5 5-7H8z",
            Self::Close => "m4 4 8 8m0-8-8 8",
            Self::Plus => "M8 3v10M3 8h10",
            Self::Back => "M10 3 5 8l5 5",
            Self::Down => "M8 3v10m-4-4 4 4 4-4",
            Self::Theme => "M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2m0 2.5v7a3.5 3.5 0 0 0 0-7",
            Self::Prompt => "m3 4 4 4-4 4m6 0h4",
        }
    }

    fn is_filled(self) -> bool {
        matches!(self, Self::Play | Self::Stop)
    }
}

/// A drawing beside words that say the same: screen readers pass it over.
#[component]
pub(crate) fn Icon(
    /// Which.
    name: IconName,
) -> impl IntoView {
    view! {
        <svg class="icon" class:filled=name.is_filled() viewBox="0 0 16 16" aria-hidden="true">
            <path d=name.path()></path>
        </svg>
    }
    .into_any()
}
