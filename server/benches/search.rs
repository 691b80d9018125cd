//! How long a search takes in how much text. Fills a database with the lines of a busy site, and
//! the same text into a file for the tools of the shell.
//!
//!     cargo bench -p server --bench search -- fill FOLDER 10000000
//!     cargo bench -p server --bench search -- find FOLDER TEXT

#![allow(clippy::print_stdout, reason = "a benchmark prints its figures")]

use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context as _, bail};
use app::model::{EntryKind, Process, ProcessId, ProcessType, Status};
use futures_util::{StreamExt as _, pin_mut};
use server::logs::carry::Carry;
use server::logs::chunk::{ChunkBuilder, RawEntry};
use server::logs::filter::LineFilter;
use server::logs::pattern::Pattern;
use server::logs::search::{Place, Want, search};
use server::store::{Change, ProcessRecord, SqliteStore, Store};

/// Logs that the lines are spread over.
const LOGS: u32 = 20;
const CHUNK_BYTES: usize = 64 * 1024;
const RARE: &str = "xylophone";

fn main() -> anyhow::Result<()> {
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    let runtime = tokio::runtime::Runtime::new()?;
    match args.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["fill", folder, lines] => runtime.block_on(fill(Path::new(folder), lines.parse()?)),
        ["find", folder, text] => runtime.block_on(find(Path::new(folder), text)),
        _ => bail!("usage: fill FOLDER LINES, or find FOLDER TEXT"),
    }
}

async fn open(folder: &Path) -> anyhow::Result<Arc<SqliteStore>> {
    let path = folder.join("runyard.db");
    Ok(Arc::new(SqliteStore::open(path.to_str().context("the folder is no text")?).await?))
}

async fn fill(folder: &Path, lines: u64) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder)?;
    let store = open(folder).await?;
    let mut text = BufWriter::new(std::fs::File::create(folder.join("lines.txt"))?);
    let mut random = 0x2545_f491_4f6c_dd1d_u64;
    let mut line = Vec::new();
    let mut number = 0;
    for log in 0..LOGS {
        let process = ProcessId(format!("0190b0a0-0000-7000-8000-{log:012}"));
        store.commit(&[Change::PutProcess(Box::new(record(&process)))]).await?;
        let mut builder = ChunkBuilder::default();
        let (mut next_idx, mut changes, mut carry) = (0, Vec::new(), Carry::default());
        let end = lines * u64::from(log + 1) / u64::from(LOGS);
        while number < end {
            write_line(&mut line, &mut random, number, lines);
            text.write_all(&line)?;
            text.write_all(b"\n")?;
            let ts = 1_700_000_000_000 + i64::try_from(number)?;
            if builder.is_empty() {
                builder.begin(&mut carry);
            }
            let (kind, begin) = (EntryKind::Stdout, carry.next(EntryKind::Stdout, &line));
            let (idx, line) = (0, line.as_slice());
            builder.push(&RawEntry { idx, ts, kind, line, continued: false, begin });
            number += 1;
            if builder.bytes() >= CHUNK_BYTES || number == end {
                let chunk = builder.take(next_idx);
                next_idx = chunk.last_idx + 1;
                changes.push(Change::AppendChunk { process: process.clone(), chunk, cursor: None });
            }
            if changes.len() >= 64 || number == end {
                store.commit(&changes).await?;
                changes.clear();
            }
        }
    }
    text.flush()?;
    store.close().await;
    println!("{lines} lines in {}", folder.display());
    Ok(())
}

/// Some 100 bytes of an access log; one line in the middle has the rare word.
fn write_line(line: &mut Vec<u8>, random: &mut u64, number: u64, lines: u64) {
    *random ^= *random << 13;
    *random ^= *random >> 7;
    *random ^= *random << 17;
    let (a, b) = (*random >> 40, *random & 0xffff);
    line.clear();
    let word = if number == lines / 2 { RARE } else { "catalogue" };
    // Writing into memory does not fail.
    let _ = write!(
        line,
        "2026-11-24T06:{:02}:{:02}.{:03}Z INFO http: GET /{word}/items/{a} 200 {b} bytes in {} ms request={:016x}",
        number / 60_000 % 60,
        number / 1000 % 60,
        number % 1000,
        b % 250,
        random,
    );
}

fn record(id: &ProcessId) -> ProcessRecord {
    ProcessRecord {
        process: Process {
            id: id.clone(),
            project: "bench".into(),
            script: "serve".into(),
            args: vec![],
            kind: ProcessType::LongRunning,
            status: Status::Completed,
            reason: String::new(),
            pid: None,
            created_at: 1_700_000_000_000,
            started_at: None,
            ended_at: None,
            exit_code: None,
            signal: None,
            next_idx: 0,
            ..Process::default()
        },
        spec: "{}".into(),
    }
}

async fn find(folder: &Path, text: &str) -> anyhow::Result<()> {
    let store: Arc<dyn Store> = open(folder).await?;
    for _ in 0..3 {
        let begin = Instant::now();
        let filter = LineFilter { pattern: Some(Pattern::new(text, false)?), ..LineFilter::ALL };
        let found = search(
            Arc::clone(&store),
            Place::All { project: None, scripts: None },
            filter,
            Want::Hits,
        );
        pin_mut!(found);
        let (mut hits, mut lines) = (0, 0);
        while let Some(part) = found.next().await {
            let part = part?;
            hits += part.hits.len();
            lines += part.lines;
        }
        println!("{hits} hits in {lines} lines: {:?}", begin.elapsed());
    }
    let status = std::fs::read_to_string("/proc/self/status")?;
    let peak = status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or_default();
    println!("{peak}");
    Ok(())
}
