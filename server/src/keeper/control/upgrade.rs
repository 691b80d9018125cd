//! Becoming another program in place: first it is tried out, then the movers stop, and then all that
//! is open is left to it.
//!
//! Until the very last step nothing is given up: whatever fails before, or there, leaves this program
//! as it was.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};

use super::runs::Phase;
use super::{Control, READABLE, note};
use crate::keeper::capture::Capture;
use crate::keeper::handshake::Answer;
use crate::keeper::mover::Command;
use crate::keeper::succession::{Estate, RunEstate, can_succeed};
use crate::sys::clock;
use crate::sys::pidfd::{self, Pidfd};
use crate::sys::pipe::Pipe;
use crate::sys::spawn::{self, Child, spawn};

/// A program that is tried out has to say what it can within this time.
const TRIAL_NS: u64 = 5_000_000_000;
/// Then this keeper has to be between no two steps within this time.
const REST_NS: u64 = 5_000_000_000;
/// The most that is read of what it says.
const MAX_WORDS: usize = 4096;
/// The token of the trial's process.
pub(super) const TRIAL: u64 = 3;

/// A program that is being tried out, or waits for its moment.
#[derive(Debug)]
pub(super) struct Upgrade {
    exe: PathBuf,
    /// Who asked.
    client: u64,
    trial: Option<Trial>,
    /// Then it is given up.
    until_ns: u64,
}

#[derive(Debug)]
struct Trial {
    pid: i32,
    pidfd: Pidfd,
    words: OwnedFd,
}

impl Upgrade {
    /// The child that is tried out: it is not one of the runs.
    pub(super) fn trial_pid(&self) -> Option<i32> {
        self.trial.as_ref().map(|trial| trial.pid)
    }

    pub(super) fn until_ns(&self) -> u64 {
        self.until_ns
    }
}

impl Control {
    /// Somebody wants this process to become `exe`.
    pub(super) fn begin_upgrade(&mut self, client: u64, exe: PathBuf) {
        if self.upgrade.is_some() {
            return self.refuse_upgrade(client, "another upgrade is under way".into());
        }
        match self.try_out(&exe) {
            Ok(trial) => {
                let until_ns = clock::boottime_ns() + TRIAL_NS;
                self.upgrade = Some(Upgrade { exe, client, trial: Some(trial), until_ns });
            }
            Err(error) => {
                self.refuse_upgrade(client, format!("{} cannot run: {error}", exe.display()));
            }
        }
    }

