//! Any octets as a name server's answer to the check `dns`: an outcome, whoever the packet says it is for.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, UdpSocket};
use tokio::runtime::{Builder, Runtime};
use understudy::base::clock::Clock;
use understudy::probe::{Check, Dns, ProbeContext, Spec, run as probe};

/// Where such a server listens, over both.
struct Place {
    runtime: Runtime,
    datagrams: UdpSocket,
    streams: TcpListener,
    context: ProbeContext,
}

thread_local! {
    static PLACE: Place = Place::open();
}

/// Runs one input: an octet that chooses, flags and counts, and what stands behind the question.
pub(crate) fn run(input: &[u8]) {
    let Some((choice, octets)) = input.split_first() else { return };
    PLACE.with(|place| place.runtime.block_on(place.probe(*choice, octets)));
}

impl Place {
    fn open() -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
        let open = async {
            let streams = TcpListener::bind("127.0.0.1:0").await?;
            // The check asks over TCP where the answer was truncated.
            let datagrams = UdpSocket::bind(streams.local_addr()?).await?;
            std::io::Result::Ok((datagrams, streams))
        };
        let (datagrams, streams) = runtime.block_on(open).expect("a port");
        Self { runtime, datagrams, streams, context: ProbeContext::from_roots([]) }
    }

    async fn probe(&self, choice: u8, octets: &[u8]) {
        let address = self.streams.local_addr().expect("it is bound");
        let name = "example.com.".parse().expect("a name");
        let dns = Dns { answer: (choice & 2 != 0).then(|| "x".to_owned()), ..Dns::of_zone(name, choice & 1 != 0) };
        let spec = Spec { address, check: Check::Dns(dns).into(), timeout: Duration::from_secs(60), watch: None };
        let clock = Clock::start();
        let report = tokio::select! {
            report = probe(&spec, &clock, &self.context) => report,
            () = self.serve_datagrams(choice, octets) => unreachable!("it serves for ever"),
            () = self.serve_streams(choice, octets) => unreachable!("it serves for ever"),
        };
        assert_ne!(report.outcome.as_str(), "silent", "{report:?}");
        assert!(report.outcome.cause().is_none_or(|cause| cause.len() < 1_000), "{report:?}");
    }

    /// Sends the packet, and then one that every client takes.
    async fn serve_datagrams(&self, choice: u8, octets: &[u8]) {
        let mut asked = [0; 1_024];
        loop {
            let Ok((length, client)) = self.datagrams.recv_from(&mut asked).await else { continue };
            let question = &asked[..length];
            for packet in [answer(question, choice, octets), refusal(question)] {
                self.datagrams.send_to(&packet, client).await.ok();
            }
        }
    }

    async fn serve_streams(&self, choice: u8, octets: &[u8]) {
        loop {
            let Ok((mut stream, _)) = self.streams.accept().await else { continue };
            let talk = async {
                let mut asked = vec![0; usize::from(stream.read_u16().await?)];
                stream.read_exact(&mut asked).await?;
                for packet in [answer(&asked, choice, octets), refusal(&asked)] {
                    stream.write_u16(u16::try_from(packet.len()).unwrap_or(u16::MAX)).await?;
                    stream.write_all(&packet).await?;
                }
                stream.shutdown().await?;
                while stream.read(&mut asked).await? > 0 {}
                std::io::Result::Ok(())
            };
            drop(talk.await);
        }
    }
}

/// Makes an answer with the number and the question of the query; or what stands there alone.
pub(crate) fn answer(query: &[u8], choice: u8, octets: &[u8]) -> Vec<u8> {
    let (number, question) = (query.get(..2).unwrap_or_default(), question(query));
    let (Some((flags, rest)), true) = (octets.split_first_chunk::<2>(), choice & 4 == 0) else {
        return [number, octets].concat();
    };
    let Some((counts, records)) = rest.split_first_chunk::<6>() else { return [number, octets].concat() };
    [number, flags, &[0, 1], counts, question, records].concat()
}

/// Makes an answer that refuses.
pub(crate) fn refusal(query: &[u8]) -> Vec<u8> {
    [query.get(..2).unwrap_or_default(), &[0x80, 5, 0, 1, 0, 0, 0, 0, 0, 0], question(query)].concat()
}

/// Returns the question of a query, with its type and class.
fn question(query: &[u8]) -> &[u8] {
    let rest = query.get(12..).unwrap_or_default();
    let name = rest.iter().position(|octet| *octet == 0).unwrap_or(rest.len());
    rest.get(..name + 5).unwrap_or(rest)
}
