//! What the command palette offers: acts and places, found by parts of their names.

use leptos::prelude::*;

use super::act::Act;
use super::shortcuts::last_of;
use super::status_word;
use crate::live::Processes;
use crate::model::{Catalogue, ProcessId, Status};
use crate::text::filter::Query;

/// How many are offered at once.
const MOST: usize = 60;
/// How many processes are among them.
const MOST_PROCESSES: usize = 12;

/// What choosing an entry does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Deed {
    /// Opens a page.
    Go(String),
    /// Opens a page of the server's own.
    Leave(&'static str),
    /// Starts a script: its project and its name.
    Start(String, String),
    /// Does something to a process.
    Do(ProcessId, Act),
    /// Does what a button on the page does.
    Click(&'static str),
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
const OF_PROCESS: [(&str, &str); 12] = [
    ("Stop this process", "stop"),
    ("Restart this process", "restart"),
    ("Signal this process", "signal-menu"),
    ("Follow this log", "follow"),
    ("Search this log", "log-search"),
    ("Change how this log is shown, download it", "log-view-menu"),
    ("Show the log of this process", "tab-"),
    ("Show the attempts of this process", "tab-attempts"),
    ("Show the figures of this process", "tab-figures"),
    ("Show the configuration of this process", "tab-configuration"),
    ("Show the audit of this process", "tab-audit"),
    ("Compare with the last success", "compare-link"),
];

/// What a button of the frame does.
const OF_FRAME: [(&str, &str); 7] = [
    ("Start with arguments", "start-open"),
    ("Start all that is declared", "declared-start"),
    ("Stop all that is declared", "declared-stop"),
    ("Reload runyard.toml", "reload"),
    ("List processes by project", "group"),
    ("Change the theme", "theme"),
    ("Show the keys", "help"),
];

/// Pages of the server's own.
const ELSEWHERE: [(&str, &str); 7] = [
    ("Account", "/account"),
    ("Sessions", "/sessions"),
    ("Tokens", "/tokens"),
    ("People", "/people"),
    ("Audit", "/audit"),
    ("API", "/docs"),
    ("API as OpenAPI", "/api/openapi.json"),
];

/// What fits `text`, the nearest at hand first.
pub(super) fn find_commands(
    text: &str,
    catalogue: Catalogue,
    processes: Processes,
) -> Vec<Command> {
    let buttons = |all: &[(&str, &'static str)]| {
        let there = all.iter().filter(|(_, testid)| is_there(testid));
        there
            .map(|(words, testid)| Command::new(*words, "", Deed::Click(testid)))
            .collect::<Vec<_>>()
    };
    let mut commands = buttons(&OF_PROCESS);
    commands.push(Command::new("Overview", "", Deed::Go("/overview".into())));
    commands.push(Command::new("Search all logs", "", Deed::Go("/search".into())));
    let scripts = catalogue.projects.into_iter().flat_map(|project| project.scripts);
    commands.extend(scripts.filter(|script| script.can_start).map(|script| {
        let words = format!("Start {}", script.name);
        Command::new(words, script.project.clone(), Deed::Start(script.project, script.name))
    }));
    commands.extend(buttons(&OF_FRAME));
    commands.extend(ELSEWHERE.map(|(words, url)| Command::new(words, "", Deed::Leave(url))));
    let words: Vec<String> = text.split_whitespace().map(str::to_lowercase).collect();
    commands.extend(of_processes(text, &words, processes));
    commands.retain(|command| command.fits(&words));
    commands.truncate(MOST);
    commands
}

/// The way to processes, and, once somebody types, what can be done to them.
fn of_processes(text: &str, words: &[String], processes: Processes) -> Vec<Command> {
    let mut found = processes.found(&Query::parse(text));
    if found.is_empty() && !words.is_empty() {
        // Perhaps the name of an act is among the words.
        found = processes.found(&Query::parse(""));
    }
    let mut commands = Vec::new();
    for (id, project) in found {
        let Some(process) = processes.get(&id) else { continue };
        let (script, status) =
            process.with_untracked(|process| (process.script.clone(), process.status));
        let note = format!("{project} {}", id.short());
        let mut own = vec![Command::new(
            format!("{script}: {}", status_word(status)),
            note.clone(),
            Deed::Go(format!("/processes/{id}")),
        )];
        if !words.is_empty() {
            own.extend(acts_on(&id, &script, status, &note));
        }
        own.retain(|command| command.fits(words));
        commands.extend(own);
        if commands.len() >= MOST_PROCESSES {
            break;
        }
    }
    commands
}

fn acts_on(id: &ProcessId, script: &str, status: Status, note: &str) -> Vec<Command> {
    let act = |word: &str, what| {
        Command::new(format!("{word} {script}"), note, Deed::Do(id.clone(), what))
    };
    if status.is_ended() {
        vec![act("Start again:", Act::Restart)]
    } else {
        vec![act("Stop", Act::Stop), act("Restart", Act::Restart)]
    }
}

/// Whether the button is in sight and can be used.
fn is_there(testid: &str) -> bool {
    last_of(&format!("[data-testid='{testid}']:not([disabled],[aria-disabled=true])")).is_some()
}
