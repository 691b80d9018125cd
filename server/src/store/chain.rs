//! The audit's chain: each line has a hash over itself and the hash of the line before, so that a
//! line that was changed or taken out is seen by everything after it.

use sha2::{Digest, Sha256};

use super::audit_end::is_as_told;
use super::{AuditEnds, AuditLine, AuditRecord};

/// A place in the chain: a line's id and its hash.
pub(super) type Link = (i64, String);

/// The link that `record` makes after `before`.
pub(super) fn link(before: &Link, record: &AuditRecord) -> Link {
    let id = before.0.saturating_add(1);
    let mut digest = Sha256::new();
    // Every part with its length: no two lines have the same bytes.
    let mut part = |bytes: &[u8]| {
        digest.update(bytes.len().to_be_bytes());
        digest.update(bytes);
    };
    part(before.1.as_bytes());
    part(&id.to_be_bytes());
    part(&record.at.to_be_bytes());
    part(&record.attempt.map_or(-1, i64::from).to_be_bytes());
    let AuditRecord { actor, via, address, action, target, outcome, detail, .. } = record;
    let AuditRecord { project, script, process_id, .. } = record;
    for text in [actor, via, address, action, target, project, script, process_id, outcome, detail]
    {
        part(text.as_bytes());
    }
    // Lines from before this was kept have no such part.
    if !record.actor_id.is_empty() {
        part(record.actor_id.as_bytes());
    }
    let hash = digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    (id, hash)
}

/// What is wrong with the chain.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// A line is not what was written, or the one before is not.
    #[error("line {0} is not as it was written")]
    Changed(i64),
    /// Lines are missing.
    #[error("lines are missing: {expected} is expected, and {got} is next")]
    Missing {
        /// The id that would follow.
        expected: i64,
        /// The id that does.
        got: i64,
    },
    /// An attempt ended in another way than its line tells.
    #[error(
        "line {id} tells that the attempt of {process} ended by {told}, and the attempt differs"
    )]
    Outcome {
        /// The line.
        id: i64,
        /// Whose attempt.
        process: String,
        /// How it ended.
        told: String,
    },
    /// The end is missing.
    #[error("the end is missing: the newest line was {expected}, and {got} is the last")]
    Truncated {
        /// The newest line that was written.
        expected: i64,
        /// The last that is there.
        got: i64,
    },
}

/// Follows the chain line by line.
#[derive(Clone, Debug)]
pub struct ChainCheck {
    ends: AuditEnds,
    last: Link,
    lines: u64,
}

impl ChainCheck {
    /// Begins where the chain does.
    #[must_use]
    pub fn new(ends: AuditEnds) -> Self {
        let last = ends.base.clone();
        Self { ends, last, lines: 0 }
    }

    /// The id after which lines are to be given.
    #[must_use]
    pub fn last_id(&self) -> i64 {
        self.last.0
    }

    /// Checks the next line.
    ///
    /// # Errors
    /// [`Broken`] at the first line that does not fit.
    pub fn follow(&mut self, line: &AuditLine) -> Result<(), Broken> {
        let next = link(&self.last, &line.record);
        if line.id != next.0 {
            return Err(Broken::Missing { expected: next.0, got: line.id });
        }
        if line.hash != next.1 {
            return Err(Broken::Changed(line.id));
        }
        if !is_as_told(line) {
            let AuditLine { id, record: AuditRecord { process_id, outcome, .. }, .. } =
                line.clone();
            return Err(Broken::Outcome { id, process: process_id, told: outcome });
        }
        self.last = next;
        self.lines += 1;
        Ok(())
    }

    /// After the last line: how many there were, and the hash of the newest.
    ///
    /// # Errors
    /// [`Broken`] when lines are missing at the end.
    pub fn finish(self) -> Result<(u64, String), Broken> {
        // Lines may have been added since the ends were read, never taken away.
        if self.last.0 < self.ends.head.0 {
            return Err(Broken::Truncated { expected: self.ends.head.0, got: self.last.0 });
        }
        if self.last.0 == self.ends.head.0 && self.last.1 != self.ends.head.1 {
            return Err(Broken::Changed(self.last.0));
        }
        Ok((self.lines, self.last.1))
    }
}

#[cfg(test)]
mod tests {
    use super::super::conformance::samples::audit;
    use super::*;

    fn chain(records: &[AuditRecord]) -> (Vec<AuditLine>, AuditEnds) {
        let base = (7, String::new());
        let mut head = base.clone();
        let mut lines = Vec::new();
        for record in records {
            head = link(&head, record);
            lines.push(AuditLine {
                id: head.0,
                record: record.clone(),
                pid: None,
                exit_code: None,
                signal: None,
                hash: head.1.clone(),
            });
        }
        (lines, AuditEnds { base, head })
    }

    fn check(lines: &[AuditLine], ends: &AuditEnds) -> Result<u64, Broken> {
        let mut check = ChainCheck::new(ends.clone());
        for line in lines {
            check.follow(line)?;
        }
        check.finish().map(|(lines, _)| lines)
    }

    #[test]
    fn what_was_done_to_it_shows() {
        let records: Vec<_> = (0..5).map(|n| audit(n, "somebody")).collect();
        let (lines, ends) = chain(&records);
        assert_eq!(check(&lines, &ends), Ok(5));

        let mut changed = lines.clone();
        changed[2].record.detail.push('!');
        assert_eq!(check(&changed, &ends), Err(Broken::Changed(10)));
        let mut removed = lines.clone();
        removed.remove(2);
        assert_eq!(check(&removed, &ends), Err(Broken::Missing { expected: 10, got: 11 }));
        let mut swapped = lines.clone();
        swapped.swap(1, 2);
        assert!(check(&swapped, &ends).is_err());
        let truncated = Broken::Truncated { expected: 12, got: 11 };
        assert_eq!(check(&lines[..4], &ends), Err(truncated));
        let mut ends_elsewhere = ends;
        ends_elsewhere.head.1 = "0".repeat(64);
        assert_eq!(check(&lines, &ends_elsewhere), Err(Broken::Changed(12)));
    }

    #[test]
    fn text_cannot_move_from_one_field_to_the_next() {
        let base = (0, String::new());
        let one = AuditRecord { actor: "ab".into(), via: "c".into(), ..audit(1, "") };
        let other = AuditRecord { actor: "a".into(), via: "bc".into(), ..audit(1, "") };
        assert_ne!(link(&base, &one), link(&base, &other));
        let anonymous = AuditRecord { actor_id: String::new(), ..one.clone() };
        let another = AuditRecord { actor_id: "user-2".into(), ..one.clone() };
        assert_ne!(link(&base, &one), link(&base, &anonymous));
        assert_ne!(link(&base, &one), link(&base, &another));
    }
}
