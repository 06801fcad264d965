//! The check `icmp`: an echo request by an unprivileged ICMP socket, sent again until its reply comes.
//!
//! It shows that a host is reachable, not that a service works: it is useful within other checks (`all`), not alone.

#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::UdpSocket;

use super::attempt::{Attempt, Ending, Probe, unknown};
use super::datagram::Datagram;
use super::errors::{self, ErrorOrigin};
use super::kind::{CheckContext, KindKeys};
use super::url::{Url, UrlCheck, UrlError};
use crate::health::Outcome;
use crate::keys::Listed;
use crate::keys::reader::{Reader, Section};

/// `{ kind = "icmp" }` says nothing more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IcmpKeys;

impl KindKeys for IcmpKeys {
    type Check = Icmp;

    const FORMS: &'static [Listed] = &[(Icmp::KIND, &[])];
    const EXAMPLE: &'static str = "{ kind = \"icmp\" } pings.";
    const SCHEMES: &'static [&'static str] = &[Icmp::KIND];

    fn read(_form: &str, _reader: &mut Reader<'_>, _table: &Section<'_>) -> Self {
        Self
    }

    fn from_url(url: &Url<'_>) -> Result<UrlCheck<Self>, UrlError> {
        if url.transport != Some(Icmp::KIND) {
            url.transport(Icmp::KIND, &[], "; it has none")?;
        }
        Ok(UrlCheck::new(Self, url.domain(), None))
    }

    fn lower(&self, _context: &CheckContext<'_>) -> Option<Icmp> {
        Some(Icmp)
    }

    fn needs_port(&self) -> bool {
        false
    }
}

/// Parameters of [`Check::Icmp`](super::Check::Icmp): none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Icmp;

impl Probe for Icmp {
    const KIND: &'static str = "icmp";

    fn transport(&self) -> &'static str {
        "icmp"
    }

    fn parameters(&self) -> String {
        String::new()
    }

    fn has_port(&self) -> bool {
        false
    }

    async fn run(&self, attempt: &mut Attempt<'_>) -> Ending {
        attempt.begin("echo");
        let socket = open(attempt.address).map_err(|error| attempt.fails(no_socket(&error)))?;
        let token = attempt.context.random::<TOKEN>();
        let token = token.ok_or_else(|| attempt.fails(unknown("no random octets")))?;
        let (address, request) = (attempt.address, request(attempt.address, &token));
        let accept = |packet: &[u8]| is_reply(address, packet, &token).then_some(());
        Datagram::over(socket).ask(&request, AGAIN, accept, attempt).await?;
        attempt.saw("replied");
        Ok(())
    }
}

/// Opens a socket that is connected to the address: the kernel hands over its replies only, and tells of its errors.
///
/// To the runtime it is a socket like one of UDP: datagrams go out and come in.
fn open(mut address: SocketAddr) -> io::Result<UdpSocket> {
    let (domain, protocol) = match address {
        SocketAddr::V4(_) => (Domain::IPV4, Protocol::ICMPV4),
        SocketAddr::V6(_) => (Domain::IPV6, Protocol::ICMPV6),
    };
    let socket = Socket::new(domain, Type::DGRAM, Some(protocol))?;
    socket.set_nonblocking(true)?;
    address.set_port(0);
    socket.connect(&address.into())?;
    UdpSocket::from_std(socket.into())
}

/// Classes why there is no socket.
fn no_socket(error: &io::Error) -> Outcome {
    if error.kind() != io::ErrorKind::PermissionDenied {
        return errors::classify(error, ErrorOrigin::Local);
    }
    unknown(
        "this machine does not let us send pings: add our group to the sysctl net.ipv4.ping_group_range, as in \
         net.ipv4.ping_group_range = \"0 2147483647\" (it rules IPv6 too)",
    )
}

/// Makes an echo request; the kernel fills in checksum and identifier.
fn request(address: SocketAddr, token: &[u8]) -> Vec<u8> {
    let kind = if address.is_ipv4() { ECHO_V4 } else { ECHO_V6 };
    let mut packet = vec![kind, 0, 0, 0, 0, 0, 0, 1];
    packet.extend_from_slice(token);
    packet
}

/// Returns whether a packet is the reply to our request.
fn is_reply(address: SocketAddr, packet: &[u8], token: &[u8]) -> bool {
    let kind = if address.is_ipv4() { REPLY_V4 } else { REPLY_V6 };
    matches!(packet.split_first_chunk::<HEADER>(), Some((header, data)) if header.first() == Some(&kind) && data == token)
}

/// Types of RFC 792 and RFC 4443 §4.
const ECHO_V4: u8 = 8;
const ECHO_V6: u8 = 128;
const REPLY_V4: u8 = 0;
const REPLY_V6: u8 = 129;
/// Type, code, checksum, identifier, sequence number.
const HEADER: usize = 8;
/// How many random octets tell our replies from others.
const TOKEN: usize = 16;
/// When the request is sent again.
const AGAIN: &[Duration] = &[Duration::from_millis(500), Duration::from_millis(1250)];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_bears_our_token() {
        let (v4, v6): (SocketAddr, SocketAddr) = ("127.0.0.1:0".parse().unwrap(), "[::1]:0".parse().unwrap());
        let token = [7; TOKEN];
        let packet = |kind: u8, token: &[u8]| [&[kind, 0, 1, 2, 3, 4, 0, 1], token].concat();
        for (address, packet, is_ours) in [
            (v4, packet(0, &token), true),
            (v6, packet(129, &token), true),
            (v4, packet(129, &token), false),
            (v4, packet(8, &token), false),
            (v4, packet(0, &[8; TOKEN]), false),
            (v4, packet(0, &[]), false),
            (v4, vec![0; 7], false),
        ] {
            assert_eq!(is_reply(address, &packet, &token), is_ours, "{address} {packet:?}");
        }
        assert_eq!(request(v6, &token).first(), Some(&128));
    }

    #[test]
    fn a_refused_socket_is_unknown_and_says_the_mend() {
        let refused = no_socket(&io::Error::from(io::ErrorKind::PermissionDenied));
        assert_eq!(refused.as_str(), "unknown");
        assert!(refused.cause().unwrap().contains("ping_group_range"));
    }
}
