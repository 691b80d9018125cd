//! `SOCK_SEQPACKET` sockets in the file system: connections that keep message boundaries.

#![allow(unsafe_code)]

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use super::check;

const KIND: i32 = libc::SOCK_SEQPACKET | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;

/// A socket that takes connections.
#[derive(Debug)]
pub struct Listener(OwnedFd);

/// One end of a connection. Nothing on it waits.
#[derive(Debug)]
pub struct Socket(OwnedFd);

/// Who is at the other end, as the kernel saw it when the connection was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Its process.
    pub pid: i32,
    /// Its user.
    pub uid: u32,
}

impl Listener {
    /// Listens at a path, of mode 0600 before anybody can connect.
    ///
    /// # Errors
    /// `AddrInUse` when there is a file of that name.
    pub fn bind(path: &Path) -> io::Result<Self> {
        let socket = new_socket()?;
        with_address(path, |address, len| {
            // SAFETY: the descriptor is open, and `address` points to `len` bytes of an address.
            check(unsafe { libc::bind(socket.as_raw_fd(), address, len) })
        })?;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
        // SAFETY: the descriptor is open.
        check(unsafe { libc::listen(socket.as_raw_fd(), 16) })?;
        Ok(Self(socket))
    }

    /// Takes the next connection.
    ///
    /// # Errors
    /// `WouldBlock` when nobody waits; `EMFILE` leaves them waiting.
    pub fn accept(&self) -> io::Result<Socket> {
        let flags = libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
        let null = std::ptr::null_mut();
        // SAFETY: the descriptor is open, and the peer's address is not asked for.
        let fd = check(unsafe { libc::accept4(self.0.as_raw_fd(), null, null.cast(), flags) })?;
        // SAFETY: `fd` was just opened and nobody else owns it.
        Ok(Socket(unsafe { OwnedFd::from_raw_fd(fd) }))
    }
}

impl From<OwnedFd> for Listener {
    /// A socket that listens already.
    fn from(fd: OwnedFd) -> Self {
        Self(fd)
    }
}