    fn try_out(&self, exe: &Path) -> io::Result<Trial> {
        let text = |path: &Path| path.to_str().map(str::to_owned).ok_or(io::ErrorKind::InvalidData);
        if !exe.is_absolute() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "its path is not absolute"));
        }
        let pipe = Pipe::new()?;
        let argv = [text(exe)?, "keeper".to_owned(), "--check".to_owned()];
        let child = spawn(&spawn::Command {
            program: exe,
            argv: &argv,
            env: &[],
            cwd: Path::new("/"),
            stdout: pipe.child.as_fd(),
            stderr: pipe.child.as_fd(),
            group: None,
        })?;
        let Child { pid, pidfd, .. } = child;
        let watched = self.epoll.add(pidfd.as_fd(), TRIAL, READABLE);
        watched.inspect_err(|_| pidfd::kill_child(pid))?;
        Ok(Trial { pid, pidfd, words: pipe.read })
    }

    /// The trial has ended, or it has taken too long.
    pub(super) fn see_trial(&mut self) {
        let Some(upgrade) = &self.upgrade else { return };
        let Some(trial) = &upgrade.trial else { return };
        let ended = match trial.pidfd.reap() {
            Ok(Some(ended)) => ended,
            Ok(None) if clock::boottime_ns() >= upgrade.until_ns => {
                // Its end comes as an event.
                let _ = trial.pidfd.send_signal(libc::SIGKILL);
                return;
            }
            Ok(None) => return,
            Err(error) => return self.give_up(&format!("its trial was lost: {error}")),
        };
        let mut words = [0; MAX_WORDS];
        let read = trial.words.try_clone().map(File::from).and_then(|mut it| it.read(&mut words));
        let words = String::from_utf8_lossy(&words[..read.unwrap_or(0)]).into_owned();
        if ended.exit_code != Some(0) || !can_succeed(&words) {
            let said = words.trim();
            let said = if said.is_empty() { "nothing" } else { said };
            return self.give_up(&format!("it said {said:?} when it was tried out"));
        }
        if let Some(upgrade) = &mut self.upgrade {
            upgrade.trial = None;
            upgrade.until_ns = clock::boottime_ns() + REST_NS;
        }
    }

    fn give_up(&mut self, why: &str) {
        let Some(upgrade) = self.upgrade.take() else { return };
        let message = format!("{} cannot take over: {why}", upgrade.exe.display());
        self.refuse_upgrade(upgrade.client, message);
    }

    fn refuse_upgrade(&mut self, client: u64, message: String) {
        note(&format!("no upgrade: {message}"));
        self.answer_handshake(client, &Answer::Refused { message });
    }

    /// Becomes the program that has passed its trial, if nothing is between two steps that must not be
    /// torn apart.
    pub(super) fn continue_upgrade(&mut self) {
        let Some(upgrade) = self.upgrade.as_ref().filter(|it| it.trial.is_none()) else { return };
        if let Some(what) = self.is_busy_with() {
            if clock::boottime_ns() >= upgrade.until_ns {
                self.give_up(&format!("this keeper did not come to rest: {what}"));
            }
            return;
        }
        let stopped_at_ns = clock::boottime_ns();
        let captures = self.stop_movers();
        // What they have told meanwhile is acted upon before: nothing of it may be lost.
        self.read_notes();
        let why = if captures.iter().any(Capture::holds_bytes) {
            "output is held in memory, as this file system cannot splice".to_owned()
        } else {
            self.hand_over(&captures, stopped_at_ns).to_string()
        };
        self.start_movers_again(captures);
        self.give_up(&why);
    }

    /// What is between two steps that must not be torn apart.
    fn is_busy_with(&self) -> Option<String> {
        if !self.starting.is_empty() {
            return Some(format!("{} runs are being started", self.starting.len()));
        }
        let mut ending = self.runs.values().filter(|run| run.is_ending());
        if let Some(run) = ending.next() {
            return Some(format!("{} and {} more are just ending", run.name, ending.count()));
        }
        if !self.unreaped.is_empty() {
            return Some(format!("{} zombies of others are not reaped", self.unreaped.len()));
        }
        let trees = self.kills.len() + self.looks.len();
        (trees > 0).then(|| format!("{trees} trees are being ended"))
    }

    fn stop_movers(&mut self) -> Vec<Capture> {
        // All that is captured is with the movers then.
        self.pass_all_on();
        let mut captures = Vec::new();
        for mover in &mut self.movers {
            mover.inbox.push(Command::Stop);
            if let Some(thread) = mover.thread.take() {
                captures.extend(thread.join().unwrap_or_default());
            }
        }
        captures
    }

    fn start_movers_again(&mut self, captures: Vec<Capture>) {
        for index in 0..self.movers.len() {
            match self.start_mover(index) {
                Ok(mover) => self.movers[index] = mover,
                Err(error) => {
                    // The children go on; the keeper that is started next takes them over.
                    note(&format!("cannot go on after an upgrade that failed: {error}"));
                    std::process::abort();
                }
            }
        }
        for capture in captures {
            if let Some(mover) = self.runs.get(&capture.key).map(|run| run.mover) {
                self.tell_mover(mover, Command::Add(Box::new(capture)));
            }
        }
    }

    /// Returns only when it fails.
    fn hand_over(&self, captures: &[Capture], stopped_at_ns: u64) -> io::Error {
        let Some(upgrade) = &self.upgrade else { return io::ErrorKind::NotFound.into() };
        let mut runs = Vec::new();
        for run in self.runs.values() {
            let capture = captures.iter().find(|it| it.run == run.name);
            let pipes = capture.into_iter().flat_map(Capture::pipes);
            let is_unwritten =
                self.keys.get(&run.name).is_some_and(|key| self.unwritten.contains(key));
            let unwritten = match &run.phase {
                Phase::Ended(exit) if is_unwritten => Some(exit.clone()),
                _ => None,
            };
            runs.push(RunEstate {
                run: run.name.clone(),
                pipes: pipes.map(AsRawFd::as_raw_fd).collect(),
                unwritten,
                forget: run.forget,
                ..RunEstate::default()
            });
        }
        let listener = self.listener.as_owned();
        let estate = Estate {
            lock: self.lock.as_raw_fd(),
            listener: listener.as_raw_fd(),
            descriptors: self.ground.limit.numbers(),
            groups: self.ground.leaves.is_wanted(),
            highest_epoch: self.highest_epoch,
            runs,
            stopped_at_ns,
        };
        let mut kept: Vec<&OwnedFd> = vec![&self.lock, listener];
        kept.extend(captures.iter().flat_map(Capture::pipes));
        estate.leave(&upgrade.exe, &self.data_dir, &kept)
    }

    /// Takes what was left of each run by the program before.
    pub(super) fn inherit(&mut self, estates: Vec<RunEstate>) {
        for estate in estates {
            let Some(&key) = self.keys.get(&estate.run) else { continue };
            let Some(run) = self.runs.get_mut(&key) else { continue };
            if let Some(exit) = estate.unwritten {
                run.phase = Phase::Ended(exit);
                self.unwritten.push(key);
            }
            if estate.forget {
                self.forget(key);
            }
        }
    }
}
