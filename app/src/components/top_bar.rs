//! The bar at the top: the name, the connection, and what can always be done.

use leptos::prelude::*;

use super::{Brand, Icon, IconName, NoticeBell, Shortcuts, Starter, ThemeButton};
use crate::live::use_live;

/// The bar; `user` is the name of who is signed in.
#[component]
pub(crate) fn TopBar(
    /// Loads the name.
    user: Resource<Option<String>>,
) -> impl IntoView {
    let starter = Starter::expect();
    view! {
        <header class="bar">
            <Brand/>
            <nav class="places" aria-label="Places">
                <a href="/overview" data-testid="overview-link" aria-label="Overview">
                    <Icon name=IconName::Overview/>
                    <span>"Overview"</span>
                </a>
                <a href="/search" data-testid="search-link" aria-label="Search logs">
                    <Icon name=IconName::Search/>
                    <span>"Search logs"</span>
                </a>
            </nav>
            <Connection/>
            <span class="spacer"></span>
            <Suspense>
                {move || Suspend::new(async move {
                    user.await.map(|name| view! {
                        // Pages that the server renders: a visit of the browser's own.
                        <a class="user" href="/account" rel="external" title="Your account">
                            <Icon name=IconName::Person/>
                            <span>{name}</span>
                        </a>
                        <form method="post" action="/sign-out">
                            <button class="button quiet" data-testid="sign-out">"Sign out"</button>
                        </form>
                    })
                })}
            </Suspense>
            <NoticeBell/>
            <Shortcuts/>
            <ThemeButton/>
            <button
                type="button"
                class="button primary"
                data-testid="start-open"
                on:click=move |_| starter.open(None)
            >
                <Icon name=IconName::Plus/>
                <span>"Start"</span>
            </button>
        </header>
    }
    .into_any()
}

/// Whether what is on screen is what is.
#[component]
fn Connection() -> impl IntoView {
    let live = use_live();
    view! {
        <span
            class="connection"
            role="status"
            data-testid="connection"
            data-state=move || live.link.get().as_str()
        >
            {move || live.link.get().words(live.clock.now())}
        </span>
    }
}