impl Listener {
    /// Its descriptor.
    #[must_use]
    pub fn as_owned(&self) -> &OwnedFd {
        &self.0
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl Socket {
    /// Connects to a listener.
    ///
    /// # Errors
    /// `NotFound` or `ConnectionRefused` when nobody listens, `WouldBlock` when too many wait.
    pub fn connect(path: &Path) -> io::Result<Self> {
        let socket = new_socket()?;
        with_address(path, |address, len| {
            // SAFETY: the descriptor is open, and `address` points to `len` bytes of an address.
            check(unsafe { libc::connect(socket.as_raw_fd(), address, len) })
        })?;
        Ok(Self(socket))
    }

    /// Sends one message, whole or not at all.
    ///
    /// # Errors
    /// `WouldBlock` when the other side is slow, `BrokenPipe` when it is gone.
    pub fn send(&self, message: &[u8]) -> io::Result<()> {
        let flags = libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL;
        // SAFETY: the descriptor is open, and the buffer is as long as is said.
        check(unsafe {
            libc::send(self.0.as_raw_fd(), message.as_ptr().cast(), message.len(), flags)
        })?;
        Ok(())
    }

    /// Receives one message; 0 bytes when the other side is gone.
    ///
    /// # Errors
    /// `WouldBlock` when there is none; `InvalidData` when it does not fit the buffer.
    pub fn recv(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let flags = libc::MSG_DONTWAIT | libc::MSG_TRUNC;
        // SAFETY: the descriptor is open, and the buffer is as long as is said.
        let len = check(unsafe {
            libc::recv(self.0.as_raw_fd(), buffer.as_mut_ptr().cast(), buffer.len(), flags)
        })?;
        let len = usize::try_from(len).unwrap_or(0);
        if len > buffer.len() {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the message is too long"));
        }
        Ok(len)
    }

    /// Who is at the other end.
    ///
    /// # Errors
    /// Those of `getsockopt(2)`.
    pub fn peer(&self) -> io::Result<Peer> {
        let mut cred = libc::ucred { pid: 0, uid: 0, gid: 0 };
        let mut len = libc::socklen_t::try_from(size_of::<libc::ucred>()).unwrap_or(0);
        // SAFETY: `cred` has the `len` bytes that this option writes.
        check(unsafe {
            libc::getsockopt(
                self.0.as_raw_fd(),
                libc::SOL_SOCKET,
                libc::SO_PEERCRED,
                (&raw mut cred).cast(),
                &raw mut len,
            )
        })?;
        Ok(Peer { pid: cred.pid, uid: cred.uid })
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl AsRawFd for Socket {
    fn as_raw_fd(&self) -> i32 {
        self.0.as_raw_fd()
    }
}

fn new_socket() -> io::Result<OwnedFd> {
    // SAFETY: the call takes no pointers.
    let fd = check(unsafe { libc::socket(libc::AF_UNIX, KIND, 0) })?;
    // SAFETY: `fd` was just opened and nobody else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Calls `act` with the address of a path. An address has room for 107 bytes only: a longer path
/// goes through a descriptor of its folder.
fn with_address<T>(
    path: &Path,
    act: impl FnOnce(*const libc::sockaddr, libc::socklen_t) -> io::Result<T>,
) -> io::Result<T> {
    // SAFETY: an address is plain data, for which all zeroes is a valid value.
    let mut address: libc::sockaddr_un = unsafe { std::mem::zeroed() };
    address.sun_family = libc::sa_family_t::try_from(libc::AF_UNIX).unwrap_or(1);
    let folder;
    let short;
    let mut bytes = path.as_os_str().as_bytes();
    if bytes.len() >= address.sun_path.len() {
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        folder = File::options().read(true).custom_flags(libc::O_DIRECTORY).open(parent)?;
        short = Path::new("/proc/self/fd").join(folder.as_raw_fd().to_string()).join(name);
        bytes = short.as_os_str().as_bytes();
    }
    if bytes.len() >= address.sun_path.len() || bytes.contains(&0) {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    for (to, from) in address.sun_path.iter_mut().zip(bytes) {
        *to = libc::c_char::from_ne_bytes([*from]);
    }
    let len = libc::socklen_t::try_from(size_of::<libc::sockaddr_un>()).unwrap_or(0);
    act((&raw const address).cast(), len)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::process::{effective_uid, own_pid};

    fn pair(path: &Path) -> (Socket, Socket) {
        let listener = Listener::bind(path).unwrap();
        let client = Socket::connect(path).unwrap();
        (client, listener.accept().unwrap())
    }

    #[test]
    fn messages_keep_their_boundaries_and_say_who_sent_them() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("socket");
        let (client, server) = pair(&path);
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(server.peer().unwrap(), Peer { pid: own_pid(), uid: effective_uid() });
        client.send(b"one").unwrap();
        client.send(b"three").unwrap();
        let mut buffer = [0; 4];
        assert_eq!(server.recv(&mut buffer).unwrap(), 3);
        assert_eq!(server.recv(&mut buffer).unwrap_err().kind(), io::ErrorKind::InvalidData);
        assert_eq!(server.recv(&mut buffer).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        drop(client);
        assert_eq!(server.recv(&mut buffer).unwrap(), 0);
    }

    #[test]
    fn a_slow_reader_makes_the_sender_block_not_wait() {
        let dir = tempfile::tempdir().unwrap();
        let (client, server) = pair(&dir.path().join("socket"));
        let error = std::iter::repeat_with(|| client.send(&[7; 1000])).find_map(Result::err);
        assert_eq!(error.unwrap().kind(), io::ErrorKind::WouldBlock);
        assert_eq!(server.recv(&mut [0; 1000]).unwrap(), 1000);
    }

    #[test]
    fn a_path_longer_than_an_address_works() {
        let dir = tempfile::tempdir().unwrap();
        let deep = dir.path().join("x".repeat(90)).join("y".repeat(90));
        std::fs::create_dir_all(&deep).unwrap();
        let (client, server) = pair(&deep.join("socket"));
        client.send(b"hello").unwrap();
        assert_eq!(server.recv(&mut [0; 8]).unwrap(), 5);
    }
}
