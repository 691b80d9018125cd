//! The component at the root: which page a path is.

use leptos::prelude::*;
use leptos_meta::provide_meta_context;
use leptos_router::components::{ParentRoute, Route, Router, Routes};
use leptos_router::{SsrMode, path};

use crate::later::{LaterProcess, LaterSearch, LaterSignIn};
use crate::pages::{Home, Layout, NotFound};

/// The whole user interface. The server waits for a page's data, so that the first HTML is complete
/// and of use before any script runs.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    view! {
        <Router>
            <Routes fallback=NotFound>
                <ParentRoute path=path!("") view=Layout ssr=SsrMode::Async>
                    <Route path=path!("") view=Home ssr=SsrMode::Async/>
                    // The same, for a screen that has no room for it beside the list.
                    <Route path=path!("overview") view=Home ssr=SsrMode::Async/>
                    <Route path=path!("search") view=LaterSearch ssr=SsrMode::Async/>
                    <Route path=path!("processes/:id/:tab?") view=LaterProcess ssr=SsrMode::Async/>
                </ParentRoute>
                <Route path=path!("sign-in") view=LaterSignIn ssr=SsrMode::Async/>
            </Routes>
        </Router>
    }
}
