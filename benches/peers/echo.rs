//! The floor for a server of datagrams: sends back what came, as a response of a given length, and does nothing else. Many
//! datagrams are received and sent in one call, by one thread.
//!
//! `benches/peers/run.py` starts it as `echo --port 5901 --size 133`.

#![expect(clippy::unwrap_used, reason = "a benchmark may fail")]

use std::io::{IoSlice, IoSliceMut};
use std::net::UdpSocket;
use std::os::fd::AsRawFd;

use nix::sys::socket::{ControlMessage, MsgFlags, MultiHeaders, SockaddrIn, recvmmsg, sendmmsg};

const BATCH: usize = 32;
const ROOM: usize = 2048;

fn main() {
    let words: Vec<String> = std::env::args().collect();
    let value = |word: &str| {
        let at = words.iter().position(|found| found == word)?;
        words.get(at + 1)?.parse::<usize>().ok()
    };
    // As `cargo bench` runs it: there is nothing to measure without a client.
    let (Some(port), Some(size)) = (value("--port"), value("--size")) else { return };
    let socket = UdpSocket::bind(("127.0.0.1", u16::try_from(port).unwrap())).unwrap();
    // As wide as understudy's: else bursts are lost, and what they cost is counted for the others.
    socket2::SockRef::from(&socket).set_recv_buffer_size(4 << 20).unwrap();
    echo(&socket, size.min(ROOM));
}

fn echo(socket: &UdpSocket, size: usize) {
    let mut octets = vec![0; BATCH * ROOM];
    let (mut incoming, mut outgoing) = (MultiHeaders::preallocate(BATCH, None), MultiHeaders::preallocate(BATCH, None));
    loop {
        let mut addresses: Vec<Option<SockaddrIn>> = Vec::with_capacity(BATCH);
        {
            let mut rooms: Vec<[IoSliceMut<'_>; 1]> =
                octets.chunks_exact_mut(ROOM).map(|room| [IoSliceMut::new(room)]).collect();
            let flags = MsgFlags::MSG_WAITFORONE;
            let received = recvmmsg(socket.as_raw_fd(), &mut incoming, rooms.iter_mut(), flags, None).unwrap();
            addresses.extend(received.map(|message| message.address));
        }
        // It is a response now, and whoever asked knows it by its number.
        octets.chunks_exact_mut(ROOM).take(addresses.len()).for_each(|room| room[2] |= 0x80);
        let answers: Vec<[IoSlice<'_>; 1]> =
            octets.chunks_exact(ROOM).take(addresses.len()).map(|room| [IoSlice::new(&room[..size])]).collect();
        let none: [ControlMessage<'_>; 0] = [];
        let sent = sendmmsg(socket.as_raw_fd(), &mut outgoing, answers.iter(), &addresses, none, MsgFlags::empty());
        let _sent = sent.map_or(0, Iterator::count);
    }
}
