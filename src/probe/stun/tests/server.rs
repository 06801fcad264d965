//! Servers on loopback: one that answers datagrams by a function, and a small TURN server that records its allocations.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use stun_types::message::{LongTermKeyCredentials, Message as Theirs, MessageIntegrityCredentials};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UdpSocket;

use super::{XOR_V4, error, success};
use crate::base::tasks::Tasks;
use crate::probe::stun::attribute::{
    LIFETIME, MESSAGE_INTEGRITY, NONCE, PASSWORD_ALGORITHMS, REALM, USERNAME, XOR_MAPPED_ADDRESS, XOR_RELAYED_ADDRESS,
};
use crate::probe::stun::frame;
use crate::probe::stun::integrity::{Hash, Integrity, Key};
use crate::probe::stun::message::{Header, Message};
use crate::probe::stun::request::{Method, Request};
use crate::probe::tests::Server;

/// Answers datagrams for as long as it lives.
pub(super) struct Responder {
    pub(super) address: SocketAddr,
    tasks: Tasks,
}

impl Responder {
    /// Sends, for each datagram, what the function makes of it and of who sent it.
    pub(super) async fn start<F>(mut answers: F) -> Self
    where
        F: FnMut(&[u8], SocketAddr) -> Vec<Vec<u8>> + Send + 'static,
    {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let tasks = Tasks::new();
        let owner = tasks.clone();
        drop(tasks.spawn("responder", async move {
            let mut room = vec![0; 4096];
            loop {
                tokio::select! {
                    () = owner.stopped() => break,
                    received = socket.recv_from(&mut room) => {
                        let Ok((length, peer)) = received else { continue };
                        for answer in answers(&room[..length], peer) {
                            drop(socket.send_to(&answer, peer).await);
                        }
                    }
                }
            }
        }));
        Self { address, tasks }
    }
}

impl Drop for Responder {
    fn drop(&mut self) {
        self.tasks.stop();
    }
}

/// Serves the same function over TCP, framed.
pub(super) async fn stream<F>(answers: F) -> Server
where
    F: FnMut(&[u8], SocketAddr) -> Vec<Vec<u8>> + Send + 'static,
{
    let answers = Arc::new(tokio::sync::Mutex::new(answers));
    Server::start(move |mut stream| {
        let answers = Arc::clone(&answers);
        async move {
            let peer = stream.peer_addr().unwrap();
            let mut buffer = Vec::new();
            while stream.read_buf(&mut buffer).await.is_ok_and(|read| read > 0) {
                while let Ok(Some(length)) = frame::length(&buffer)
                    && buffer.len() >= length
                {
                    let request: Vec<u8> = buffer.drain(..length).collect();
                    for answer in answers.lock().await(&request, peer) {
                        drop(stream.write_all(&answer).await);
                    }
                }
            }
        }
    })
    .await
}

/// What a small TURN server does differently from a good one.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Manners {
    /// Grants without asking who it is.
    pub(super) open: bool,
    /// Answers the first so many signed requests with 438 and a new nonce.
    pub(super) stale: u32,
    /// Answers the first so many unsigned requests with 437.
    pub(super) taken: u32,
    /// Answers signed Allocates with this error.
    pub(super) refuses: Option<u16>,
    /// Offers SHA-256 (RFC 8489 §14.11).
    pub(super) sha256: bool,
    /// Seals its answers with another key.
    pub(super) forges: bool,
    /// Does not seal its answers.
    pub(super) bare: bool,
    /// Never answers Refresh.
    pub(super) keeps: bool,
}

/// What happened at the server.
#[derive(Debug, Default)]
pub(super) struct Books {
    /// Requests by what they were: `allocate`, `login`, `refresh`.
    pub(super) seen: BTreeMap<&'static str, u32>,
    /// Source addresses with an allocation.
    pub(super) allocations: Vec<SocketAddr>,
    /// Logins whose seal was wrong.
    pub(super) wrong: u32,
}

/// The books, as the test and the server hold them.
pub(super) type Kept = Arc<Mutex<Books>>;

/// Makes a TURN server of realm `example.test` that knows `probe` with the password `secret`.
pub(super) fn turn(manners: Manners) -> (Kept, impl FnMut(&[u8], SocketAddr) -> Vec<Vec<u8>> + Send + 'static) {
    let books = Arc::new(Mutex::new(Books::default()));
    let kept = Arc::clone(&books);
    let mut rest = manners;
    let answer = move |octets: &[u8], peer: SocketAddr| {
        let mut books = kept.lock().unwrap();
        vec![answer(octets, peer, &mut rest, &mut books)].into_iter().flatten().collect()
    };
    (books, answer)
}

