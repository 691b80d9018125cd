//! The WebSocket: opened again, with growing patience, whenever it is lost.
//!
//! There is one per page, and only the browser's single thread comes here: it lives in a
//! thread-local, as nothing of the browser's can be in a signal that the server shares.

use std::cell::RefCell;
use std::time::Duration;

use leptos::ev;
use leptos::leptos_dom::helpers::TimeoutHandle;
use leptos::prelude::*;
use wasm_bindgen::JsCast as _;
use wasm_bindgen::closure::Closure;
use web_sys::{MessageEvent, WebSocket};

use super::Live;
use super::clock::now_ms;
use super::link::{Link, backoff_ms};
use crate::api::get_user_name;
use crate::model::ClientMessage;

/// After so many failed tries it is asked whether the session is the reason: a WebSocket does not
/// say why it was refused.
const ASK_AFTER: u32 = 2;

/// A connection and what it calls.
struct Socket {
    socket: WebSocket,
    _on_message: Closure<dyn FnMut(MessageEvent)>,
    _on_close: Closure<dyn FnMut()>,
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.socket.set_onmessage(None);
        self.socket.set_onclose(None);
        // Fails for a code that nobody may send; this sends none.
        let _ = self.socket.close();
    }
}

thread_local! {
    static SOCKET: RefCell<Option<Socket>> = const { RefCell::new(None) };
    static RETRY: RefCell<Option<TimeoutHandle>> = const { RefCell::new(None) };
}

/// Connects, and again whenever the connection is lost, until the owner is cleaned up.
pub(super) fn start(live: Live) {
    connect(live);
    let online = window_event_listener(ev::online, move |_| {
        if live.link.get_untracked() != Link::Live {
            connect(live);
        }
    });
    on_cleanup(move || {
        online.remove();
        stop_retry();
        SOCKET.take();
    });
}

/// Sends, if there is a connection; a new one begins with everything that has to be said.
pub(super) fn send(message: &ClientMessage) {
    let Ok(text) = serde_json::to_string(message) else { return };
    SOCKET.with_borrow(|socket| {
        if let Some(Socket { socket, .. }) = socket
            && socket.ready_state() == WebSocket::OPEN
        {
            // Fails only before it is open.
            let _ = socket.send_with_str(&text);
        }
    });
}

/// Connects now, in place of whatever is there.
pub(super) fn connect(live: Live) {
    stop_retry();
    let location = window().location();
    let is_secure = location.protocol().is_ok_and(|protocol| protocol == "https:");
    let scheme = if is_secure { "wss" } else { "ws" };
    let url = format!("{scheme}://{}/ws", location.host().unwrap_or_default());
    let Ok(socket) = WebSocket::new(&url) else { return retry_later(live) };
    let on_message: Closure<dyn FnMut(MessageEvent)> = Closure::new(move |event: MessageEvent| {
        if let Some(text) = event.data().as_string() {
            live.receive(&text);
        }
    });
    let on_close: Closure<dyn FnMut()> = Closure::new(move || retry_later(live));
    socket.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
    socket.set_onclose(Some(on_close.as_ref().unchecked_ref()));
    SOCKET.replace(Some(Socket { socket, _on_message: on_message, _on_close: on_close }));
}

fn retry_later(live: Live) {
    let failures = match live.link.try_get_untracked() {
        Some(Link::Waiting { failures, .. }) => failures.saturating_add(1),
        Some(Link::Connecting | Link::Live) => 1,
        None => return,
    };
    live.notices.leave();
    let delay_ms = backoff_ms(failures, js_sys::Math::random());
    live.link.set(Link::Waiting { failures, retry_at: now_ms() + delay_ms });
    let delay = Duration::from_millis(u64::try_from(delay_ms).unwrap_or_default());
    stop_retry();
    RETRY.set(set_timeout_with_handle(move || connect(live), delay).ok());
    if failures == ASK_AFTER {
        leptos::task::spawn_local(async move {
            if let Err(problem) = get_user_name().await
                && problem.status == 401
            {
                live.alerts.report(&problem);
            }
        });
    }
}

fn stop_retry() {
    if let Some(timer) = RETRY.take() {
        timer.clear();
    }
}
