//! The accept loop of the listeners over TCP.
//!
//! hickory-server's listener has no limit of connections, answers one query of a connection after the other, drops
//! queries in flight at shutdown, and cannot distinguish slow clients from idle ones.
//!
//! **Invariant:** accepting never blocks: the handshake and everything after it run in the connection's own task.

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tracing::debug;

use crate::serve::metrics::CloseReason;

use super::connection::Connection;
use super::{Deps, Listening, Socket, Transport};

/// What is spoken on a stream.
pub(super) trait Protocol: Clone + Send + Sync + 'static {
    /// Which transport that is.
    const TRANSPORT: Transport;

    /// Answers until the client leaves, is idle or slow, or has to leave; says why it ended.
    fn converse(self, stream: TcpStream, connection: Arc<Connection>) -> impl Future<Output = CloseReason> + Send;
}

/// Answers on a listener.
pub(super) fn open<P: Protocol>(protocol: P, socket: Socket, deps: &Deps) -> io::Result<Listening> {
    let listener = TcpListener::from_std(socket.streams()?)?;
    Ok(Box::pin(run(protocol, listener, deps.clone())))
}

async fn run<P: Protocol>(protocol: P, listener: TcpListener, deps: Deps) {
    let mut connections = deps.tasks.set("connection");
    loop {
        tokio::select! {
            biased;
            () = deps.stop.cancelled() => break,
            Some(_) = connections.next() => {}
            accepted = listener.accept() => match accepted {
                Ok((_, peer)) if !deps.admits(P::TRANSPORT, peer) => {}
                Ok((stream, peer)) => {
                    // Answers are whole segments: waiting for more would only delay them. A socket without the option
                    // works too.
                    let _slower = stream.set_nodelay(true);
                    let connection = Arc::new(Connection::admit(&deps, P::TRANSPORT, peer));
                    let conversation = protocol.clone().converse(stream, Arc::clone(&connection));
                    connections.spawn(async move { connection.ends(conversation.await) });
                }
                Err(error) => {
                    debug!(%error, "cannot accept a connection");
                    // Out of file descriptors, most likely.
                    deps.limiter.make_room();
                    tokio::time::sleep(PAUSE).await;
                }
            },
        }
    }
    drop(listener);
    while connections.next().await.is_some() {}
}

/// How long a listener that fails is left alone.
const PAUSE: Duration = Duration::from_millis(10);
