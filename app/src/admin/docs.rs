//! The API for people: every operation, from its description in the code.

use std::collections::BTreeMap;

use leptos::prelude::*;
use leptos::tachys::view::RenderHtml;

use super::frame::{PlainStyles, style_links};
use super::table_region::table_region;
use crate::components::Brand;
use crate::shell::theme_script;

/// Every operation.
#[derive(Clone, Debug, Default)]
pub struct DocsPage {
    /// In the order of their paths.
    pub operations: Vec<DocsOperation>,
}

/// One operation.
#[derive(Clone, Debug)]
pub struct DocsOperation {
    /// `GET`, `POST` ...
    pub method: &'static str,
    /// With `{id}` for what stands for itself.
    pub path: String,
    /// What it belongs to.
    pub tag: String,
    /// What it does.
    pub words: String,
    /// What stands in path and query.
    pub params: Vec<DocsParam>,
    /// The name of the body's schema.
    pub body: Option<String>,
    /// By status.
    pub answers: Vec<DocsAnswer>,
}

/// A parameter.
#[derive(Clone, Debug)]
pub struct DocsParam {
    /// Its name.
    pub name: String,
    /// `path` or `query`.
    pub place: &'static str,
    /// Whether it must be there.
    pub is_required: bool,
    /// What it is.
    pub words: String,
}

/// An answer.
#[derive(Clone, Debug)]
pub struct DocsAnswer {
    /// The HTTP status.
    pub status: String,
    /// When it comes.
    pub words: String,
    /// The name of its schema.
    pub body: Option<String>,
}

/// The page of `/docs`.
#[must_use]
pub fn render_docs(page: &DocsPage, styles: PlainStyles, nonce: String) -> String {
    let mut by_tag: BTreeMap<&str, Vec<&DocsOperation>> = BTreeMap::new();
    for operation in &page.operations {
        by_tag.entry(&operation.tag).or_default().push(operation);
    }
    let sections = by_tag.into_iter().map(|(tag, operations)| {
        let operations = operations.into_iter().map(|one| view_operation(one).into_any());
        view! {
            <section>
                <h2>{tag.to_owned()}</h2>
                {operations.collect_view()}
            </section>
        }
        .into_any()
    });
    let sections = sections.collect_view();
    let page = view! {
        <html lang="en">
            <head>
                <meta charset="utf-8"/>
                <meta name="viewport" content="width=device-width, initial-scale=1"/>
                <title>"API · Runyard"</title>
                <script nonce=nonce>{theme_script()}</script>
                {style_links(styles)}
                <link rel="icon" href="/favicon.svg" type="image/svg+xml"/>
            </head>
            <body>
                <header class="bar">
                    <Brand/>
                    <span class="spacer"></span>
                    <a class="button" href="/api/openapi.json">"openapi.json"</a>
                </header>
                <main class="admin" data-testid="docs">
                    <h1>"API"</h1>
                    <p>
                        "Send a token as "<code>"Authorization: Bearer TOKEN"</code>
                        ". Times are milliseconds since the epoch. Refusals are "
                        <code>"application/problem+json"</code>" with a stable "<code>"code"</code>
                        ". The WebSocket is described in the README."
                    </p>
                    {sections}
                </main>
            </body>
        </html>
    };
    format!("<!DOCTYPE html>{}", page.to_html())
}

fn view_operation(operation: &DocsOperation) -> impl IntoView + use<> {
    let DocsOperation { method, path, words, params, body, answers, .. } = operation.clone();
    let params = params.into_iter().map(|param| {
        let need = if param.is_required { ", needed" } else { "" };
        view! {
            <tr>
                <td><code>{param.name}</code></td>
                <td>{param.place}{need}</td>
                <td class="wide">{param.words}</td>
            </tr>
        }
    });
    let params = params.collect_view();
    // Each of them is a place of its own for those who go from one to the next.
    let params_label = format!("Parameters of {method} {path}");
    let answers_label = format!("Answers of {method} {path}");
    let params = (!params.is_empty()).then(|| {
        view! {
            {table_region(params_label, view! { <table class="table"><tbody>{params}</tbody></table> })}
        }
    });
    let body = body.map(|name| view! { <p>"Body: "<code>{name}</code></p> });
    let answers = answers.into_iter().map(|answer| {
        let schema = answer.body.map(|name| view! { <code>{name}</code> });
        view! { <tr><td>{answer.status}</td><td class="wide">{answer.words}</td><td>{schema}</td></tr> }
    });
    view! {
        <details class="operation">
            <summary>
                <b class="method" data-method=method>{method}</b>
                <code>{path}</code>
                <span>{words}</span>
            </summary>
            {params}
            {body}
            {table_region(answers_label, view! { <table class="table"><tbody>{answers.collect_view()}</tbody></table> })}
        </details>
    }
}
