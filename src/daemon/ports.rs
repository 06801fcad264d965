//! All ports of the server, bound while the process may still bind any.

use std::net::TcpListener;

use crate::config::{AdminListen, ServerSettings};

use super::sockets::{self, BindError, Sockets};

/// The bound ports, for [`Daemon::start`](super::Daemon::start).
#[derive(Debug)]
pub struct Ports {
    /// Those of DNS.
    pub(super) sockets: Sockets,
    /// Where metrics and readiness are told.
    pub(super) metrics: Option<TcpListener>,
    /// Where the API is served over the network.
    pub(super) admin: Option<(TcpListener, AdminListen)>,
}

impl Ports {
    /// Binds all of them. Nothing stays bound if one fails.
    ///
    /// # Errors
    /// The first that cannot be bound.
    pub fn bind(server: &ServerSettings) -> Result<Self, BindError> {
        let sockets = sockets::bind(server)?;
        let metrics = server.metrics_listen.map(sockets::bind_tcp).transpose()?;
        let admin = server.admin_listen.clone();
        let admin = admin.map(|at| Ok((sockets::bind_tcp(at.address)?, at))).transpose()?;
        Ok(Self { sockets, metrics, admin })
    }
}
