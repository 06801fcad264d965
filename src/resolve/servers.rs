//! Which resolver is used.

use std::net::SocketAddr;
use std::time::Duration;

use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig, ResolverOpts};
use hickory_resolver::net::NetError;
use hickory_resolver::system_conf::parse_resolv_conf;

/// Where questions go, and how long each may take.
#[derive(Clone, Debug)]
pub struct Servers {
    config: ResolverConfig,
    timeout: Duration,
    attempts: usize,
}

/// Why a text is no resolv.conf(5).
#[derive(Debug, thiserror::Error)]
#[error("it names no resolver")]
pub struct ServersError(#[source] NetError);

impl Servers {
    /// Takes one server, over UDP, and TCP for long answers.
    pub fn one(server: SocketAddr) -> Self {
        let ports = [ConnectionConfig::udp(), ConnectionConfig::tcp()].map(|mut connection| {
            connection.port = server.port();
            connection
        });
        let server = NameServerConfig::new(server.ip(), true, ports.to_vec());
        let config = ResolverConfig::from_parts(None, Vec::new(), vec![server]);
        Self { config, timeout: TIMEOUT, attempts: ATTEMPTS }
    }

    /// Reads a resolv.conf(5): its `nameserver` lines and the options `timeout` and `attempts`, which count up to 5 s and
    /// 3. Search lists are passed over, as hosts of SRV records are whole names.
    ///
    /// # Errors
    /// If it names no server.
    pub fn from_resolv_conf(text: &[u8]) -> Result<Self, ServersError> {
        let (config, options) = parse_resolv_conf(text).map_err(ServersError)?;
        let config = ResolverConfig::from_parts(None, Vec::new(), config.name_servers);
        let (timeout, attempts) = (options.timeout.min(MOST_TIMEOUT), options.attempts.clamp(1, MOST_ATTEMPTS));
        Ok(Self { config, timeout, attempts })
    }

    /// Returns what hickory's resolver takes.
    pub(super) fn config(&self) -> ResolverConfig {
        self.config.clone()
    }

    /// Lays what was read over hickory's options.
    pub(super) fn set(&self, options: &mut ResolverOpts) {
        (options.timeout, options.attempts) = (self.timeout, self.attempts);
    }
}

const TIMEOUT: Duration = Duration::from_secs(2);
const ATTEMPTS: usize = 2;
const MOST_TIMEOUT: Duration = Duration::from_secs(5);
const MOST_ATTEMPTS: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resolv_conf_gives_its_servers_and_bounded_patience() {
        let text =
            b"# made by hand\nsearch lan\nnameserver 127.0.0.53\nnameserver ::1\noptions timeout:30 attempts:9\n";
        let servers = Servers::from_resolv_conf(text).unwrap();
        let named: Vec<String> = servers.config.name_servers.iter().map(|server| server.ip.to_string()).collect();
        assert_eq!(named, ["127.0.0.53", "::1"]);
        assert!(servers.config.search.is_empty());
        assert_eq!((servers.timeout, servers.attempts), (MOST_TIMEOUT, MOST_ATTEMPTS));
    }

    #[test]
    fn a_resolv_conf_without_a_server_is_refused() {
        assert!(Servers::from_resolv_conf(b"search lan\n").is_err());
    }
}
