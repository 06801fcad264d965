//! Any octets as what the system's resolver answers: addresses within bounds, none, or a reason.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::UdpSocket;
use tokio::runtime::{Builder, Runtime};
use understudy::resolve::{Servers, once};
use understudy::zone::Name;

use crate::dns;

/// Where such a resolver listens.
struct Place {
    runtime: Runtime,
    socket: UdpSocket,
    servers: Servers,
}

thread_local! {
    static PLACE: Place = Place::open();
}

/// Runs one input: an octet that chooses, flags and counts, and what stands behind the question.
pub(crate) fn run(input: &[u8]) {
    let Some((choice, octets)) = input.split_first() else { return };
    PLACE.with(|place| place.runtime.block_on(place.ask(*choice, octets)));
}

impl Place {
    fn open() -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
        let socket = runtime.block_on(UdpSocket::bind("127.0.0.1:0")).expect("a port");
        let address: SocketAddr = socket.local_addr().expect("it is bound");
        Self { runtime, socket, servers: Servers::one(address) }
    }

    async fn ask(&self, choice: u8, octets: &[u8]) {
        let hosts: [Name; 1] = ["host.example.".parse().expect("a name")];
        let heard = tokio::select! {
            heard = once(&hosts, Some(&self.servers), Duration::from_secs(60)) => heard,
            () = self.serve(choice, octets) => unreachable!("it serves for ever"),
        };
        assert!(heard.addresses.keys().all(|host| *host == hosts[0]), "{heard:?}");
        let addresses = heard.addresses.values().flatten().count();
        assert!(addresses <= 2 * 16, "{addresses} addresses of one host");
        assert_eq!(heard.unknown.is_empty(), addresses > 0, "without an address there is a reason: {heard:?}");
        assert!(
            heard.unknown.iter().all(|(_, why)| why.len() < 1_000 && !why.starts_with("no answer within")),
            "{heard:?}"
        );
    }

    /// Sends the packet, and then one that every client takes.
    async fn serve(&self, choice: u8, octets: &[u8]) {
        let mut asked = [0; 1_024];
        loop {
            let Ok((length, client)) = self.socket.recv_from(&mut asked).await else { continue };
            let question = &asked[..length];
            for packet in [dns::answer(question, choice, octets), dns::refusal(question)] {
                self.socket.send_to(&packet, client).await.ok();
            }
        }
    }
}
