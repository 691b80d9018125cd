//! The parts of the interface that have a WASM module of their own, so that the first load is
//! small: each comes when it is needed for the first time. The server has them all.

use leptos::prelude::*;
use wasm_split_helpers::{SplitLoaderError, wasm_split};

use crate::components::{
    BulkBar, Chosen, DeclaredPanel, KeysDialog, NoticeList, PaletteDialog, StartForm,
};
use crate::model::{Catalogue, Problem};
use crate::pages::{ProcessPage, SearchPage, SignIn};

/// The module did not come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a part of the page could not be loaded; is the server there? then load the page again")]
pub(crate) struct NotLoaded;

impl From<SplitLoaderError> for NotLoaded {
    fn from(_: SplitLoaderError) -> Self {
        Self
    }
}

/// The page of a process.
#[wasm_split(process, fallible, preload(load_process))]
pub(crate) fn process_page() -> Result<AnyView, NotLoaded> {
    Ok(view! { <ProcessPage/> }.into_any())
}

/// The page of the search.
#[wasm_split(search, fallible, preload(load_search))]
pub(crate) fn search_page() -> Result<AnyView, NotLoaded> {
    Ok(view! { <SearchPage/> }.into_any())
}

/// The page without a session.
#[wasm_split(sign_in, fallible, preload(load_sign_in))]
pub(crate) fn sign_in_page() -> Result<AnyView, NotLoaded> {
    Ok(view! { <SignIn/> }.into_any())
}

/// The form of the start dialog.
#[wasm_split(start, fallible)]
pub(crate) fn start_form(catalogue: Catalogue) -> Result<AnyView, NotLoaded> {
    Ok(view! { <StartForm catalogue/> }.into_any())
}

/// The dialog of the command palette; it opens whenever it is told.
#[wasm_split(palette, fallible)]
pub(crate) fn palette(
    catalogue: Resource<Result<Catalogue, Problem>>,
    opened: Trigger,
) -> Result<AnyView, NotLoaded> {
    Ok(view! { <PaletteDialog catalogue opened/> }.into_any())
}

/// What can be done to all that were chosen in the list.
#[wasm_split(bulk, fallible)]
pub(crate) fn bulk_bar(chosen: Chosen) -> Result<AnyView, NotLoaded> {
    Ok(view! { <BulkBar chosen/> }.into_any())
}

/// The menu of what ended while nobody looked; it opens when it comes.
#[wasm_split(notices, fallible)]
pub(crate) fn notice_list() -> Result<AnyView, NotLoaded> {
    Ok(view! { <NoticeList/> }.into_any())
}

/// The dialog that lists the keys; it opens whenever it is told.
#[wasm_split(keys, fallible)]
pub(crate) fn keys(opened: Trigger) -> Result<AnyView, NotLoaded> {
    Ok(view! { <KeysDialog opened/> }.into_any())
}

/// What is declared: most projects declare nothing.
#[wasm_split(declared, fallible)]
pub(crate) fn declared_panel() -> Result<AnyView, NotLoaded> {
    Ok(view! { <DeclaredPanel/> }.into_any())
}

/// Loads what the page at this path needs before it can be hydrated.
///
/// # Errors
///
/// The module did not come; then the page stays as the server rendered it.
pub async fn load_parts(path: &str) -> Result<(), SplitLoaderError> {
    match path {
        "/search" => load_search().await,
        "/sign-in" => load_sign_in().await,
        path if path.starts_with("/processes/") => load_process().await,
        _ => Ok(()),
    }
}

/// A part, or the words that say why it is not there.
pub(crate) fn shown(part: Result<AnyView, NotLoaded>) -> AnyView {
    part.unwrap_or_else(|not_loaded| {
        view! { <p class="inline-alert" role="alert">{not_loaded.to_string()}</p> }.into_any()
    })
}

/// A page that comes as a part.
macro_rules! page {
    ($name:ident, $part:ident) => {
        #[component]
        pub(crate) fn $name() -> impl IntoView {
            view! {
                <Suspense fallback=|| view! { <p class="empty">"Loading…"</p> }>
                    {move || Suspend::new(async move { shown($part().await) })}
                </Suspense>
            }
            .into_any()
        }
    };
}
page!(LaterProcess, process_page);
page!(LaterSearch, search_page);
page!(LaterSignIn, sign_in_page);
