//! What the API is, from the code: `/api/openapi.json` for programs, `/docs` for people.
//!
//! A route is added together with its description (`routes!`), so there is none without the other.
//! What can go wrong everywhere is not repeated at each: [`publish`] adds it.

use std::sync::Arc;

use app::admin::{DocsAnswer, DocsOperation, DocsPage, DocsParam, PlainStyles, render_docs};
use app::model::{Level, Problem};
use axum::Extension;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use leptos::nonce::Nonce;
use utoipa::OpenApi;
use utoipa::openapi::path::{Operation, Parameter, ParameterIn, PathItem};
use utoipa::openapi::response::ResponseBuilder;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{Content, ContentBuilder, Ref, RefOr, Required};
use utoipa_axum::router::OpenApiRouter;

use super::{AppState, headers};
use crate::auth::SESSION_COOKIE;
use crate::service::{AuditFormat, LogFormat};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Runyard",
        description = "Starts the scripts of a project, follows their logs, and knows who did what. \
                       Times are milliseconds since the epoch. What one may not see is answered as \
                       if it were not there."
    ),
    components(schemas(Problem, Level, LogFormat, AuditFormat)),
    security(("bearer" = []), ("session" = []))
)]
struct Api;

/// What is published.
pub(super) struct Docs {
    json: Bytes,
    page: DocsPage,
    styles: PlainStyles,
}

/// Routes with their descriptions.
pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::with_openapi(Api::openapi())
}

/// Completes the description and writes it out.
pub(super) fn publish(mut api: utoipa::openapi::OpenApi, styles: PlainStyles) -> Docs {
    let components = api.components.get_or_insert_default();
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build();
    components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
    let cookie = ApiKey::Cookie(ApiKeyValue::new(SESSION_COOKIE));
    components.add_security_scheme("session", SecurityScheme::ApiKey(cookie));
    let mut operations = Vec::new();
    for (path, item) in &mut api.paths.paths {
        for (method, operation) in operations_of(item) {
            add_refusals(method, path, operation);
            operations.push(describe(method, path, operation));
        }
    }
    let json = api.to_json().unwrap_or_default().into();
    Docs { json, page: DocsPage { operations }, styles }
}

/// `GET /api/openapi.json`.
pub(super) async fn json(Extension(docs): Extension<Arc<Docs>>) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], docs.json.clone()).into_response()
}

/// `GET /docs`.
pub(super) async fn page(Extension(docs): Extension<Arc<Docs>>) -> Response {
    let nonce = Nonce::new();
    let policy = headers::policy(&nonce);
    let page = render_docs(&docs.page, docs.styles.clone(), nonce.to_string());
    let kind = header::HeaderValue::from_static("text/html; charset=utf-8");
    ([(header::CONTENT_TYPE, kind), (header::CONTENT_SECURITY_POLICY, policy)], page)
        .into_response()
}

fn operations_of(item: &mut PathItem) -> Vec<(&'static str, &mut Operation)> {
    let PathItem { get, post, patch, delete, .. } = item;
    let all = [("GET", get), ("POST", post), ("PATCH", patch), ("DELETE", delete)];
    all.into_iter().filter_map(|(method, op)| Some((method, op.as_mut()?))).collect()
}

/// What the guard, the limits and the extractors answer.
fn add_refusals(method: &str, path: &str, operation: &mut Operation) {
    let parameters = operation.parameters.as_deref().unwrap_or_default();
    let has =
        |place: &ParameterIn| parameters.iter().any(|one| matches!(one, p if in_place(p, place)));
    let mut refusals = vec![
        ("500", "something inside went wrong"),
        ("503", "the database or the keeper does not answer"),
    ];
    if path != "/healthz" && path != "/readyz" {
        refusals.push(("401", "no valid token or session"));
        refusals.push(("403", "the role does not allow it, or the request is of another site"));
        refusals.push(("429", "too often; see Retry-After"));
    }
    if has(&ParameterIn::Query) || operation.request_body.is_some() {
        refusals.push(("400", "the query or the body does not fit"));
    }
    if has(&ParameterIn::Path) || method == "POST" {
        refusals.push(("404", "there is none, or none that one may see"));
    }
    if operation.request_body.is_some() {
        refusals.push(("408", "the body did not come"));
        refusals.push(("413", "the body is larger than 1 MiB"));
    }
    if method != "GET" {
        refusals.push(("409", "it is not in a state for this, or the name is taken"));
        refusals.push(("422", "it cannot be, in words that say what would be right"));
    }
    for (status, words) in refusals {
        let problem = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
        let response = ResponseBuilder::new()
            .description(words)
            .content("application/problem+json", problem)
            .build();
        operation.responses.responses.entry(status.to_owned()).or_insert(RefOr::T(response));
    }
}

fn in_place(parameter: &RefOr<Parameter>, place: &ParameterIn) -> bool {
    matches!(parameter, RefOr::T(parameter) if parameter.parameter_in == *place)
}

/// An operation in words.
fn describe(method: &'static str, path: &str, operation: &Operation) -> DocsOperation {
    let parameters = operation.parameters.as_deref().unwrap_or_default().iter();
    let param = |parameter: &RefOr<Parameter>| {
        let RefOr::T(parameter) = parameter else { return None };
        Some(DocsParam {
            name: parameter.name.clone(),
            place: match parameter.parameter_in {
                ParameterIn::Path => "path",
                _ => "query",
            },
            is_required: matches!(parameter.required, Required::True),
            words: parameter.description.clone().unwrap_or_default(),
        })
    };
    let answers = operation.responses.responses.iter().map(|(status, response)| DocsAnswer {
        status: status.clone(),
        words: match response {
            RefOr::T(response) => response.description.clone(),
            RefOr::Ref(_) => String::new(),
        },
        body: match response {
            RefOr::T(response) => response.content.values().find_map(name_of),
            RefOr::Ref(_) => None,
        },
    });
    DocsOperation {
        method,
        path: path.to_owned(),
        tag: operation.tags.iter().flatten().next().cloned().unwrap_or_default(),
        words: words_of(operation.summary.as_deref().unwrap_or_default()),
        params: parameters.filter_map(param).collect(),
        body: body_of(operation),
        answers: answers.collect(),
    }
}

/// The summary without the call at its beginning, which stands beside it: `` `GET /x`: what it does ``.
fn words_of(summary: &str) -> String {
    let rest = summary.strip_prefix('`').and_then(|rest| rest.split_once('`'));
    let words = rest.map_or(summary, |(_, words)| words.trim_start_matches([':', ' ']));
    words.trim_end_matches('.').to_owned()
}

fn name_of(content: &RefOr<Content>) -> Option<String> {
    let RefOr::T(content) = content else { return None };
    let Some(RefOr::Ref(reference)) = &content.schema else { return None };
    reference.ref_location.rsplit('/').next().map(str::to_owned)
}

/// The name of the schema of the body that an operation takes.
fn body_of(operation: &Operation) -> Option<String> {
    let RefOr::T(body) = operation.request_body.as_ref()? else { return None };
    body.content.values().find_map(name_of)
}
