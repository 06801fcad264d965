//! Every key of the config file, version 1: its section, its default, and what becomes of it.

/// One key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    /// Its name.
    pub name: &'static str,
    /// Its default as TOML; nothing if the key has none.
    pub default: Option<&'static str>,
    /// Whether it does something.
    pub status: Status,
}

/// Whether a key does something in this version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It does what it says.
    Works,
    /// Another value than the default is refused: leaving the feature out unsaid would do harm.
    Later,
}

const fn works(name: &'static str, default: &'static str) -> Key {
    Key { name, default: Some(default), status: Status::Works }
}

const fn bare(name: &'static str) -> Key {
    Key { name, default: None, status: Status::Works }
}

const fn later(name: &'static str) -> Key {
    Key { name, default: None, status: Status::Later }
}

const fn later_default(name: &'static str, default: &'static str) -> Key {
    Key { name, default: Some(default), status: Status::Later }
}

/// `[server]`
pub const SERVER: &[Key] = &[
    works("listen", r#"["127.0.0.1:5300", "[::1]:5300"]"#),
    bare("tls-listen"),
    bare("https-listen"),
    bare("quic-listen"),
    bare("certificate"),
    bare("key"),
    bare("cookie-secrets"),
    works("query-log", "0"),
    works("workers", r#""auto""#),
    works("minimal-responses", "false"),
    bare("nsid"),
    works("version", r#""none""#),
    works("udp-size", "1232"),
    works("tcp-limit", "1000"),
    works("tcp-limit-per-client", "20"),
    works("tcp-idle", r#""10s""#),
    works("strict-zones", "false"),
    bare("metrics-listen"),
];

/// `[state]`
pub const STATE: &[Key] = &[bare("dir"), works("max-age", r#""5m""#)];

/// The keys of `[health]` that a service or an address may set for itself.
pub const TARGET: &[Key] = &[
    works("interval", r#""5s""#),
    works("fast-interval", r#""1s""#),
    works("down-interval", r#""5s""#),
    works("confirm-interval", r#""250ms""#),
    works("timeout", r#""2s""#),
    works("fall", "3"),
    works("rise", "2"),
    works("watch", "true"),
    works("watch-renew", r#""4m""#),
    works("deep-interval", r#""30s""#),
    works("credentials-interval", r#""60s""#),
    works("verify", r#""name""#),
    bare("ca-file"),
];

/// The keys of `[health]` that hold for the whole server.
pub const PROBING: &[Key] = &[
    bare("allow"),
    works("deny", "[]"),
    works("resolver", r#""/etc/resolv.conf""#),
    works("references", "[]"),
    works("exec", "false"),
];

/// `[policy]`
pub const POLICY: &[Key] = &[
    works("ttl", "30"),
    works("unsettled-ttl", "5"),
    works("min-up", "1"),
    works("standby", r#""listed""#),
    works("failed", r#""withdraw""#),
    works("promote", r#""as-declared""#),
    works("all-down", r#""declared""#),
    works("failback", r#""auto""#),
    works("hold", r#""60s""#),
];

/// `[limits]`
pub const LIMITS: &[Key] = &[
    works("rrl-rate", "0"),
    works("rrl-slip", "2"),
    works("rrl-v4", "24"),
    works("rrl-v6", "56"),
    works("amplification", "true"),
    bare("allow-udp"),
    bare("allow-tcp"),
    bare("allow-tls"),
    bare("allow-https"),
    bare("allow-quic"),
];

/// `[[key]]`
pub const TSIG_KEY: &[Key] =
    &[later("name"), later_default("algorithm", r#""hmac-sha256""#), later("secret"), later("secret-file")];

/// `[[zone]]`
pub const ZONE: &[Key] = &[
    bare("name"),
    bare("file"),
    later("primaries"),
    later("tsig-key"),
    later("tls"),
    bare("allow-query"),
    later("allow-transfer"),
    later("also-notify"),
    later_default("notify", r#""explicit""#),
];

/// `[[service]]`, besides the keys of [`POLICY`] and [`TARGET`].
pub const SERVICE: &[Key] = &[bare("match"), bare("check")];

/// `[[address]]`, besides the keys of [`POLICY`] and [`TARGET`].
pub const ADDRESS: &[Key] = &[bare("name"), bare("follows"), bare("tiers"), bare("check")];

/// Each section, as it is written, with its keys.
pub const SECTIONS: &[(&str, &[&[Key]])] = &[
    ("[server]", &[SERVER]),
    ("[state]", &[STATE]),
    ("[health]", &[TARGET, PROBING]),
    ("[policy]", &[POLICY]),
    ("[limits]", &[LIMITS]),
    ("[[key]]", &[TSIG_KEY]),
    ("[[zone]]", &[ZONE]),
    ("[[service]]", &[SERVICE, POLICY, TARGET]),
    ("[[address]]", &[ADDRESS, POLICY, TARGET]),
];
