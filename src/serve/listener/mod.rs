//! The listeners: a table with a row for each transport, and a file for each row.
//!
//! ```text
//!  socket ─▶ may it come? ─▶ a permit (another one may have to leave) ─▶ a task for each connection ─▶ Responder
//!
//!  udp     datagrams, as many at once as have arrived, by a thread for each worker
//!  tcp     stream ─────────────────────────────▶ framed: messages with their length before them
//!  tls     stream ─ handshake ─────────────────▶ framed
//!  https   stream ─ handshake ─ ALPN ──────────▶ requests of HTTP/1.1 or HTTP/2
//!  quic    datagrams ─ handshake ──────────────▶ streams with a query each
//! ```
//!
//! A row ([`ListenerKind`]) has everything that other rooms need to know of a transport: its keys in the config, its
//! names in metrics and logs, the limits of its answers, and how it is opened. A new listener is a line in
//! `transports!` and a file.

mod connection;
mod datagrams;
mod framed;
mod give_way;
mod lingering;
mod stream;
mod unproven;

use std::future::Future;
use std::io;
use std::net::{TcpListener, UdpSocket};
use std::pin::Pin;

use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::base::connections::ConnectionLimiter;
use crate::base::error::Chain;
use crate::base::tasks::Tasks;

use super::{Certificates, Responder, hickory};

pub(super) use https::PATH as HTTPS_PATH;

/// Makes the files, the transports and their rows of one list.
macro_rules! transports {
    ($($(#[doc = $doc:literal])* $transport:ident in $file:ident;)*) => {
        $(mod $file;)*

        /// By which kind of transport a query came.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Transport {
            $($(#[doc = $doc])* $transport,)*
        }

        impl Transport {
            /// All of them, in the order of their numbers.
            pub const ALL: [Self; [$(stringify!($transport)),*].len()] = [$(Self::$transport),*];

            /// Returns its row.
            pub const fn kind(self) -> &'static ListenerKind {
                match self {
                    $(Self::$transport => &$file::KIND,)*
                }
            }
        }
    };
}

transports! {
    /// Datagrams: answers have a limit and can be truncated, and the sender's address can be forged.
    Udp in udp;
    /// TCP (RFC 7766).
    Tcp in tcp;
    /// DNS over TLS (RFC 7858).
    Tls in tls;
    /// DNS over HTTPS (RFC 8484).
    Https in https;
    /// DNS over QUIC (RFC 9250).
    Quic in quic;
}

/// One kind of listener: all that others need to know of it.
#[derive(Debug)]
pub struct ListenerKind {
    /// The word for it in metrics and logs.
    pub name: &'static str,
    /// What people call it.
    pub title: &'static str,
    /// The key with its addresses; nothing: `listen`, with others.
    pub listen: Option<ListenKey>,
    /// The key with the networks that may come by it.
    pub allow: &'static str,
    /// What its socket is.
    pub socket: SocketKind,
    /// Whether each worker has a socket of its own on an address, and a thread; others share one, and the runtime.
    pub has_workers: bool,
    /// Whether an answer is one datagram, with a limit.
    pub is_datagram: bool,
    /// Whether an answer may be several messages, as transfers are.
    pub has_long_answers: bool,
    /// Whether others on the way cannot read it: then lengths tell something, and are padded (RFC 8467). Such a listener
    /// needs a certificate.
    pub is_encrypted: bool,
    /// Whether answers are padded although their query is not, as long as it has EDNS.
    pub pads_unasked: bool,
    /// Whether its handshake has proven the client's address.
    pub proves_address: bool,
    /// Whether clients may ask how long an idle connection is kept (RFC 7828 §3.2; RFC 9250 §5.5.2 and HTTP have their own
    /// means).
    pub has_keepalive: bool,
    /// How many octets a connection holds by itself, at most: buffers and the state of its handshake.
    pub held: usize,
    /// Which listener of hickory-server it is.
    pub hickory: hickory::Protocol,
    /// Opens our own.
    pub open: fn(Socket, &Deps) -> io::Result<Listening>,
}

/// A key that says where a listener is opened.
#[derive(Clone, Copy, Debug)]
pub struct ListenKey {
    /// Its name.
    pub name: &'static str,
    /// The port of an address that names none.
    pub port: u16,
    /// What the example says of it, line by line.
    pub text: &'static [&'static str],
    /// What the example gives it.
    pub example: &'static str,
}

/// What a socket is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SocketKind {
    /// UDP.
    Datagrams,
    /// TCP.
    Streams,
}

/// A bound socket.
#[derive(Debug)]
pub enum Socket {
    /// UDP: one, or one for each worker, all of one address.
    Datagrams(Vec<UdpSocket>),
    /// TCP.
    Streams(TcpListener),
}

/// Whose listeners answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Frame {
    /// Our own.
    #[default]
    Native,
    /// hickory-server's.
    Hickory,
}

