//! Any octets on a stream of DNS over QUIC: messages in form, a reset, or the end of the connection by its rules.

use std::cell::RefCell;
use std::sync::Arc;

use quinn::crypto::rustls::QuicClientConfig;
use quinn::{ClientConfig, Connection, ConnectionError, Endpoint, ReadError, ReadToEndError, WriteError};
use tokio::runtime::{Builder, Runtime};

use crate::house::{House, LIMITS, soon};
use crate::trust::client_config;

/// A server, and a client of it that connects anew where it was told to go.
struct Place {
    runtime: Runtime,
    house: House,
    endpoint: Endpoint,
    connection: RefCell<Option<Connection>>,
}

thread_local! {
    static PLACE: Place = Place::open();
}

/// Runs one input: all that one stream has.
pub(crate) fn run(octets: &[u8]) {
    PLACE.with(|place| place.runtime.block_on(place.exchange(octets)));
}

impl Place {
    fn open() -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
        let (house, endpoint) = runtime.block_on(async {
            let tls = QuicClientConfig::try_from(client_config(&["doq"])).expect("a client");
            let mut endpoint = Endpoint::client(([127, 0, 0, 1], 0).into()).expect("a port");
            endpoint.set_default_client_config(ClientConfig::new(Arc::new(tls)));
            (House::open(LIMITS), endpoint)
        });
        Self { runtime, house, endpoint, connection: RefCell::default() }
    }

    async fn exchange(&self, octets: &[u8]) {
        let kept = self.connection.take().filter(|connection| connection.close_reason().is_none());
        let connection = match kept {
            Some(connection) => connection,
            None => {
                let connecting = self.endpoint.connect(self.house.quic, "first.test").expect("an address");
                soon(connecting).await.expect("a handshake")
            }
        };
        let (mut send, mut receive) = soon(connection.open_bi()).await.expect("a stream");
        match soon(send.write_all(octets)).await {
            // Longer than any query: it is not taken.
            Ok(()) | Err(WriteError::Stopped(_)) => {}
            Err(WriteError::ConnectionLost(error)) => return assert_is_by_the_rules(&error),
            Err(error) => panic!("{error}"),
        }
        send.finish().ok();
        match soon(receive.read_to_end(1 << 20)).await {
            // The stream may end a moment before its connection.
            Ok(answer) if answer.is_empty() => return assert_is_by_the_rules(&soon(connection.closed()).await),
            Ok(answer) => assert_has_form(&answer),
            Err(ReadToEndError::Read(ReadError::Reset(code))) => assert_eq!(code.into_inner(), 4, "DOQ_EXCESSIVE_LOAD"),
            Err(ReadToEndError::Read(ReadError::ConnectionLost(error))) => return assert_is_by_the_rules(&error),
            Err(error) => panic!("{error}"),
        }
        self.connection.replace(Some(connection));
    }
}

/// RFC 9250 §4.3.3: the client is told that it broke the protocol.
fn assert_is_by_the_rules(error: &ConnectionError) {
    let ConnectionError::ApplicationClosed(close) = error else { panic!("{error}") };
    assert_eq!(close.error_code.into_inner(), 2, "DOQ_PROTOCOL_ERROR");
}

/// RFC 9250 §4.2: responses with their lengths, of number 0.
fn assert_has_form(mut octets: &[u8]) {
    while let Some((length, rest)) = octets.split_first_chunk::<2>() {
        let (message, rest) = rest.split_at(usize::from(u16::from_be_bytes(*length)));
        assert!(message.len() >= 12 && message.starts_with(&[0, 0]) && message[2] & 0x80 != 0, "{message:02x?}");
        octets = rest;
    }
    assert!(octets.is_empty(), "an octet is left");
}
