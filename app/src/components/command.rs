//! What the command palette offers: acts and places, found by parts of their names.

use leptos::prelude::document;
use wasm_bindgen::JsCast as _;
use web_sys::Element;

use super::act::Act;
use super::actions::SIGNALS;
use super::pages_of_admin::pages_of_admin;
use super::shortcuts::last_of;
use super::tabs::{TABS, testid_of};
use crate::live::Processes;
use crate::model::{Catalogue, ProcessId};

mod of_processes;

use of_processes::of_processes;

/// How many are offered at once.
const MOST: usize = 60;

/// What choosing an entry does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Deed {
    /// Opens a page.
    Go(String),
    /// Opens a page that the server renders.
    Leave(&'static str),
    /// Starts a script: its project and its name.
    Start(String, String),
    /// Does something to a process.
    Do(ProcessId, Act),
    /// Sends a process a signal.
    Signal(ProcessId, &'static str),
    /// Writes into a field on the page.
    Fill(&'static str, String),
    /// Does what a button on the page does.
    Click(String),
    /// The same for one that a closed menu hides.
    Press(String),
    /// Takes away all that narrows what is on the page.
    Clear,
}

/// An entry: words, what stands beside them, what it does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Command {
    pub(super) words: String,
    pub(super) note: String,
    pub(super) deed: Deed,
}

impl Command {
    fn new(words: impl Into<String>, note: impl Into<String>, deed: Deed) -> Self {
        Self { words: words.into(), note: note.into(), deed }
    }

    /// Whether every one of the words, in lower case, is in it.
    fn fits(&self, words: &[String]) -> bool {
        let all = format!("{} {}", self.words, self.note).to_lowercase();
        words.iter().all(|word| all.contains(word.as_str()))
    }
}

/// What a button of the open process does.
const OF_PROCESS: [(&str, &str); 9] = [
    ("Stop this process", "stop"),
    ("Restart this process", "restart"),
    ("Signal this process", "signal-menu"),
    ("Follow this log", "follow"),
    ("Search this log", "log-search"),
    ("Go to a line or a time in this log", GO_TO),
    ("Change how this log is shown", "log-view-menu"),
    ("Write a line to this process", "stdin"),
    ("Compare with the last success", "compare-link"),
];

/// The field for places in the open log.
const GO_TO: &str = "log-goto";

/// What is in the menu of the open log.
const OF_LOG: [(&str, &str); 4] = [
    ("Download this log as text", "download-text"),
    ("Download this log as NDJSON", "download-ndjson"),
    ("Wrap the long lines of this log, or not", "log-wrap"),
    ("Show JSON in this log as it was written, or folded", "log-raw"),
];

/// The fields that narrow what is on the page.
pub(super) const NARROWING: [&str; 5] =
    ["search", "script-filter", "log-search", "log-stream", "log-level"];

/// What a button of the frame does.
const OF_FRAME: [(&str, &str); 8] = [
    ("Start with arguments", "start-open"),
    ("Start all that is declared", "declared-start"),
    ("Stop all that is declared", "declared-stop"),
    ("Reload runyard.toml", "reload"),
    ("List processes by project", "group"),
    ("Change the theme", "theme"),
    ("Show what ended meanwhile", "notices-menu"),
    ("Show the keys", "help"),
];

/// Pages of the server's own besides those of administration: address and title.
const ELSEWHERE: [(&str, &str); 2] = [("/docs", "API"), ("/api/openapi.json", "API as OpenAPI")];

/// The buttons that are on the page and can be used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Buttons {
    of_process: Vec<Command>,
    of_frame: Vec<Command>,
    /// There is a log on the page, to go to places in.
    has_log: bool,
}

/// Looks for them: whatever is behind the palette stays as it is while that is open.
pub(super) fn find_buttons() -> Buttons {
    let button = |words: &str, testid: &str| {
        let is_there = "not([disabled],[aria-disabled=true])";
        last_of(&format!("[data-testid='{testid}']:{is_there}"))
            .map(|_| Command::new(words, "", Deed::Click(testid.to_owned())))
    };
    let all = |all: &[(&str, &str)]| {
        all.iter().filter_map(|(words, testid)| button(words, testid)).collect::<Vec<_>>()
    };
    let tabs = TABS.iter().filter_map(|(tab, name)| {
        let words = format!("Show the {} of this process", name.to_lowercase());
        button(&words, &testid_of(tab))
    });
    // What a menu hides is there while the menu can be opened.
    let hidden = |menu: &str, words: String, testid: String| {
        button("", menu).map(|_| Command::new(words, "", Deed::Press(testid)))
    };
    let signals = SIGNALS.iter().filter_map(|(signal, _)| {
        let words = format!("Send {signal} to this process");
        hidden("signal-menu", words, format!("signal-{signal}"))
    });
    let of_log = OF_LOG.iter().filter_map(|(words, testid)| {
        hidden("log-view-menu", (*words).to_owned(), (*testid).to_owned())
    });
    let mut of_process = all(&OF_PROCESS);
    of_process.extend(tabs.chain(of_log).chain(signals));
    let mut of_frame = all(&OF_FRAME);
    of_frame.push(Command::new("Clear every filter on this page", "", Deed::Clear));
    of_frame.extend(all_of("pool-pause"));
    let has_log = last_of(&format!("[data-testid='{GO_TO}']")).is_some();
    Buttons { of_process, of_frame, has_log }
}

/// Each of the buttons that are called so, in the words that it has for those who do not see it.
fn all_of(testid: &str) -> Vec<Command> {
    let Ok(all) = document().query_selector_all(&format!("[data-testid='{testid}']")) else {
        return vec![];
    };
    let elements = (0..all.length()).filter_map(|at| all.item(at)?.dyn_into::<Element>().ok());
    let words = elements.filter_map(|element| element.get_attribute("aria-label"));
    words
        .map(|words| {
            let deed = Deed::Press(format!("{testid}'][aria-label='{words}"));
            Command::new(words, "", deed)
        })
        .collect()
}

