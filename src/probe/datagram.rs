//! A request over UDP, sent again until its answer arrives.
//!
//! The socket is connected: the kernel delivers only datagrams from the target's address and port, and reports ICMP
//! errors.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use tokio::io::{Interest, Ready};
use tokio::net::UdpSocket;
use tokio::time::sleep;

use super::attempt::{Attempt, conclusive, unknown};
use super::errors::{self, ErrorOrigin};
use crate::health::Outcome;

/// A connected UDP socket.
#[derive(Debug)]
pub(super) struct Datagram {
    socket: UdpSocket,
}

impl Datagram {
    /// Opens a socket towards the address of the probe; nothing is sent yet.
    pub(super) async fn open(attempt: &mut Attempt<'_>) -> Result<Self, Outcome> {
        let any: IpAddr = match attempt.address {
            SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
            SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
        };
        let socket = UdpSocket::bind((any, 0)).await;
        let socket = socket.map_err(|error| attempt.fails(unknown(format!("no socket: {error}"))))?;
        let connected = socket.connect(attempt.address).await;
        connected.map_err(|error| attempt.fails(errors::classify(&error, ErrorOrigin::Local)))?;
        Ok(Self { socket })
    }

    /// Takes a socket that is connected already, of another protocol.
    pub(super) const fn over(socket: UdpSocket) -> Self {
        Self { socket }
    }

    /// Returns our own end: what the target sees unless somebody on the way translates addresses.
    pub(super) fn local(&self, attempt: &mut Attempt<'_>) -> Result<SocketAddr, Outcome> {
        self.socket.local_addr().map_err(|error| attempt.fails(unknown(format!("no local address: {error}"))))
    }

    /// Sends the question now and again `after` each of the times since the first, until `accept` takes a datagram.
    ///
    /// What `accept` does not take is somebody else's, or late, and is passed over. The caller bounds the time.
    pub(super) async fn ask<T>(
        &self,
        question: &[u8],
        after: &[Duration],
        mut accept: impl FnMut(&[u8]) -> Option<T>,
        attempt: &mut Attempt<'_>,
    ) -> Result<T, Outcome> {
        let began = attempt.clock.now().mono;
        let sent = self.socket.send(question).await;
        sent.map_err(|error| attempt.fails(errors::classify(&error, ErrorOrigin::Local)))?;
        let mut again = after.iter();
        let mut next = again.next();
        let mut foreign = 0;
        loop {
            let passed = attempt.clock.now().mono.since(began);
            let wait = next.map_or(Duration::ZERO, |after| after.saturating_sub(passed));
            tokio::select! {
                biased;
                ready = self.socket.ready(Interest::READABLE | Interest::ERROR) => {
                    self.heed(ready).map_err(|error| attempt.fails(errors::classify(&error, ErrorOrigin::Remote)))?;
                    if let Some(taken) = self.take(&mut accept, attempt)? {
                        return Ok(taken);
                    }
                    foreign += 1;
                    if foreign > FOREIGN_MAX {
                        return Err(attempt.fails(conclusive(format!("more than {FOREIGN_MAX} datagrams that do not answer"))));
                    }
                }
                () = sleep(wait), if next.is_some() => {
                    let sent = self.socket.send(question).await;
                    sent.map_err(|error| attempt.fails(errors::classify(&error, ErrorOrigin::Remote)))?;
                    next = again.next();
                }
            }
        }
    }

    /// Tells the error that the kernel keeps for us, such as of ICMP: reading waits for datagrams alone.
    fn heed(&self, ready: io::Result<Ready>) -> io::Result<()> {
        if !ready?.is_error() {
            return Ok(());
        }
        let told = self.socket.try_io(Interest::ERROR, || match self.socket.take_error()? {
            Some(error) => Ok(error),
            None => Err(ErrorKind::WouldBlock.into()),
        });
        match told.unwrap_or_else(|error| error) {
            error if error.kind() == ErrorKind::WouldBlock => Ok(()),
            error => Err(error),
        }
    }

    /// Takes the next datagram, if it is there and accepted. Its room lies on the stack: who waits holds none.
    fn take<T>(
        &self,
        accept: &mut impl FnMut(&[u8]) -> Option<T>,
        attempt: &mut Attempt<'_>,
    ) -> Result<Option<T>, Outcome> {
        let mut room = [0; LONGEST];
        match self.socket.try_recv(&mut room) {
            Ok(length) => {
                let taken = accept(room.get(..length).unwrap_or_default());
                if taken.is_none() {
                    attempt.passed_over();
                }
                Ok(taken)
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(None),
            Err(error) => Err(attempt.fails(errors::classify(&error, ErrorOrigin::Remote))),
        }
    }
}

/// The longest datagram that is read whole, in octets; the protocols' answers are far shorter.
const LONGEST: usize = 4096;
/// The most datagrams that are read for one question: a flood keeps no probe busy.
const FOREIGN_MAX: u32 = 1_024;

#[cfg(test)]
mod tests {
    use tokio::time::timeout;

    use super::super::{Depth, ProbeContext};
    use super::*;
    use crate::base::clock::Clock;
    use crate::health::FailKind;

    #[tokio::test]
    async fn a_refusal_is_heard_before_the_question_is_sent_again() {
        let nobody = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap().local_addr().unwrap();
        let (clock, context) = (Clock::start(), ProbeContext::from_roots([]));
        let mut attempt = Attempt::new(nobody, Depth::Deep, &clock, &context);
        let datagram = Datagram::open(&mut attempt).await.unwrap();
        let hour = [Duration::from_secs(3600)];
        let asked = datagram.ask(b"?", &hour, |_| Some(()), &mut attempt);
        let outcome = timeout(Duration::from_secs(10), asked).await.unwrap().unwrap_err();
        let Outcome::Fail { kind, cause } = outcome else { panic!("{outcome:?}") };
        assert_eq!((kind, cause.as_ref()), (FailKind::Conclusive, "connection refused"));
    }
}
