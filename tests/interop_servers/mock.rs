//! A Minecraft server that is none: Debian has no free one. It answers the status as the real one does.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

const RUNNING: u8 = 0;
const STOPPED: u8 = 1;
const ENDED: u8 = 2;

/// A thread that answers.
pub(crate) struct Mock(Arc<AtomicU8>);

impl Mock {
    /// Listens where the game does.
    pub(crate) fn minecraft(address: Ipv4Addr) -> Self {
        let listener = TcpListener::bind((address, 25_565)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let state = Arc::new(AtomicU8::new(RUNNING));
        let seen = Arc::clone(&state);
        std::thread::spawn(move || {
            while seen.load(Ordering::Relaxed) != ENDED {
                if seen.load(Ordering::Relaxed) == RUNNING
                    && let Ok((stream, _)) = listener.accept()
                {
                    drop(answer(stream));
                }
                std::thread::park_timeout(Duration::from_millis(5));
            }
        });
        Self(state)
    }

    /// Does as a process would.
    pub(crate) fn signal(&self, name: &str) {
        let state = match name {
            "STOP" => STOPPED,
            "CONT" => RUNNING,
            _ => ENDED,
        };
        self.0.store(state, Ordering::Relaxed);
    }
}

impl Drop for Mock {
    fn drop(&mut self) {
        self.signal("KILL");
    }
}

fn answer(mut stream: TcpStream) -> std::io::Result<()> {
    stream.set_nonblocking(false)?;
    stream.set_read_timeout(Some(Duration::from_secs(1)))?;
    let mut octets = [0; 512];
    let read = stream.read(&mut octets)?;
    // The handshake asks for the status, and its request is behind it.
    assert!(octets[..read].ends_with(&[1, 1, 0]), "{:?}", &octets[..read]);
    let json = br#"{"version":{"name":"1.21","protocol":767},"players":{"max":20,"online":0},"description":"a mock"}"#;
    let length = u8::try_from(json.len()).unwrap();
    stream.write_all(&[&[length + 2, 0, length], &json[..]].concat())?;
    stream.read(&mut octets).map(drop)
}