/// What fits `text`, the nearest at hand first.
pub(super) fn find_commands(
    text: &str,
    buttons: &Buttons,
    is_admin: bool,
    catalogue: &Catalogue,
    processes: Processes,
) -> Vec<Command> {
    let mut commands = buttons.of_process.clone();
    commands.push(Command::new("Overview", "", Deed::Go("/overview".into())));
    commands.push(Command::new("Search all logs", "", Deed::Go("/search".into())));
    let scripts = catalogue.projects.iter().flat_map(|project| &project.scripts);
    commands.extend(scripts.filter(|script| script.can_start).map(|script| {
        let (project, name) = (script.project.clone(), script.name.clone());
        Command::new(format!("Start {name}"), project.clone(), Deed::Start(project, name))
    }));
    commands.extend(buttons.of_frame.iter().cloned());
    let pages = pages_of_admin(is_admin).chain(ELSEWHERE);
    commands.extend(pages.map(|(url, title)| Command::new(title, "", Deed::Leave(url))));
    let words: Vec<String> = text.split_whitespace().map(str::to_lowercase).collect();
    commands.retain(|command| command.fits(&words));
    commands.extend(of_processes(&words, processes));
    if buttons.has_log && is_place(text) {
        let words = format!("Go to {} in this log", text.trim());
        commands.insert(0, Command::new(words, "", Deed::Fill(GO_TO, text.trim().to_owned())));
    }
    commands.truncate(MOST);
    commands
}

/// Whether a text may be a line's number, or a time.
fn is_place(text: &str) -> bool {
    let is_of_it =
        |c: char| c.is_ascii_digit() || matches!(c, ':' | ',' | '-' | ' ' | 'T' | '.' | 'Z');
    text.trim_start().starts_with(|c: char| c.is_ascii_digit()) && text.chars().all(is_of_it)
}

#[cfg(test)]
mod tests {
    use leptos::prelude::Owner;

    use super::of_processes::MOST_PROCESSES;
    use super::*;
    use crate::live::{Live, sample_process};
    use crate::model::Status;

    fn find(text: &str, is_admin: bool, processes: &[(&str, Status)]) -> Vec<Command> {
        let owner = Owner::new();
        owner.with(|| {
            let known = Live::provide().processes;
            known.add_found(processes.iter().map(|(id, s)| sample_process(id, *s)).collect());
            let buttons = Buttons { has_log: true, ..Buttons::default() };
            find_commands(text, &buttons, is_admin, &Catalogue::default(), known)
        })
    }

    fn words(found: &[Command]) -> Vec<&str> {
        found.iter().map(|command| command.words.as_str()).collect()
    }

    /// What is found of one process, which runs or does not.
    fn words_of(text: &str, is_running: bool) -> Vec<String> {
        let owner = Owner::new();
        owner.with(|| {
            let known = Live::provide().processes;
            let mut process = sample_process("000001", Status::Running);
            process.pid = is_running.then_some(7);
            known.add_found(vec![process]);
            let buttons = Buttons::default();
            let found = find_commands(text, &buttons, false, &Catalogue::default(), known);
            found.into_iter().map(|command| command.words).collect()
        })
    }

    #[test]
    fn a_number_and_a_time_are_places_in_the_log() {
        for text in ["1200", "1,200", " 14:03 ", "2026-02-28 14:03", "2026-02-28T14:03:09.5Z"] {
            let first = &find(text, false, &[])[0];
            assert_eq!(first.words, format!("Go to {} in this log", text.trim()));
            assert_eq!(first.deed, Deed::Fill(GO_TO, text.trim().to_owned()));
        }
        for text in ["", "dev 12", "12 dev", "-"] {
            let found = find(text, false, &[]);
            assert!(!found.iter().any(|one| matches!(one.deed, Deed::Fill(..))), "{text}");
        }
    }

    #[test]
    fn people_are_for_admins() {
        assert_eq!(words(&find("people", true, &[])), ["People"]);
        assert_eq!(find("people", false, &[]), []);
        assert_eq!(words(&find("sess", false, &[])), ["Sessions"]);
    }

    #[test]
    fn processes_are_found_by_what_they_are_and_by_what_can_be_done() {
        let all = [("000001", Status::Running), ("000002", Status::Failed)];
        assert_eq!(words(&find("dev:", false, &all)), ["dev: failed", "dev: running"]);
        assert_eq!(words(&find("stop dev", false, &all)), ["Stop dev"]);
        assert_eq!(words(&find("again: site", false, &all)), ["Start again: dev"]);
        let own = find("000001 site", false, &all);
        assert_eq!(words(&own), ["dev: running", "Stop dev", "Restart dev"]);
        assert_eq!(own[2].deed, Deed::Do(ProcessId("000001".into()), Act::Restart));
        assert_eq!(find("stop web", false, &all), []);
        // One that runs has a pid, and can be sent what is asked for.
        let usr = words_of("sigusr1 dev", true);
        assert_eq!(usr, ["Send signal SIGUSR1 to dev"]);
        assert_eq!(words_of("send dev", true).len(), SIGNALS.len());
        assert!(words_of("sigusr1 dev", false).is_empty());
        let many: Vec<_> = (100_000..100_050).map(|id: u32| id.to_string()).collect();
        let many: Vec<_> = many.iter().map(|id| (id.as_str(), Status::Completed)).collect();
        assert_eq!(find("dev:", false, &many).len(), MOST_PROCESSES);
    }
}
