//! Queries over one TCP connection, many at a time.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use understudy::zone::{Name, Rtype};

/// Makes a query with an OPT record; its number is that of its place in a batch, filled in when asked.
pub(crate) fn query(name: &str, rtype: Rtype, dnssec_ok: bool) -> Vec<u8> {
    let name: Name = name.parse().unwrap_or_else(|error| panic!("{name}: {error}"));
    let mut packet = vec![0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1];
    packet.extend_from_slice(name.wire());
    packet.extend_from_slice(&rtype.0.to_be_bytes());
    packet.extend_from_slice(&[0, 1, 0, 0, 41, 16, 0, 0, 0, if dnssec_ok { 0x80 } else { 0 }, 0, 0, 0]);
    packet
}

/// A connection, made when it is needed.
pub(crate) struct Client(SocketAddr);

impl Client {
    pub(crate) const fn new(address: SocketAddr) -> Self {
        Self(address)
    }

    /// Asks queries in batches; returns the answers in the order of the queries.
    pub(crate) fn ask(&self, queries: &[Vec<u8>]) -> io::Result<Vec<Vec<u8>>> {
        let mut stream = TcpStream::connect(self.0)?;
        stream.set_read_timeout(Some(Duration::from_secs(20)))?;
        let mut answers = Vec::with_capacity(queries.len());
        for batch in queries.chunks(BATCH) {
            let mut octets = Vec::new();
            for (number, query) in batch.iter().enumerate() {
                octets.extend_from_slice(&u16::try_from(query.len()).unwrap().to_be_bytes());
                octets.extend_from_slice(&u16::try_from(number).unwrap().to_be_bytes());
                octets.extend_from_slice(&query[2..]);
            }
            stream.write_all(&octets)?;
            let mut of_batch = vec![Vec::new(); batch.len()];
            for _ in batch {
                let mut length = [0; 2];
                stream.read_exact(&mut length)?;
                let mut answer = vec![0; usize::from(u16::from_be_bytes(length))];
                stream.read_exact(&mut answer)?;
                // BIND answers out of order (RFC 7766 §6.2.1.1).
                let number = answer.first_chunk::<2>().map_or(0, |id| usize::from(u16::from_be_bytes(*id)));
                of_batch[number] = answer;
            }
            answers.extend(of_batch);
        }
        Ok(answers)
    }
}

/// As many as each server takes without an answer in between.
const BATCH: usize = 20;
