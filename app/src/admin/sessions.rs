//! Browsers that are signed in.

use leptos::prelude::*;

use super::frame::{Frame, document};
use super::table_region::table_region;
use super::time::utc;
use crate::model::Session;

/// The page of `/sessions`.
#[must_use]
pub fn render_sessions(frame: Frame, sessions: Vec<Session>) -> String {
    let rows = sessions.into_iter().map(row).collect_view();
    let content = view! {
        <p>"An ended session closes its open pages at once."</p>
        {table_region("Sessions", view! { <table class="table" data-testid="sessions">
                <thead>
                    <tr>
                        <th>"Who"</th><th>"From"</th><th>"Browser"</th><th>"Signed in"</th>
                        <th>"Last seen"</th><th>"By"</th><td></td>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table> })}
    };
    document(frame, "Sessions", content.into_any())
}

fn row(session: Session) -> impl IntoView {
    let action = format!("/sessions/{}/end", session.id);
    let here = session.is_current.then(|| view! { <span class="badge">"this one"</span> });
    let user = session.user.clone();
    view! {
        <tr data-testid="session-row" data-user=user>
            <td data-label="Who">{session.user}" "{here}</td>
            <td data-label="From">{session.address}</td>
            <td data-label="Browser" title=session.client.clone()>{browser_of(&session.client)}</td>
            <td data-label="Signed in">{utc(session.created_at)}</td>
            <td data-label="Last seen">{utc(session.last_seen_at)}</td>
            <td data-label="By">{session.method}</td>
            <td>
                <form method="post" action=action>
                    <button class="button danger" data-testid="session-end">"End"</button>
                </form>
            </td>
        </tr>
    }
}

/// A browser and its system, as people know them: what it says of itself is the names of many.
fn browser_of(client: &str) -> String {
    const BROWSERS: [(&str, &str); 7] = [
        ("Edg/", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("HeadlessChrome/", "Chromium"),
        ("Chrome/", "Chrome"),
        ("Version/", "Safari"),
        ("curl/", "curl"),
    ];
    const SYSTEMS: [(&str, &str); 6] = [
        ("Android", "Android"),
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Windows", "Windows"),
        ("Mac OS X", "macOS"),
        ("Linux", "Linux"),
    ];
    let browser = BROWSERS.iter().find_map(|(mark, name)| {
        let (_, rest) = client.split_once(mark)?;
        let version: String = rest.chars().take_while(char::is_ascii_digit).collect();
        Some(format!("{name} {version}"))
    });
    let system = SYSTEMS.iter().find(|(mark, _)| client.contains(mark)).map(|(_, name)| *name);
    match (browser, system) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(browser), None) => browser,
        (None, _) => client.chars().take(60).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_have_the_names_that_people_know() {
        let linux = "Mozilla/5.0 (X11; Linux x86_64)";
        let webkit = "AppleWebKit/537.36 (KHTML, like Gecko)";
        let edge = format!("{linux} {webkit} Chrome/140.0.0.0 Safari/537.36 Edg/139.0");
        assert_eq!(browser_of(&edge), "Edge 139 on Linux");
        assert_eq!(
            browser_of(&format!("{linux} Gecko/20100101 Firefox/131.0")),
            "Firefox 131 on Linux"
        );
        let phone =
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1";
        assert_eq!(browser_of(phone), "Safari 18 on iPhone");
        assert_eq!(browser_of("curl/8.5.0"), "curl 8");
        assert_eq!(browser_of("a program of my own"), "a program of my own");
    }
}
