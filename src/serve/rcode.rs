//! Response codes.

/// A response code (RFC 6895 §2.3); above 15 it needs an OPT record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rcode(pub u16);

impl Rcode {
    /// No error.
    pub const NOERROR: Self = Self(0);
    /// The query cannot be read.
    pub const FORMERR: Self = Self(1);
    /// The zone could not be loaded.
    pub const SERVFAIL: Self = Self(2);
    /// The name does not exist.
    pub const NXDOMAIN: Self = Self(3);
    /// This kind of query is not implemented.
    pub const NOTIMP: Self = Self(4);
    /// Not for this server.
    pub const REFUSED: Self = Self(5);
    /// A DNAME leads to a name that is too long (RFC 6672 §2.2).
    pub const YXDOMAIN: Self = Self(6);
    /// Signed with a key that is not known (RFC 8945 §5.2.1).
    pub const NOTAUTH: Self = Self(9);
    /// An EDNS version above 0 (RFC 6891 §6.1.3).
    pub const BADVERS: Self = Self(16);
}