fn answer(octets: &[u8], peer: SocketAddr, manners: &mut Manners, books: &mut Books) -> Option<Vec<u8>> {
    let header = Header::parse(octets).unwrap();
    let (method, transaction) = (header.method, header.transaction);
    let nonce = format!("nonce-{}", manners.stale);
    let offer: &[u8] = &[0, 2, 0, 0, 0, 1, 0, 0];
    let mut who: Vec<(u16, &[u8])> = vec![(REALM, b"example.test"), (NONCE, nonce.as_bytes())];
    if manners.sha256 {
        who.push((PASSWORD_ALGORITHMS, offer));
    }
    match method {
        1 => return Some(success(Method::Binding, transaction, &[(XOR_MAPPED_ADDRESS, &XOR_V4)])),
        3 | 4 => {}
        _ => panic!("an unknown method {method}"),
    }
    let request = Message::parse(octets).unwrap();
    let of = if method == 3 { Method::Allocate } else { Method::Refresh };
    let signed = request.value(USERNAME).is_some();
    let word = if method == 4 {
        "refresh"
    } else if signed {
        "login"
    } else {
        "allocate"
    };
    *books.seen.entry(word).or_default() += 1;
    if !signed && !manners.open {
        if manners.taken > 0 {
            manners.taken -= 1;
            return Some(error(of, transaction, 437, &[]));
        }
        return Some(error(of, transaction, 401, &who));
    }
    if signed {
        if manners.stale > 0 {
            manners.stale -= 1;
            let fresh = format!("nonce-{}", manners.stale);
            return Some(error(of, transaction, 438, &[(REALM, b"example.test"), (NONCE, fresh.as_bytes())]));
        }
        let good = request.value(NONCE) == Some(nonce.as_bytes()) && validates(octets, manners.sha256);
        if !good {
            books.wrong += 1;
            return Some(error(of, transaction, 401, &who));
        }
        if let Some(code) = manners.refuses.filter(|_| method == 3) {
            return Some(error(of, transaction, code, &who));
        }
    }
    if method == 4 {
        assert_eq!(request.value(LIFETIME), Some([0; 4].as_slice()), "only to give back");
        if manners.keeps {
            return None;
        }
        books.allocations.retain(|held| *held != peer);
        return Some(success(of, transaction, &[(LIFETIME, &[0; 4])]));
    }
    books.allocations.push(peer);
    Some(grant(transaction, signed, manners))
}

/// Checks a seal by the other codec.
fn validates(octets: &[u8], sha256: bool) -> bool {
    let credentials: MessageIntegrityCredentials =
        LongTermKeyCredentials::new("probe".to_owned(), "secret".to_owned(), "example.test".to_owned()).into();
    let request = Message::parse(octets).unwrap();
    let old = request.value(MESSAGE_INTEGRITY).is_some();
    old != sha256 && Theirs::from_bytes(octets).unwrap().validate_integrity(&credentials).is_ok()
}

fn grant(transaction: [u8; 12], signed: bool, manners: &Manners) -> Vec<u8> {
    let attributes: [(u16, &[u8]); 3] =
        [(XOR_RELAYED_ADDRESS, &XOR_V4), (LIFETIME, &600_u32.to_be_bytes()), (XOR_MAPPED_ADDRESS, &XOR_V4)];
    let answer = success(Method::Allocate, transaction, &attributes);
    if !signed || manners.bare {
        return answer;
    }
    let password: &[u8] = if manners.forges { b"guessed" } else { b"secret" };
    let (hash, integrity) =
        if manners.sha256 { (Hash::Sha256, Integrity::Sha256) } else { (Hash::Md5, Integrity::Sha1) };
    let key = Key::long_term(hash, b"probe", b"example.test", password, integrity);
    // A seal counts the type too: a request is made of the answer's attributes, with the answer's type.
    reseal(&answer, &key)
}

/// Appends a seal to a message.
fn reseal(octets: &[u8], key: &Key) -> Vec<u8> {
    let seal = key.seal(octets);
    let mut whole = octets.to_vec();
    let length = u16::try_from(octets.len() - 20 + 4 + seal.as_ref().len()).unwrap();
    whole[2..4].copy_from_slice(&length.to_be_bytes());
    whole.extend(key.integrity().attribute().to_be_bytes());
    whole.extend(u16::try_from(seal.as_ref().len()).unwrap().to_be_bytes());
    whole.extend(seal.as_ref());
    whole
}

/// Returns the transaction of a request.
pub(super) fn transaction_of(octets: &[u8]) -> [u8; 12] {
    Header::parse(octets).unwrap().transaction
}

/// Makes a good answer to a request for Binding.
pub(super) fn binding_answer(octets: &[u8]) -> Vec<u8> {
    success(Method::Binding, transaction_of(octets), &[(XOR_MAPPED_ADDRESS, &XOR_V4)])
}

/// Makes a request as a check does.
pub(super) fn request() -> Request {
    Request::new(Method::Binding, [7; 12])
}
