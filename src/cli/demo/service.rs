//! The service that the demo shows, and the query for it.

use std::net::SocketAddr;

/// The service that is shown.
pub(super) const OWNER: &str = "_sip._tcp.example.com.";

/// What the demo says before it begins.
pub(super) fn welcome(server: SocketAddr) -> String {
    format!(
        "understudy serves example.com on {server} and tests three stand-in SIP servers on loopback.\n\
         Ask it yourself in another terminal:\n\n    {}\n",
        dig(server)
    )
}

/// The command that asks for the service.
pub(super) fn dig(server: SocketAddr) -> String {
    format!("dig @{} -p {} SRV {}", server.ip(), server.port(), OWNER.trim_end_matches('.'))
}
