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

/// A frame on its way. What is not sent yet need not stay in memory: it can be made again.
pub(super) struct Frame {
    head: Vec<u8>,
    /// Bytes of the payload.
    len: usize,
    /// Bytes that are sent, of head and payload.
    sent: usize,
}

impl Frame {
    /// A frame whose payload is `parts`, one after another.
    pub(super) fn new(opcode: Opcode, parts: &[Bytes]) -> Self {
        let len = parts.iter().map(Bytes::len).sum();
        Self { head: head(opcode, len), len, sent: 0 }
    }

    /// Sends what is not sent yet of the frame with the payload `parts`. May be given up at any time
    /// and called again.
    pub(super) async fn send(
        &mut self,
        socket: &mut (impl AsyncWrite + Unpin),
        parts: &[Bytes],
    ) -> io::Result<()> {
        let mut slices = slices(&self.head, self.len, parts)?;
        let mut rest = &mut slices[..];
        IoSlice::advance_slices(&mut rest, self.sent);
        while !rest.is_empty() {
            // More slices than the system takes at once are its business: it takes the first ones.
            let written = socket.write_vectored(rest).await?;
            if written == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
            self.sent += written;
            IoSlice::advance_slices(&mut rest, written);
        }
        // TLS may hold back what it has encrypted; a plain socket has nothing to flush.
        socket.flush().await
    }

    /// Sends the next bytes, at most `most`, out of a copy of them, for as long as that takes: of the
    /// parts, nothing is held meanwhile.
    pub(super) async fn send_little(
        &mut self,
        socket: &mut (impl AsyncWrite + Unpin),
        parts: Vec<Bytes>,
        most: usize,
    ) -> io::Result<()> {
        let mut little = Vec::with_capacity(most);
        let mut skip = self.sent;
        for slice in slices(&self.head, self.len, &parts)? {
            let passed = skip.min(slice.len());
            skip -= passed;
            let slice = &slice[passed..];
            little.extend_from_slice(&slice[..slice.len().min(most - little.len())]);
        }
        drop(parts);
        let mut rest = &little[..];
        while !rest.is_empty() {
            let written = socket.write(rest).await?;
            if written == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
            self.sent += written;
            rest = &rest[written..];
        }
        Ok(())
    }
}

/// Head and parts of a frame whose payload has `len` bytes.
fn slices<'a>(head: &'a [u8], len: usize, parts: &'a [Bytes]) -> io::Result<Vec<IoSlice<'a>>> {
    if parts.iter().map(Bytes::len).sum::<usize>() != len {
        return Err(io::Error::other("a message under way is not what it was"));
    }
    let mut slices = Vec::with_capacity(parts.len() + 1);
    slices.push(IoSlice::new(head));
    slices.extend(parts.iter().map(|part| IoSlice::new(part)));
    Ok(slices)
}

/// Sends one frame whose payload is `parts`, one after another.
pub(super) async fn write_frame(
    socket: &mut (impl AsyncWrite + Unpin),
    opcode: Opcode,
    parts: &[Bytes],
) -> io::Result<()> {
    Frame::new(opcode, parts).send(socket, parts).await
}

/// Sends a text frame for each of `payloads`, all of them in one piece.
pub(super) async fn write_texts(
    socket: &mut (impl AsyncWrite + Unpin),
    payloads: &[Bytes],
) -> io::Result<()> {
    let frame = |payload: &Bytes| [head(Opcode::Text, payload.len()).into(), payload.clone()];
    let parts: Vec<Bytes> = payloads.iter().flat_map(frame).collect();
    let len = parts.iter().map(Bytes::len).sum();
    Frame { head: Vec::new(), len, sent: 0 }.send(socket, &parts).await
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::io::AsyncReadExt as _;

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

    #[tokio::test]
    async fn several_texts_are_as_if_each_came_alone() {
        let texts = [&b"one"[..], b"", &[b'x'; 300]].map(Bytes::from_static);
        let (mut together, mut alone) = (Vec::new(), Vec::new());
        write_texts(&mut together, &texts).await.unwrap();
        for text in texts {
            write_frame(&mut alone, Opcode::Text, &[text]).await.unwrap();
        }
        assert_eq!(together, alone);
        write_texts(&mut together, &[]).await.unwrap();
        assert_eq!(together, alone);
    }

    /// A reader who reads nothing, now and then, gets the frame whole, whatever was sent of it before.
    #[tokio::test]
    async fn goes_on_where_it_was_given_up() {
        for (room, most) in [(1, 1), (3, 2), (7, 100), (64, 5)] {
            let parts: Vec<Bytes> =
                [&b"one"[..], b"", b"two and", b" three"].map(Bytes::from).to_vec();
            let (mut near, mut far) = tokio::io::duplex(room);
            let mut frame = Frame::new(Opcode::Text, &parts);
            let sending = async {
                while tokio::time::timeout(Duration::ZERO, frame.send(&mut near, &parts))
                    .await
                    .is_err()
                {
                    frame.send_little(&mut near, parts.clone(), most).await.unwrap();
                }
                drop(near);
            };
            let mut got = Vec::new();
            let reading = far.read_to_end(&mut got);
            let ((), read) = tokio::join!(sending, reading);
            read.unwrap();
            assert_eq!(got, [&[0x81, 16][..], b"onetwo and three"].concat(), "{room} {most}");
        }
    }

    #[tokio::test]
    async fn another_payload_is_refused() {
        let mut frame = Frame::new(Opcode::Text, &[Bytes::from_static(b"four")]);
        let error = frame.send(&mut Vec::new(), &[Bytes::from_static(b"five!")]).await.unwrap_err();
        assert!(error.to_string().contains("not what it was"), "{error}");
    }
}
