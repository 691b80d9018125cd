//! Small drawings in the colour of their text: those of Lucide (lucide.dev, ISC licence), on its grid
//! of 24, of which only the paths that are used stand here.

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
    /// An arrow down: to the newest, to the next.
    Down,
    /// An arrow up: to the previous.
    Up,
    /// A half-filled circle: the theme.
    Theme,
    /// A prompt: the mark of Runyard.
    Prompt,
    /// Sliders: how something is shown.
    Sliders,
    /// An arrow onto a tray: download.
    Download,
    /// A lens: search.
    Search,
    /// A keyboard: keys.
    Keyboard,
    /// A funnel: only what fits.
    Filter,
    /// A bell: notices.
    Bell,
    /// Head and shoulders: who is signed in.
    Person,
    /// Panels: the overview.
    Overview,
}

impl IconName {
    fn path(self) -> &'static str {
        match self {
            Self::Play => {
                "M5 5a2 2 0 0 1 3.008-1.728l11.997 6.998a2 2 0 0 1 .003 3.458l-12 7A2 2 0 0 1 5 19z"
            }
            Self::Stop => "M5 3h14a2 2 0 0 1 2 2v14a2 2 0 0 1-2 2H5a2 2 0 0 1-2-2V5a2 2 0 0 1 2-2z",
            Self::Restart => "M21 12a9 9 0 1 1-9-9c2.52 0 4.93 1 6.74 2.74L21 8M21 3v5h-5",
            Self::Signal => {
                "M15.914 4a1.5 1.5 0 0 0-2.474-1.561l-9 9A1.5 1.5 0 0 0 5.5 14h4.002a.5.5 0 0 1 \
                 .471.666L8.086 20a1.5 1.5 0 0 0 2.475 1.56l9-9A1.5 1.5 0 0 0 18.5 10h-3.997a.5.5 0 \
                 0 1-.472-.667z"
            }
            Self::Close => "M18 6 6 18M6 6l12 12",
            Self::Plus => "M5 12h14M12 5v14",
            Self::Back => "m15 18-6-6 6-6",
            Self::Down => "M12 5v14M19 12l-7 7-7-7",
            Self::Up => "m5 12 7-7 7 7M12 19V5",
            Self::Theme => "M12 2a10 10 0 1 0 0 20 10 10 0 1 0 0-20M12 18a6 6 0 0 0 0-12v12z",
            Self::Prompt => "M12 19h8M4 17l6-6-6-6",
            Self::Sliders => {
                "M10 5H3M12 19H3M14 3v4M16 17v4M21 12h-9M21 19h-5M21 5h-7M8 10v4M8 12H3"
            }
            Self::Download => "M12 15V3M21 15v4a2 2 0 0 1-2 2H5a2 2 0 0 1-2-2v-4M7 10l5 5 5-5",
            Self::Keyboard => {
                "M10 8h.01M12 12h.01M14 8h.01M16 12h.01M18 8h.01M6 8h.01M7 16h10M8 12h.01M4 4h16a2 2 \
                 0 0 1 2 2v12a2 2 0 0 1-2 2H4a2 2 0 0 1-2-2V6a2 2 0 0 1 2-2z"
            }
            Self::Filter => {
                "M10 20a1 1 0 0 0 .553.895l2 1A1 1 0 0 0 14 21v-7a2 2 0 0 1 .517-1.341L21.74 4.67A1 1 0 \
                 0 0 21 3H3a1 1 0 0 0-.742 1.67l7.225 7.989A2 2 0 0 1 10 14z"
            }
            Self::Bell => {
                "M10.268 21a2 2 0 0 0 3.464 0M3.262 15.326A1 1 0 0 0 4 17h16a1 1 0 0 0 \
                 .74-1.673C19.41 13.956 18 12.499 18 8A6 6 0 0 0 6 8c0 4.499-1.411 5.956-2.738 7.326"
            }
            Self::Person => {
                "M19 21v-2a4 4 0 0 0-4-4H9a4 4 0 0 0-4 4v2M12 3a4 4 0 1 0 0 8 4 4 0 1 0 0-8"
            }
            Self::Overview => {
                "M4 3h5a1 1 0 0 1 1 1v7a1 1 0 0 1-1 1H4a1 1 0 0 1-1-1V4a1 1 0 0 1 1-1zM15 3h5a1 1 0 0 1 1 1v3a1 1 0 0 1-1 1h-5a1 1 0 0 1-1-1V4a1 1 0 0 1 1-1zM15 12h5a1 1 0 0 1 1 1v7a1 1 0 0 1-1 1h-5a1 1 0 0 1-1-1v-7a1 1 0 0 1 1-1zM4 16h5a1 1 0 0 1 1 1v3a1 1 0 0 1-1 1H4a1 1 0 0 1-1-1v-3a1 1 0 0 1 1-1z"
            }
            Self::Search => "m21 21-4.34-4.34M11 3a8 8 0 1 0 0 16 8 8 0 1 0 0-16",
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
        <svg class="icon" class:filled=name.is_filled() viewBox="0 0 24 24" aria-hidden="true">
            <path d=name.path()></path>
        </svg>
    }
    .into_any()
}
