//! The servers of the table: which services each gives, and the script that starts it as Debian configures it.

/// A server of the table.
pub(crate) struct Kind {
    /// Its name, and the domain of its services below `example.test`.
    pub(crate) name: &'static str,
    /// Its services: the labels and the port.
    pub(crate) services: &'static [(&'static str, u16)],
    /// Sets up its host and defines `start`.
    pub(crate) script: &'static str,
    /// The filters of fail2ban that read its log.
    pub(crate) filters: &'static [&'static str],
    /// Whether it is small and quick enough for every run.
    pub(crate) always: bool,
}

/// A server that is dead for its clients and accepts connections all the same.
pub(crate) struct Broken {
    pub(crate) name: &'static str,
    pub(crate) what: &'static str,
    pub(crate) services: &'static [(&'static str, u16)],
    pub(crate) script: &'static str,
}

macro_rules! kind {
    ($name:literal, $services:expr, $filters:expr, $always:literal) => {
        Kind {
            name: $name,
            services: &$services,
            script: include_str!(concat!("servers/", $name, ".sh")),
            filters: &$filters,
            always: $always,
        }
    };
}

/// Those that are well in the beginning.
pub(crate) const WELL: &[Kind] = &[
    kind!("kamailio", [("_sip._udp", 5060), ("_sip._tcp", 5060), ("_sips._tcp", 5061)], [], true),
    kind!("coturn", [("_stun._udp", 3478), ("_stun._tcp", 3478), ("_turn._udp", 3478), ("_turn._tcp", 3478)], [], true),
    kind!("prosody", [("_xmpp-client._tcp", 5222), ("_xmpp-server._tcp", 5269)], [], true),
    kind!(
        "ejabberd",
        [("_xmpp-client._tcp", 5222), ("_xmpps-client._tcp", 5223), ("_xmpp-server._tcp", 5269), ("_stun._udp", 3478)],
        ["ejabberd-auth"],
        false
    ),
    kind!("nginx", [("_http._tcp", 80), ("_https._tcp", 443)], ["nginx-http-auth", "nginx-bad-request"], true),
    kind!("haproxy", [("_https._tcp", 443)], ["haproxy-http-auth"], false),
    kind!(
        "dovecot",
        [("_imap._tcp", 143), ("_imaps._tcp", 993), ("_pop3._tcp", 110), ("_pop3s._tcp", 995), ("_sieve._tcp", 4190)],
        ["dovecot", "dovecot[mode=aggressive]"],
        false
    ),
    kind!("postfix", [("_smtp._tcp", 25)], ["postfix", "postfix[mode=aggressive]"], false),
    kind!("openssh", [("_ssh._tcp", 22)], ["sshd", "sshd[mode=aggressive]"], true),
    kind!("vsftpd", [("_ftp._tcp", 21)], ["vsftpd"], false),
    kind!("ngircd", [("_irc._tcp", 6667)], [], false),
    kind!("inspircd", [("_irc._tcp", 6667)], [], false),
    kind!("slapd", [("_ldap._tcp", 389)], ["slapd"], true),
    kind!(
        "kerberos",
        [("_kerberos._udp", 88), ("_kerberos._tcp", 88), ("_kpasswd._udp", 464), ("_kpasswd._tcp", 464)],
        [],
        false
    ),
    kind!("mosquitto", [("_mqtt._tcp", 1883)], [], false),
    kind!("mariadb", [("_mysql._tcp", 3306)], ["mysqld-auth"], false),
    kind!("postgresql", [("_postgresql._tcp", 5432)], [], false),
    kind!("mumble", [("_mumble._tcp", 64738)], ["murmur"], false),
    kind!("freeradius", [("_radiustls._tcp", 2083)], [], false),
    kind!("etcd", [("_etcd-client-ssl._tcp", 2379)], [], false),
    kind!("redis", [("_redis._tcp", 6379)], [], false),
    kind!("unbound", [("_domain-s._tcp", 853)], [], true),
];

/// Those that are alive to a TCP connect, and dead for their clients.
pub(crate) const BROKEN: &[Broken] = &[
    Broken {
        name: "no-auth",
        what: "dovecot without its auth process",
        services: &[("_imap._tcp", 143)],
        script: include_str!("servers/no-auth.sh"),
    },
    Broken {
        name: "no-backend",
        what: "HAProxy, the servers behind it dead",
        services: &[
            ("_imap._tcp", 143),
            ("_ssh._tcp", 22),
            ("_ldap._tcp", 389),
            ("_ipps._tcp", 631),
            ("_http._tcp", 80),
        ],
        script: include_str!("servers/no-backend.sh"),
    },
    Broken {
        name: "no-stream",
        what: "nginx as a proxy of streams, the server behind it dead",
        services: &[("_smtp._tcp", 25), ("_postgresql._tcp", 5432)],
        script: include_str!("servers/no-stream.sh"),
    },
];
