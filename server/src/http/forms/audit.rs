//! `/audit`.

use app::admin::{AuditView, render_audit};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use super::super::AppState;
use super::super::extract::{Params, Who};
use super::{frame, html};
use crate::service::{AuditParams, ServiceError};

/// `GET /audit`: with the query of `/api/audit`.
pub(in crate::http) async fn show(
    State(state): State<AppState>,
    Who(caller): Who,
    Params(params): Params<AuditParams>,
) -> Result<Response, ServiceError> {
    let page = caller.audit_page(&params).await?;
    let text = |part: &Option<String>| part.clone().unwrap_or_default();
    let (q, actor) = (text(&params.q), text(&params.actor));
    let (action, outcome) = (text(&params.action), text(&params.outcome));
    let parts = [("q", &q), ("actor", &actor), ("action", &action), ("outcome", &outcome)];
    let given = parts.into_iter().filter(|(_, value)| !value.is_empty());
    let encode = |(name, value): (&str, &String)| {
        serde_urlencoded::to_string([(name, value)]).map(|pair| format!("&{pair}")).ok()
    };
    let query = given.filter_map(encode).collect();
    Ok(html(StatusCode::OK, frame(&state, &caller, None), |frame| {
        render_audit(AuditView { frame, page, q, actor, action, outcome, query })
    }))
}
