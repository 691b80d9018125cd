//! What changes while a page is open: the processes, the log on screen, the connection, the clock.
//!
//! One [`Live`] is made by the layout and found by every component through the context. On the
//! server it holds what the page is rendered from; in the browser [`Live::start`] opens the
//! WebSocket and messages flow into the same signals, so that only what shows them is redrawn.

mod alerts;
mod clock;
mod feed;
mod link;
mod message;
mod needle;
mod notices;
mod processes;
mod request;
mod row;
mod size_watch;
mod socket;
mod viewport;

use leptos::prelude::*;

pub(crate) use alerts::{Alert, Alerts};
pub(crate) use clock::Clock;
#[cfg(feature = "ssr")]
pub(crate) use clock::now_ms;
pub(crate) use feed::{Feed, PAGE, Pushed, Wanted};
pub(crate) use link::Link;
pub(crate) use needle::Needle;
pub(crate) use notices::{Notice, Notices};
pub(crate) use processes::{ProcessSignal, Processes};
pub(crate) use request::{Answer, Request, RequestSlot};
pub(crate) use row::{Line, LineFilter, Row};
pub(crate) use size_watch::SizeWatch;
pub(crate) use viewport::{ROW_PX, Viewport, height_of};

use crate::model::{ClientMessage, Process, ProcessId, ServerMessage, SubscribeMode};

/// See the module. A handle: copies are the same.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Live {
    /// Every process that is known.
    pub(crate) processes: Processes,
    /// How the page stands to the server.
    pub(crate) link: RwSignal<Link>,
    /// The time, for what ticks.
    pub(crate) clock: Clock,
    /// What went wrong, for the user to read.
    pub(crate) alerts: Alerts,
    /// What ended while nobody looked.
    pub(crate) notices: Notices,
    viewer: StoredValue<Option<Viewer>>,
}

/// The log on screen.
#[derive(Clone, Debug)]
struct Viewer {
    id: ProcessId,
    feed: StoredValue<Feed>,
    /// Called when the feed changed.
    wake: Callback<()>,
}

impl Live {
    /// Makes one and puts it into the context.
    pub(crate) fn provide() -> Self {
        let live = Self {
            processes: Processes::new(),
            link: RwSignal::new(Link::Connecting),
            clock: Clock::new(),
            alerts: Alerts::new(),
            notices: Notices::new(),
            viewer: StoredValue::new(None),
        };
        provide_context(live);
        live
    }

    /// Begins to follow the server. For effects: there is no browser to do it with elsewhere.
    pub(crate) fn start(self) {
        self.clock.start();
        self.notices.start();
        socket::start(self);
    }

    /// Tries the server now rather than when it is due.
    pub(crate) fn retry(self) {
        socket::connect(self);
    }

    /// Follows the log of `id` into `feed`, from where the feed ends.
    pub(crate) fn follow(self, id: ProcessId, feed: StoredValue<Feed>, wake: Callback<()>) {
        let viewer = Viewer { id, feed, wake };
        let before = self.viewer.try_update_value(|shown| shown.replace(viewer)).flatten();
        if let Some(before) = before {
            socket::send(&ClientMessage::Unsubscribe { process_id: before.id });
        }
        self.subscribe();
    }

    /// Stops following into `feed`, unless another one took its place.
    pub(crate) fn unfollow(self, feed: StoredValue<Feed>) {
        let gone =
            self.viewer.try_update_value(|shown| shown.take_if(|viewer| viewer.feed == feed));
        if let Some(gone) = gone.flatten() {
            socket::send(&ClientMessage::Unsubscribe { process_id: gone.id });
        }
    }

    /// Takes the answer of a call. While messages arrive they are at least as new, and the answer
    /// may be overtaken by one: it is then left aside.
    pub(crate) fn offer(self, process: Process) {
        if self.link.get_untracked() != Link::Live {
            self.processes.upsert(process);
        }
    }

    fn subscribe(self) {
        let Some(viewer) = self.viewer.try_get_value().flatten() else { return };
        let Some(last) = viewer.feed.try_with_value(Feed::last) else { return };
        socket::send(&ClientMessage::Subscribe {
            process_id: viewer.id,
            mode: SubscribeMode::Tail,
            after: Some(last),
        });
    }

    /// Takes one message of the server.
    fn receive(self, text: &str) {
        match message::parse(text) {
            Ok(Some(message)) => self.apply(message),
            Ok(None) => {}
            Err(error) => self.alerts.say(format!("a message of the server does not fit: {error}")),
        }
    }

    fn apply(self, message: ServerMessage) {
        match message {
            ServerMessage::Status { processes } => {
                for process in processes.iter().rev() {
                    self.notices.look_at(process);
                }
                self.notices.come_back();
                self.processes.reconcile(processes);
                // The first message on a connection, and the sign that the server means it.
                if self.link.get_untracked() != Link::Live {
                    self.link.set(Link::Live);
                    self.subscribe();
                }
            }
            ServerMessage::ProcessUpdate { process } => {
                let (id, next_idx) = (process.id.clone(), process.next_idx);
                let is_ended = process.status.is_ended();
                self.notices.look_at(&process);
                self.processes.upsert(process);
                if is_ended {
                    self.catch_up(&id, next_idx);
                }
            }
            ServerMessage::Logs { process_id, entries } => {
                let pushed = self.change_feed(&process_id, |feed| feed.push(entries));
                if pushed == Some(Pushed::Hole) {
                    self.subscribe();
                }
            }
            ServerMessage::Gap { process_id, to, .. } => {
                self.change_feed(&process_id, |feed| feed.skip_to(to));
            }
            ServerMessage::Error { message, .. } => self.alerts.say(message),
            ServerMessage::Subscribed { .. } | ServerMessage::Unsubscribed { .. } => {}
        }
    }

    /// Changes the feed, if it is the one of `id`, and wakes its viewer.
    fn change_feed<T>(self, id: &ProcessId, change: impl FnOnce(&mut Feed) -> T) -> Option<T> {
        let viewer = self.viewer.try_get_value().flatten().filter(|viewer| viewer.id == *id)?;
        let result = viewer.feed.try_update_value(change);
        viewer.wake.run(());
        result
    }

    /// The last lines come before the end of a process: what is missing then is asked for.
    fn catch_up(self, id: &ProcessId, next_idx: i64) {
        let Some(viewer) = self.viewer.try_get_value().flatten() else { return };
        let last = viewer.feed.try_with_value(Feed::last).unwrap_or(next_idx);
        if viewer.id == *id && last + 1 < next_idx {
            self.subscribe();
        }
    }
}

/// The layout's [`Live`]; outside of it, one that nothing feeds.
pub(crate) fn use_live() -> Live {
    use_context::<Live>().unwrap_or_else(Live::provide)
}

/// A process for tests: `site / dev`.
#[cfg(test)]
pub(crate) fn sample_process(id: &str, status: crate::model::Status) -> Process {
    Process {
        id: ProcessId(id.to_owned()),
        project: "site".to_owned(),
        script: "dev".to_owned(),
        kind: crate::model::ProcessType::LongRunning,
        status,
        ..Process::default()
    }
}

/// An entry for tests, written at the time of its index.
#[cfg(test)]
pub(crate) fn sample_entry(
    idx: i64,
    kind: crate::model::EntryKind,
    line: &str,
) -> crate::model::Entry {
    let (line, style) = (line.to_owned(), String::new());
    crate::model::Entry { idx, ts: idx, kind, line, continued: false, style, under: None }
}
