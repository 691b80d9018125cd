//! Processes in the command palette: the way to them, and what can be done to them where they are not open.

use super::{Command, Deed};
use crate::components::act::Act;
use crate::components::actions::SIGNALS;
use crate::components::status_word;
use crate::live::Processes;
use crate::model::{Process, ProcessId, Status};

/// How many entries are about processes.
pub(super) const MOST_PROCESSES: usize = 12;

/// The way to processes, and, once somebody types, what can be done to them.
pub(super) fn of_processes(words: &[String], processes: Processes) -> Vec<Command> {
    let mut commands = Vec::new();
    processes.look_through(|process| {
        let Process { id, script, project, status, .. } = process;
        // Of thousands most have nothing of what is typed: no command is made of them.
        let state = status_word(*status);
        let text = format!("{script}: {state} {project} {}", id.short()).to_lowercase();
        let may_fit = |word: &String| {
            text.contains(word.as_str()) || ACTS.contains(word.as_str()) || names_signals(word)
        };
        if words.iter().all(may_fit) {
            let note = format!("{project} {}", id.short());
            let to = Deed::Go(format!("/processes/{id}"));
            let way = Command::new(format!("{script}: {state}"), note.clone(), to);
            let acts = if words.is_empty() { vec![] } else { acts_on(id, script, *status, &note) };
            let signals = if process.pid.is_some() && words.iter().any(|word| names_signals(word)) {
                signals_to(id, script, &note)
            } else {
                vec![]
            };
            let own = std::iter::once(way).chain(acts).chain(signals);
            commands.extend(own.filter(|command| command.fits(words)));
        }
        commands.len() < MOST_PROCESSES
    });
    commands
}

/// The words of all that [`acts_on`] makes, in lower case.
const ACTS: &str = "start again: stop restart";

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

/// Whether a word, in lower case, is on the way to the name of a signal: they are many, and offered only to
/// those who ask for them.
fn names_signals(word: &str) -> bool {
    let names = |signal: &str| {
        let signal = signal.to_lowercase();
        signal.starts_with(word) || signal.trim_start_matches("sig").starts_with(word)
    };
    let is_asked = ["send", "signal"].into_iter().any(|asked| asked.starts_with(word));
    word.len() > 2 && (is_asked || SIGNALS.iter().any(|(signal, _)| names(signal)))
}

fn signals_to(id: &ProcessId, script: &str, note: &str) -> Vec<Command> {
    let send = |(signal, use_of_it): &(&'static str, &str)| {
        let words = format!("Send signal {signal} to {script}");
        Command::new(words, format!("{use_of_it} · {note}"), Deed::Signal(id.clone(), signal))
    };
    SIGNALS.iter().map(send).collect()
}
