//! The part of the keeper's protocol that never changes, so that any two versions of Runyard can at
//! least say who they are, and one can take the other's place.
//!
//! Its messages bear the version 0. What follows is JSON, which may gain fields.

use std::path::PathBuf;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::protocol::ProtocolError;

/// The version that these messages bear.
pub(super) const HANDSHAKE: u16 = 0;

/// What anybody of the same user may ask of a keeper.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Ask {
    /// Who are you? Answer: [`Answer::Is`].
    Who,
    /// Become this program, and go on. Answer: [`Answer::Refused`], or nothing: the connection ends,
    /// and the new program answers to [`Ask::Who`].
    Become {
        /// The program, absolute.
        exe: PathBuf,
    },
    /// End; the children go on. No answer: the connection ends.
    End,
}

/// What a keeper answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Answer {
    /// This is who answers.
    Is(Identity),
    /// It does not do that, and why.
    Refused {
        /// What a person can act on.
        message: String,
    },
}

/// Who a keeper is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Identity {
    /// Its process.
    pub pid: i32,
    /// Its binary, as [`own_build`](crate::sys::process::own_build) says.
    pub build: String,
    /// The oldest version of the protocol that it speaks.
    pub oldest: u16,
    /// The newest version of the protocol that it speaks.
    pub newest: u16,
    /// It has taken over from another program in place, and so long nothing was moved meanwhile.
    pub pause_us: Option<u64>,
}

/// A message as it goes over the socket.
///
/// # Errors
/// [`ProtocolError::Undecodable`] for a path that is not UTF-8.
pub(super) fn encode<T: Serialize>(body: &T) -> Result<Vec<u8>, ProtocolError> {
    let mut bytes = HANDSHAKE.to_le_bytes().to_vec();
    serde_json::to_writer(&mut bytes, body).map_err(|_| ProtocolError::Undecodable)?;
    Ok(bytes)
}

/// Reads a message; `None` when it is none of the handshake.
///
/// # Errors
/// When it is one, and means nothing.
pub(super) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Option<Result<T, ProtocolError>> {
    let body = bytes.strip_prefix(&HANDSHAKE.to_le_bytes())?;
    Some(serde_json::from_slice(body).map_err(|_| ProtocolError::Undecodable))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_words_of_the_handshake_never_change() {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes[2..].to_vec()).unwrap();
        assert_eq!(text(encode(&Ask::Who).unwrap()), r#""who""#);
        let become_it = Ask::Become { exe: "/bin/x".into() };
        assert_eq!(text(encode(&become_it).unwrap()), r#"{"become":{"exe":"/bin/x"}}"#);
        assert_eq!(text(encode(&Ask::End).unwrap()), r#""end""#);
        let newer = br#"  {"is":{"pid":7,"build":"b","oldest":1,"newest":9,"mood":"good"}}"#;
        let newer = [&[0, 0], &newer[2..]].concat();
        let Some(Ok(Answer::Is(it))) = decode(&newer) else { panic!("it is not understood") };
        assert_eq!((it.pid, it.newest, it.pause_us), (7, 9, None));
    }

    proptest! {
        #[test]
        fn any_bytes_are_decoded_without_panic(
            body in proptest::collection::vec(any::<u8>(), 0..200),
        ) {
            let bytes = [&[0, 0], body.as_slice()].concat();
            let _ = decode::<Ask>(&bytes);
            let _ = decode::<Answer>(&bytes);
        }
    }
}
