//! An import over the socket of a running daemon: the order, then a line for each row; meanwhile a
//! line for everything that is told.

use std::{path::Path, time::Duration};

use serde::{Serialize, de::DeserializeOwned};
use tokio::{
    io::{AsyncBufRead, AsyncBufReadExt, AsyncWrite, AsyncWriteExt, BufReader},
    sync::mpsc,
    time::timeout,
};

use super::{Importer, Line, Order, Told};
use crate::socket::{Question, near};

/// The longest line: a row of the longest cells that a check lets through is shorter.
pub(crate) const LINE_MAX: u64 = 512 * 1024;
/// How long a daemon waits for a caller, and any of them until a line is written.
const WAIT: Duration = Duration::from_secs(60);
/// How long a caller waits for a daemon whose gates are busy.
const LONG: Duration = Duration::from_secs(24 * 60 * 60);
/// Lines that wait on their way.
const WAITING: usize = 1024;

/// Reads a line that is no longer than it may be; nothing at the end, or where it cannot be read.
async fn next<T: DeserializeOwned>(
    lines: &mut (impl AsyncBufRead + Unpin),
    wait: Duration,
) -> Option<Result<T, String>> {
    let mut line = Vec::new();
    loop {
        let part = timeout(wait, lines.fill_buf()).await.ok()?.ok()?;
        if part.is_empty() {
            return None;
        }
        let end = part.iter().position(|byte| *byte == b'\n');
        let taken = end.map_or(part.len(), |at| at + 1);
        line.extend_from_slice(&part[..taken]);
        lines.consume(taken);
        if line.len() as u64 > LINE_MAX {
            return Some(Err("a line is too long".to_owned()));
        }
        if end.is_some() {
            let read = serde_json::from_slice(&line);
            return Some(read.map_err(|_| String::from_utf8_lossy(&line).trim().to_owned()));
        }
    }
}

/// Writes a line; `false` where nobody reads it.
async fn put(write: &mut (impl AsyncWrite + Unpin), what: &impl Serialize) -> bool {
    let Ok(mut text) = serde_json::to_vec(what) else { return false };
    text.push(b'\n');
    matches!(timeout(WAIT, write.write_all(&text)).await, Ok(Ok(())))
}

/// Serves one import to a caller. It goes on to its end once it began, whoever listens.
pub(crate) async fn serve(
    mut lines: impl AsyncBufRead + Unpin,
    mut write: impl AsyncWrite + Unpin,
    (importer, order): (Importer, Order),
) {
    let (rows, rows_in) = mpsc::channel(WAITING);
    let (told_out, mut told) = mpsc::channel(WAITING);
    tokio::spawn(importer.run(order, rows_in, told_out));
    let taking = async {
        while let Some(Ok(line)) = next::<Line>(&mut lines, WAIT).await {
            let ended = matches!(line, Line::End);
            if rows.send(line).await.is_err() || ended {
                break;
            }
        }
        drop(rows);
        // What is told decides when it is over.
        std::future::pending::<()>().await;
    };
    let telling = async {
        while let Some(one) = told.recv().await {
            if !put(&mut write, &one).await {
                return;
            }
        }
    };
    tokio::select! {
        () = taking => {}
        () = telling => {}
    }
}

/// Hands an import to the daemon behind `path`; `None` where none runs.
///
/// # Errors
/// A daemon that does not take it.
pub(crate) async fn send(
    path: &Path,
    order: Order,
) -> anyhow::Result<Option<(mpsc::Sender<Line>, mpsc::Receiver<Told>)>> {
    let Ok(stream) = near::connect(path).await else { return Ok(None) };
    let (read, mut write) = stream.into_split();
    if !put(&mut write, &Question::Import { order }).await {
        anyhow::bail!("the daemon went away; try again");
    }
    let (rows, mut rows_in) = mpsc::channel::<Line>(WAITING);
    let (told_out, told) = mpsc::channel(WAITING);
    tokio::spawn(async move {
        while let Some(line) = rows_in.recv().await {
            if !put(&mut write, &line).await {
                return;
            }
        }
    });
    tokio::spawn(async move {
        let mut lines = BufReader::new(read);
        while let Some(one) = next::<Told>(&mut lines, LONG).await {
            let one = one.unwrap_or_else(|why| Told::Refused { why });
            if told_out.send(one).await.is_err() {
                return;
            }
        }
    });
    Ok(Some((rows, told)))
}
