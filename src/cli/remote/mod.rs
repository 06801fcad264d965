//! A running server, asked over the socket of its API.

mod failed;
mod find;

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::Duration;

use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Bytes;
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::net::UnixStream;

use crate::admin::api::ErrorBody;

use super::args::Reach;
pub(super) use failed::Failed;

/// A running server.
#[derive(Debug)]
pub(super) struct Remote {
    socket: PathBuf,
    runtime: tokio::runtime::Runtime,
    /// How long any answer may take; nothing: as long as what is asked for may.
    most: Option<Duration>,
}

impl Remote {
    /// Finds the server.
    ///
    /// # Errors
    /// If nothing says where it takes orders.
    pub(super) fn find(reach: &Reach) -> Result<Self, Failed> {
        Self::at(&find::socket(reach)?)
    }

    /// Takes the server behind a socket.
    ///
    /// # Errors
    /// If the system has nothing left for it.
    pub(super) fn at(socket: &Path) -> Result<Self, Failed> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| Failed::unreachable(socket, &error))?;
        Ok(Self { socket: socket.to_owned(), runtime, most: None })
    }

    /// The same server, which is given up when it takes longer than this.
    pub(super) fn within(self, most: Duration) -> Self {
        Self { most: Some(most), ..self }
    }

    /// Asks for something.
    ///
    /// # Errors
    /// If there is no server, or it refuses.
    pub(super) fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Failed> {
        self.ask(Method::GET, path, None, ANSWER)
    }

    /// Changes something.
    ///
    /// # Errors
    /// If there is no server, or it refuses: nothing has changed then.
    pub(super) fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T, Failed> {
        let body = serde_json::to_vec(body).map_err(|error| Failed::strange(&error.to_string()))?;
        self.ask(Method::POST, path, Some(body), CHANGE)
    }

    /// Takes something back.
    ///
    /// # Errors
    /// If there is no server, or it refuses: nothing has changed then.
    pub(super) fn delete<T: DeserializeOwned>(&self, path: &str) -> Result<T, Failed> {
        self.ask(Method::DELETE, path, None, CHANGE)
    }

    /// Waits; returns whether it was interrupted by Ctrl-C.
    pub(super) fn is_interrupted_within(&self, pause: Duration) -> bool {
        let waits = async { tokio::time::timeout(pause, tokio::signal::ctrl_c()).await };
        self.runtime.block_on(waits).is_ok()
    }

    fn ask<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<Vec<u8>>,
        limit: Duration,
    ) -> Result<T, Failed> {
        let request = Request::builder().method(method).uri(path).header("host", HOST);
        let request = request.header("content-type", "application/json");
        let request = request
            .body(Full::new(Bytes::from(body.unwrap_or_default())))
            .map_err(|error| Failed::strange(&error.to_string()))?;
        let limit = self.most.map_or(limit, |most| most.min(limit));
        let talk = async { tokio::time::timeout(limit, exchange(&self.socket, request)).await };
        let (status, answer) = match self.runtime.block_on(talk) {
            Ok(answer) => answer.map_err(|error| Failed::unreachable(&self.socket, &error))?,
            Err(_late) => return Err(Failed::unreachable(&self.socket, &ErrorKind::TimedOut.into())),
        };
        if status.is_success() {
            return serde_json::from_slice(&answer).map_err(|error| Failed::strange(&error.to_string()));
        }
        let refusal: ErrorBody = serde_json::from_slice(&answer)
            .map_err(|_| Failed::strange(&format!("it answers with status {status}")))?;
        Err(Failed::answered(refusal.error, status.is_server_error()))
    }
}

async fn exchange(socket: &Path, request: Request<Full<Bytes>>) -> io::Result<(StatusCode, Bytes)> {
    let stream = UnixStream::connect(socket).await?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
    let talk = async move {
        let answer = sender.send_request(request).await.map_err(io::Error::other)?;
        let status = answer.status();
        let body = Limited::new(answer.into_body(), MAX_ANSWER).collect().await.map_err(io::Error::other)?;
        Ok((status, body.to_bytes()))
    };
    let drive = async {
        // Its end is seen by the one who talks.
        drop(connection.await);
        std::future::pending().await
    };
    tokio::select! {
        biased;
        answer = talk => answer,
        never = drive => never,
    }
}

/// The name in requests; nobody reads it on a socket of this machine.
const HOST: &str = "understudy";
/// How long a picture may take.
const ANSWER: Duration = Duration::from_secs(30);
/// How long a change may take: a reload of large zones is one.
const CHANGE: Duration = Duration::from_secs(600);
/// The longest answer, in octets.
const MAX_ANSWER: usize = 256 << 20;
