//! A client of HTTP/2 that does what it is told, and no more.

use data_encoding::BASE64URL_NOPAD;
use h2::client::{ResponseFuture, SendRequest};
use h2::{RecvStream, SendStream};
use hyper::Request;
use hyper::body::Bytes;
use tokio::task::JoinHandle;

use crate::house::{House, QUESTION, soon};
use crate::support::{Answer, query};

/// A connection, whose frames are sent and read by a task of its own.
pub(crate) struct Http2 {
    pub(crate) requests: SendRequest<Bytes>,
    _driver: JoinHandle<Result<(), h2::Error>>,
}

impl Http2 {
    pub(crate) async fn connect(house: &House) -> Self {
        Self::with(house, &h2::client::Builder::new()).await
    }

    pub(crate) async fn with(house: &House, builder: &h2::client::Builder) -> Self {
        let (stream, _) = house.connect_tls(house.https, &["h2"]).await;
        let (requests, connection) = soon(builder.handshake(stream)).await.unwrap();
        Self { requests, _driver: tokio::spawn(connection) }
    }

    /// Begins to post a message.
    pub(crate) async fn begin_post(&mut self) -> Result<(ResponseFuture, SendStream<Bytes>), h2::Error> {
        let mut requests = soon(self.requests.clone().ready()).await?;
        let request = Request::post("https://first.test/dns-query");
        let request =
            request.header("content-type", "application/dns-message").header("accept", "application/dns-message");
        requests.send_request(request.body(()).unwrap(), false)
    }

    /// Asks with a header of so many octets; nothing if there is no response.
    pub(crate) async fn status_with(&mut self, octets: usize) -> Option<u16> {
        let mut requests = soon(self.requests.clone().ready()).await.ok()?;
        let query = BASE64URL_NOPAD.encode(&query(QUESTION, None));
        let request = Request::get(format!("https://first.test/dns-query?dns={query}"));
        let request = request.header("x-long", "x".repeat(octets)).body(()).unwrap();
        let (response, _body) = requests.send_request(request, true).ok()?;
        soon(response).await.ok().map(|response| response.status().as_u16())
    }

    /// Posts a message and reads the answer.
    pub(crate) async fn post(&mut self, message: Vec<u8>) -> Answer {
        let (response, mut body) = self.begin_post().await.unwrap();
        body.send_data(message.into(), true).unwrap();
        let response = soon(response).await.unwrap();
        assert_eq!(response.status(), 200);
        Answer::read(soon(read(response.into_body())).await)
    }
}

async fn read(mut body: RecvStream) -> Vec<u8> {
    let mut octets = Vec::new();
    while let Some(data) = body.data().await {
        let data = data.unwrap();
        body.flow_control().release_capacity(data.len()).unwrap();
        octets.extend_from_slice(&data);
    }
    octets
}
