//! A way to a server on which only answers get through: what is said to it stays on the road.

use std::net::{TcpListener, TcpStream};
use std::sync::mpsc;

use super::server::eventually;

/// A relay of one connection.
pub(crate) struct Relay {
    made: mpsc::Receiver<()>,
}

impl Relay {
    /// Listens at an address of its own, on the same port.
    pub(crate) fn start(ip: &str, port: u16, own: &str) -> Self {
        let listener = TcpListener::bind((own, port)).unwrap();
        let (server, (tell, made)) = ((ip.to_owned(), port), mpsc::channel());
        std::thread::spawn(move || {
            let (mut near, _) = listener.accept().unwrap();
            let mut far = TcpStream::connect(server).unwrap();
            tell.send(()).unwrap();
            // It ends with the server's words, whoever still listens.
            drop(std::io::copy(&mut far, &mut near));
        });
        Self { made }
    }

    /// Waits until the connection stands.
    pub(crate) fn connected(&self) {
        eventually("the relay connects", || self.made.try_recv().ok());
    }
}
