//! Clients of TCP that misbehave.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpSocket, TcpStream};

use crate::{BODY, Conduct, long_query};

/// Opens a connection and sends as much as the server takes.
pub(crate) async fn open(client: IpAddr, server: SocketAddr, conduct: Conduct) -> Option<TcpStream> {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((client, 0).into()).unwrap();
    let mut stream = socket.connect(server).await.ok()?;
    let octets = match conduct {
        Conduct::UnfinishedQueries => [&u16::MAX.to_be_bytes(), [0; BODY].as_slice()].concat(),
        Conduct::UnreadAnswers => {
            let query = long_query();
            [&u16::try_from(query.len()).unwrap().to_be_bytes(), query.as_slice()].concat().repeat(1_000)
        }
    };
    let _full = tokio::time::timeout(Duration::from_millis(20), stream.write_all(&octets)).await;
    Some(stream)
}