/// What listeners are opened with.
#[derive(Clone, Debug)]
pub struct Deps {
    /// Who answers.
    pub responder: Responder,
    /// How many connections there may be, of all listeners.
    pub limiter: ConnectionLimiter,
    /// What encrypted listeners show.
    pub certificates: Option<Certificates>,
    /// Whose tasks the connections are.
    pub tasks: Tasks,
    /// Closes the listeners; what has arrived by then is answered.
    pub stop: CancellationToken,
}

/// An open listener; it ends when it was told to stop and its last connection has ended.
pub type Listening = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Something for each transport.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PerTransport<T>([T; Transport::ALL.len()]);

impl Transport {
    /// Opens our own listener of this kind; call within a tokio runtime.
    ///
    /// # Errors
    /// If the socket is of another kind or cannot be registered, or a certificate is needed and missing.
    pub fn open(self, socket: Socket, deps: &Deps) -> io::Result<Listening> {
        (self.kind().open)(socket, deps)
    }

    /// Returns the word for it in metrics and logs.
    pub const fn as_str(self) -> &'static str {
        self.kind().name
    }
}

impl Frame {
    /// Opens listeners; call within a tokio runtime. Each has a name for its task.
    ///
    /// # Errors
    /// If a socket cannot be registered, or a certificate is needed and missing.
    pub fn open(
        self,
        sockets: impl IntoIterator<Item = (Transport, Socket)>,
        deps: &Deps,
    ) -> io::Result<Vec<(&'static str, Listening)>> {
        let mut sockets = sockets.into_iter();
        match self {
            Self::Native => {
                sockets.map(|(transport, socket)| Ok((transport.as_str(), transport.open(socket, deps)?))).collect()
            }
            Self::Hickory => {
                let mut frame = hickory::Frame::new(&deps.responder, deps.limiter.limits().idle);
                sockets.try_for_each(|(transport, socket)| frame.add(transport, socket, deps.certificates.as_ref()))?;
                let stop = deps.stop.clone();
                let listening = async move {
                    if let Err(error) = frame.run(stop).await {
                        warn!(error = %Chain(&error), "the frame has failed");
                    }
                };
                Ok(vec![("hickory", Box::pin(listening))])
            }
        }
    }
}

impl Socket {
    pub(super) fn datagrams(self) -> io::Result<Vec<UdpSocket>> {
        match self {
            Self::Datagrams(sockets) => {
                sockets.iter().try_for_each(|socket| socket.set_nonblocking(true)).map(|()| sockets)
            }
            Self::Streams(_) => Err(io::ErrorKind::InvalidInput.into()),
        }
    }

    pub(super) fn streams(self) -> io::Result<TcpListener> {
        match self {
            Self::Streams(listener) => listener.set_nonblocking(true).map(|()| listener),
            Self::Datagrams(_) => Err(io::ErrorKind::InvalidInput.into()),
        }
    }
}

impl Deps {
    fn certificates(&self) -> io::Result<&Certificates> {
        self.certificates.as_ref().ok_or_else(|| io::Error::other("an encrypted listener needs a certificate"))
    }
}

impl<T> PerTransport<T> {
    /// Makes one for each.
    pub fn new(make: impl FnMut(Transport) -> T) -> Self {
        Self(Transport::ALL.map(make))
    }

    /// Returns that of one.
    #[expect(clippy::indexing_slicing, reason = "there is one for each transport")]
    pub const fn get(&self, transport: Transport) -> &T {
        &self.0[transport as usize]
    }

    /// Sets that of one.
    #[expect(clippy::indexing_slicing, reason = "there is one for each transport")]
    pub fn set(&mut self, transport: Transport, value: T) {
        self.0[transport as usize] = value;
    }

    /// Returns all, with their transports.
    pub fn iter(&self) -> impl Iterator<Item = (Transport, &T)> {
        Transport::ALL.into_iter().zip(&self.0)
    }
}

impl<T: Default> Default for PerTransport<T> {
    fn default() -> Self {
        Self::new(|_| T::default())
    }
}

/// The longest query that HTTPS and QUIC take, in octets: with all its options it is far shorter.
const QUERY_MAX: usize = 4 << 10;

/// How many octets all connections of a server may hold: a thousand connections by themselves, and 8 MiB more for queries
/// and answers on their way.
pub const BUDGET: usize = 32 << 20;

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_two_rows_share_a_name_or_a_key_and_each_has_its_number() {
        let mut names = HashSet::new();
        for (number, transport) in Transport::ALL.into_iter().enumerate() {
            let kind = transport.kind();
            assert_eq!(number, transport as usize);
            assert!(names.insert(kind.name) && names.insert(kind.title) && names.insert(kind.allow), "{}", kind.name);
            assert!(kind.listen.is_none_or(|key| names.insert(key.name)), "{}", kind.name);
            assert!(kind.proves_address || kind.is_datagram, "whoever has no handshake has a limit");
        }
    }
}
