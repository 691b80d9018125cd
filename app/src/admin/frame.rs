//! The document around an administration page.

use leptos::prelude::*;
use leptos::tachys::view::RenderHtml;

use crate::components::{Brand, Icon, IconName, pages_of_admin};
use crate::model::Me;
use crate::shell::theme_script;

/// What every page of administration shows.
#[derive(Clone, Debug)]
pub struct Frame {
    /// Who is signed in.
    pub me: Me,
    /// The addresses of the style sheets.
    pub styles: PlainStyles,
    /// Marks the inline script as ours.
    pub nonce: String,
    /// What came of the form that was sent.
    pub notice: Option<Notice>,
}

/// The addresses of the style sheets of a page that only the server renders: those of the pages with a
/// module do not load what only these need.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlainStyles {
    /// That of all pages.
    pub all: String,
    /// That of plain pages.
    pub plain: String,
}

/// What came of a form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// It was done.
    Done(String),
    /// It was refused, in the server's words.
    Refused(String),
}

pub(super) fn style_links(styles: PlainStyles) -> impl IntoView {
    [styles.all, styles.plain].map(|href| view! { <link rel="stylesheet" href=href/> })
}

/// The whole document of a page of administration, as text.
pub(crate) fn document(frame: Frame, title: &'static str, content: AnyView) -> String {
    let links = pages_of_admin(frame.me.is_admin()).map(|(path, name)| {
        let current = (name == title).then_some("page");
        view! { <a href=path aria-current=current>{name}</a> }
    });
    let content = view! {
        <nav class="tabs" aria-label="Administration">{links.collect_view()}</nav>
        {content}
    };
    plain_document(frame, title.to_owned(), content.into_any())
}

/// The whole document of a page that only the server renders, as text.
pub(crate) fn plain_document(frame: Frame, title: String, content: AnyView) -> String {
    let Frame { me, styles, nonce, notice } = frame;
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
                {style_links(styles)}
                <link rel="icon" href="/favicon.svg" type="image/svg+xml"/>
            </head>
            <body>
                <header class="bar">
                    <Brand/>
                    <nav class="places" aria-label="Places">
                        <a href="/" aria-label="Processes">
                            <Icon name=IconName::Back/>
                            <span>"Processes"</span>
                        </a>
                        <a href="/search" aria-label="Search logs">
                            <Icon name=IconName::Search/>
                            <span>"Search logs"</span>
                        </a>
                    </nav>
                    <span class="spacer"></span>
                    <a class="user" href="/account" title="Your account">
                        <Icon name=IconName::Person/>
                        <span>{me.name}</span>
                    </a>
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
