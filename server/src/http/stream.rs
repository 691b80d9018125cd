//! Answers that are written while they are made: what let somebody in may end meanwhile.

use futures_util::stream::{self, Stream, StreamExt as _};

use crate::service::{Caller, ServiceError};

/// The parts, as long as the caller may come in. Then it breaks off with an error, so that nobody takes
/// what was sent for all of it: the connection is cut.
pub(super) fn while_let_in<T: Send>(
    caller: Caller,
    parts: impl Stream<Item = Result<T, ServiceError>> + Send,
) -> impl Stream<Item = Result<T, ServiceError>> + Send {
    let ended = async move { caller.until_ended().await };
    stream::try_unfold((Box::pin(parts), Box::pin(ended)), |(mut parts, mut ended)| async move {
        tokio::select! {
            biased;
            () = &mut ended => {
                let detail = "what let you in has ended: sign in again";
                Err(ServiceError::new(401, "unauthorized", detail))
            }
            part = parts.next() => part.transpose().map(|part| part.map(|part| (part, (parts, ended)))),
        }
    })
}
