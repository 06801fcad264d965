//! Notices as sentences, for the live table, the history and its readers.

use std::fmt;

use super::effect::Notice;

impl Notice {
    /// Returns the word for its kind.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Target { .. } => "target",
            Self::Decision { .. } => "decision",
            Self::Broke { .. } => "connection-broke",
            Self::Isolated(_) => "isolated",
            Self::Ordered(..) => "order-given",
            Self::Cleared(..) => "order-cleared",
            Self::Ended(..) => "order-ended",
            Self::FailbackOrdered(_) => "failback-ordered",
            Self::Reloaded => "reloaded",
            Self::ReloadFailed(_) => "reload-failed",
            Self::Published { .. } => "published",
            Self::Transfer { .. } => "transfer",
            Self::Certificate { .. } => "certificate",
        }
    }
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Target { target, address, hosts, from, to, cause, .. } => {
                match hosts.split_first() {
                    Some((host, [])) => write!(f, "{host} at {}", address.ip())?,
                    Some((host, others)) => write!(f, "{host} at {} and {} more", address.ip(), others.len())?,
                    None => f.write_str(target)?,
                }
                write!(f, ": {from} → {to}")?;
                cause.as_ref().map_or(Ok(()), |cause| write!(f, " ({cause})"))
            }
            Self::Decision { pool, reason, .. } => write!(f, "{}: {reason}", pool.trim_end_matches('.')),
            Self::Broke { address, cause } => write!(f, "the connection held to {address} broke ({cause})"),
            Self::Isolated(true) => f.write_str("isolated: no witness answers"),
            Self::Isolated(false) => f.write_str("no longer isolated"),
            Self::Ordered(id, order) => {
                write!(f, "order {id}: {} {}", order.scope, order.force.as_str())?;
                order.from.map_or(Ok(()), |from| write!(f, " from {from}"))?;
                order.until.map_or(Ok(()), |until| write!(f, " until {until}"))?;
                write_origin(f, &order.author, &order.reason)
            }
            Self::Cleared(id, order) => write!(f, "order {id} cleared: {} {}", order.scope, order.force.as_str()),
            Self::Ended(id, order) => write!(f, "order {id} ended: {} {}", order.scope, order.force.as_str()),
            Self::FailbackOrdered(service) => write!(f, "{}: failback ordered", service.trim_end_matches('.')),
            Self::Reloaded => f.write_str("a new setup was taken"),
            Self::ReloadFailed(reason) => write!(f, "reload failed: {reason}"),
            Self::Transfer { zone, event } => write!(f, "{}: {event}", zone.trim_end_matches('.')),
            Self::Certificate { text, .. } => f.write_str(text),
            Self::Published { generation, zones } => {
                write!(f, "generation {generation} published")?;
                zones.iter().try_for_each(|(zone, serial)| write!(f, ", {zone} serial {serial}"))
            }
        }
    }
}

/// Writes who gave an order and why, as far as it was said.
fn write_origin(f: &mut fmt::Formatter<'_>, author: &str, reason: &str) -> fmt::Result {
    match (author, reason) {
        ("", "") => Ok(()),
        (author, "") => write!(f, ", by {author}"),
        ("", reason) => write!(f, ": {reason}"),
        (author, reason) => write!(f, ", by {author}: {reason}"),
    }
}
