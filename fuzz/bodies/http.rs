//! Any octets as what a server says to the clients of HTTP/1.1, HTTP/2 and gRPC that probes are: an outcome, and soon.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use understudy::base::clock::Clock;
use understudy::probe::{Check, Expect, Grpc, Http, Method, ProbeContext, Spec, Statuses, run as probe};

/// Where such a server listens.
struct Place {
    runtime: Runtime,
    listener: TcpListener,
    context: ProbeContext,
}

thread_local! {
    static PLACE: Place = Place::open();
}

/// Runs one input; its first octet says which check asks. Who hears no HTTP/1.1 asks by HTTP/2, and hears the same.
pub(crate) fn run(input: &[u8]) {
    let Some((choice, octets)) = input.split_first() else { return };
    PLACE.with(|place| place.runtime.block_on(place.probe(check(*choice), octets)));
}

impl Place {
    fn open() -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a port");
        Self { runtime, listener, context: ProbeContext::from_roots([]) }
    }

    async fn probe(&self, check: Check, octets: &[u8]) {
        let address = self.listener.local_addr().expect("it is bound");
        let spec = Spec { address, check: check.into(), timeout: Duration::from_secs(60), watch: None };
        let clock = Clock::start();
        let report = tokio::select! {
            report = probe(&spec, &clock, &self.context) => report,
            () = self.serve(octets) => unreachable!("it serves for ever"),
        };
        assert_ne!(report.outcome.as_str(), "silent", "a connection that has ended is not waited for: {report:?}");
        assert!(report.outcome.cause().is_none_or(|cause| cause.len() < 1_000), "{report:?}");
    }

    /// Says the same to everybody who asks, and ends.
    async fn serve(&self, octets: &[u8]) {
        loop {
            let Ok((mut stream, _)) = self.listener.accept().await else { continue };
            let mut asked = [0; 1_024];
            let talk = async {
                let _whatever_it_asks = stream.read(&mut asked).await?;
                stream.write_all(octets).await?;
                stream.shutdown().await?;
                while stream.read(&mut asked).await? > 0 {}
                std::io::Result::Ok(())
            };
            // Who has heard enough is gone.
            drop(talk.await);
        }
    }
}

fn check(choice: u8) -> Check {
    let host = || "example.com".to_owned();
    if choice.is_multiple_of(4) {
        return Check::Grpc(Grpc { tls: None, host: host(), service: String::new() });
    }
    let expect = (choice & 16 != 0).then(|| Expect::Text(b"ok".to_vec()));
    let method = if choice & 32 != 0 { Method::Head } else { Method::Get };
    let status = if choice & 64 != 0 { Statuses::alive() } else { Statuses::default() };
    Check::Http(Http { method, status, expect, ..Http::new(host(), None) })
}
