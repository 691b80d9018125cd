//! Browsers that are signed in.

use leptos::prelude::*;

use super::frame::{Frame, document};
use super::time::utc;
use crate::model::Session;

/// The page of `/sessions`.
#[must_use]
pub fn render_sessions(frame: Frame, sessions: Vec<Session>) -> String {
    let rows = sessions.into_iter().map(row).collect_view();
    let content = view! {
        <p>"An ended session closes its open pages at once."</p>
        <table class="table" data-testid="sessions">
            <thead>
                <tr>
                    <th>"Who"</th><th>"From"</th><th>"Browser"</th><th>"Signed in"</th>
                    <th>"Last seen"</th><th>"By"</th><th></th>
                </tr>
            </thead>
            <tbody>{rows}</tbody>
        </table>
    };
    document(frame, "Sessions", content.into_any())
}

fn row(session: Session) -> impl IntoView {
    let action = format!("/sessions/{}/end", session.id);
    let here = session.is_current.then(|| view! { <span class="badge">"this one"</span> });
    let user = session.user.clone();
    view! {
        <tr data-testid="session-row" data-user=user>
            <td>{session.user}" "{here}</td>
            <td>{session.address}</td>
            <td class="wide">{session.client}</td>
            <td>{utc(session.created_at)}</td>
            <td>{utc(session.last_seen_at)}</td>
            <td>{session.method}</td>
            <td>
                <form method="post" action=action>
                    <button class="button danger" data-testid="session-end">"End"</button>
                </form>
            </td>
        </tr>
    }
}
