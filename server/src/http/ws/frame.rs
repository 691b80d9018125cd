//! Writes frames. The payload lies in shared parts, which are sent without being put together.

use std::io::{self, IoSlice};

use bytes::Bytes;
use tokio::io::{AsyncWrite, AsyncWriteExt};

/// What a frame carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Opcode {
    /// Text.
    Text = 1,
    /// The end of the conversation.
    Close = 8,
    /// Are you there?
    Ping = 9,
    /// I am.
    Pong = 10,
}

/// The head of an unmasked frame of `len` bytes: 2, 4 or 10 bytes.
fn head(opcode: Opcode, len: usize) -> Vec<u8> {
    let mut head = vec![0x80 | opcode as u8];
    match (u8::try_from(len), u16::try_from(len)) {
        (Ok(len @ ..=125), _) => head.push(len),
        (_, Ok(len)) => {
            head.push(126);
            head.extend_from_slice(&len.to_be_bytes());
        }
        _ => {
            head.push(127);
            head.extend_from_slice(&(len as u64).to_be_bytes());
        }
    }
    head
}

/// Sends one frame whose payload is `parts`, one after another.
pub(super) async fn write_frame(
    socket: &mut (impl AsyncWrite + Unpin),
    opcode: Opcode,
    parts: &[Bytes],
) -> io::Result<()> {
    let len = parts.iter().map(Bytes::len).sum();
    let head = head(opcode, len);
    let mut slices = Vec::with_capacity(parts.len() + 1);
    slices.push(IoSlice::new(&head));
    slices.extend(parts.iter().map(|part| IoSlice::new(part)));
    let mut rest = &mut slices[..];
    while !rest.is_empty() {
        // More slices than the system takes at once are its business: it takes the first ones.
        let written = socket.write_vectored(rest).await?;
        if written == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        IoSlice::advance_slices(&mut rest, written);
    }
    // TLS may hold back what it has encrypted; a plain socket has nothing to flush.
    socket.flush().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn writes_the_three_lengths() {
        for (len, want) in [
            (5, vec![0x81, 5]),
            (126, vec![0x81, 126, 0, 126]),
            (70_000, vec![0x81, 127, 0, 0, 0, 0, 0, 1, 0x11, 0x70]),
        ] {
            let mut out = Vec::new();
            let half = Bytes::from(vec![b'x'; len / 2]);
            let other = Bytes::from(vec![b'y'; len - len / 2]);
            write_frame(&mut out, Opcode::Text, &[half, other]).await.unwrap();
            assert_eq!(&out[..want.len()], &want[..]);
            assert_eq!(out.len(), want.len() + len);
        }
    }
}
