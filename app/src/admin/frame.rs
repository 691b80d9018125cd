//! The document around an administration page.

use leptos::prelude::*;
use leptos::tachys::view::RenderHtml;

use crate::model::{Me, Verb};
use crate::shell::theme_script;

/// What every page of administration shows.
#[derive(Clone, Debug)]
pub struct Frame {
    /// Who is signed in.
    pub me: Me,
    /// The style sheet's address.
    pub css: String,
    /// Marks the inline script as ours.
    pub nonce: String,
    /// What came of the form that was sent.
    pub notice: Option<Notice>,
}

/// What came of a form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// It was done.
    Done(String),
    /// It was refused, in the server's words.
    Refused(String),
}

/// The whole document, as text.
pub(crate) fn document(frame: Frame, title: &'static str, content: AnyView) -> String {
    let Frame { me, css, nonce, notice } = frame;
    let is_admin = me.verbs.contains(&Verb::Admin);
    let links = [("/account", "Account"), ("/sessions", "Sessions"), ("/tokens", "Tokens")]
        .into_iter()
        .chain(is_admin.then_some(("/people", "People")))
        .chain([("/audit", "Audit")]);
    let links = links.map(|(path, name)| {
        let current = (name == title).then_some("page");
        view! { <a href=path aria-current=current>{name}</a> }
    });
    let notice = notice.map(|notice| match notice {
        Notice::Done(words) => {
            view! { <p class="notice" role="status" data-testid="notice">{words}</p> }.into_any()
        }
        Notice::Refused(words) => {
            view! { <p class="inline-alert" role="alert" data-testid="alert">{words}</p> }
                .into_any()
        }
    });
    let heading = format!("{title} · Runyard");
    let page = view! {
        <html lang="en">
            <head>
                <meta charset="utf-8"/>
                <meta name="viewport" content="width=device-width, initial-scale=1"/>
                <title>{heading}</title>
                <script nonce=nonce>{theme_script()}</script>
                <link rel="stylesheet" href=css/>
                <link rel="icon" href="/favicon.svg" type="image/svg+xml"/>
            </head>
            <body>
                <header class="bar">
                    <a class="brand" href="/" aria-label="Runyard, all processes">"Runyard"</a>
                    <nav class="admin-links" aria-label="Administration">{links.collect_view()}</nav>
                    <span class="spacer"></span>
                    <span class="user" title="Signed in as">{me.name}</span>
                    <form method="post" action="/sign-out">
                        <button class="button quiet" data-testid="sign-out">"Sign out"</button>
                    </form>
                </header>
                <main class="admin">
                    <h1>{title}</h1>
                    {notice}
                    {content}
                </main>
            </body>
        </html>
    };
    format!("<!DOCTYPE html>{}", page.to_html())
}
