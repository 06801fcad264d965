//! The servers of the table, one row each: how it is set up as Debian has it, and which service it gives.

use std::net::Ipv4Addr;

use crate::foreign::{Foreign, run, text};
use crate::mock::Mock;
use crate::server::Folder;

/// A server of the table.
pub(crate) struct Kind {
    /// What it is called there.
    pub(crate) name: &'static str,
    /// The labels of its service.
    pub(crate) label: &'static str,
    /// Where it listens.
    pub(crate) port: u16,
    /// Whether the lines of its log can be counted.
    pub(crate) reads_own_log: bool,
    /// Starts it.
    pub(crate) start: fn(&Folder, Ipv4Addr) -> Foreign,
}

impl Kind {
    /// The owner name of its service, below a name of its own.
    pub(crate) fn owner(&self, number: usize) -> String {
        format!("{}.n{number}", self.label)
    }
}

const fn kind(name: &'static str, label: &'static str, port: u16, start: fn(&Folder, Ipv4Addr) -> Foreign) -> Kind {
    Kind { name, label, port, reads_own_log: true, start }
}

/// Those that are well in the beginning.
pub(crate) const WELL: &[Kind] = &[
    kind("dovecot", "_imap._tcp", 143, |folder, address| dovecot(folder, address, true)),
    kind("dovecot", "_pop3._tcp", 110, |folder, address| dovecot(folder, address, true)),
    kind("dovecot", "_sieve._tcp", 4190, |folder, address| dovecot(folder, address, true)),
    kind("postfix", "_smtp._tcp", 25, postfix),
    // It logs to syslog.
    Kind { reads_own_log: false, ..kind("pure-ftpd", "_ftp._tcp", 21, pure_ftpd) },
    kind("openssh", "_ssh._tcp", 22, sshd),
    kind("ngircd", "_irc._tcp", 6667, ngircd),
    kind("inspircd", "_irc._tcp", 6667, inspircd),
    kind("slapd", "_ldap._tcp", 389, slapd),
    kind("krb5kdc", "_kerberos._udp", 88, krb5kdc),
    kind("krb5kdc", "_kerberos._tcp", 88, krb5kdc),
    kind("kadmind", "_kpasswd._udp", 464, kadmind),
    kind("kadmind", "_kpasswd._tcp", 464, kadmind),
    kind("mosquitto", "_mqtt._tcp", 1883, mosquitto),
    kind("mariadb", "_mysql._tcp", 3306, mariadb),
    kind("postgresql", "_postgresql._tcp", 5432, postgresql),
    kind("mumble", "_mumble._tcp", 64_738, mumble),
    Kind {
        reads_own_log: false,
        ..kind("minecraft (a mock)", "_minecraft._tcp", 25_565, |_, address| Foreign::Mock(Mock::minecraft(address)))
    },
];

/// Those that are alive to a TCP connect, and dead for their clients.
pub(crate) const BROKEN: &[Kind] = &[
    kind("dovecot without its auth process", "_imap._tcp", 143, |folder, address| dovecot(folder, address, false)),
    kind("haproxy, the IMAP server behind it dead", "_imap._tcp", 143, |folder, address| haproxy(folder, address, 143)),
    kind("haproxy, the SSH server behind it dead", "_ssh._tcp", 22, |folder, address| haproxy(folder, address, 22)),
    kind("haproxy, the LDAP server behind it dead", "_ldap._tcp", 389, |folder, address| haproxy(folder, address, 389)),
    kind("haproxy, the TLS server behind it dead", "_ipps._tcp", 631, |folder, address| haproxy(folder, address, 631)),
];

fn dovecot(folder: &Folder, address: Ipv4Addr, has_auth: bool) -> Foreign {
    let log = folder.path("log");
    let auth = if has_auth { "" } else { "service auth {\n  executable = /bin/false\n}\n" };
    let config = format!(
        "base_dir = {}\nlog_path = {}\nprotocols = imap pop3 sieve\nlisten = {address}\nssl = no\n\
         passdb {{\n  driver = static\n  args = password=x\n}}\n\
         userdb {{\n  driver = static\n  args = uid=nobody gid=nogroup home=/nonexistent\n}}\n\
         service managesieve-login {{\n  inet_listener sieve {{\n    port = 4190\n  }}\n}}\n{auth}",
        text(&folder.path("run")),
        text(&log),
    );
    open(folder);
    let config = folder.write("dovecot.conf", config);
    Foreign::start("dovecot-imapd", "dovecot", &["-F", "-c", &text(&config)], folder).logging(log)
}

fn postfix(folder: &Folder, address: Ipv4Addr) -> Foreign {
    let log = folder.path("log");
    for name in ["queue", "data"] {
        std::fs::create_dir_all(folder.path(name)).unwrap();
    }
    open(folder);
    own(&folder.path("data"), "postfix");
    std::fs::create_dir_all(folder.path("conf")).unwrap();
    folder.write(
        "conf/main.cf",
        format!(
            "compatibility_level = 3.6\nqueue_directory = {}\ndata_directory = {}\ninet_interfaces = loopback-only\n\
             inet_protocols = ipv4\nmyhostname = mail.example.test\nmydestination =\nmaillog_file = {}\n\
             maillog_file_prefixes = /tmp, /var\nalias_maps =\nalias_database =\n",
            text(&folder.path("queue")),
            text(&folder.path("data")),
            text(&log),
        ),
    );
    let services = "pickup unix n - n 60 1 pickup\ncleanup unix n - n - 0 cleanup\n\
        qmgr unix n - n 300 1 qmgr\nrewrite unix - - n - - trivial-rewrite\nbounce unix - - n - 0 bounce\n\
        defer unix - - n - 0 bounce\ntrace unix - - n - 0 bounce\nverify unix - - n - 1 verify\n\
        flush unix n - n 1000? 0 flush\nproxymap unix - - n - - proxymap\nproxywrite unix - - n - 1 proxymap\n\
        smtp unix - - n - - smtp\nrelay unix - - n - - smtp\nshowq unix n - n - - showq\nerror unix - - n - - error\n\
        retry unix - - n - - error\ndiscard unix - - n - - discard\nlocal unix - n n - - local\n\
        virtual unix - n n - - virtual\nlmtp unix - - n - - lmtp\nanvil unix - - n - 1 anvil\n\
        scache unix - - n - 1 scache\npostlog unix-dgram n - n - 1 postlogd\n";
    folder.write("conf/master.cf", format!("{address}:25 inet n - n - - smtpd\n{services}"));
    for file in ["postfix-files", "dynamicmaps.cf"] {
        std::fs::copy(format!("/etc/postfix/{file}"), folder.path("conf").join(file)).unwrap();
    }
    let conf = text(&folder.path("conf"));
    Foreign::start("postfix", "postfix", &["-c", &conf, "start-fg"], folder).logging(log)
}

fn pure_ftpd(folder: &Folder, address: Ipv4Addr) -> Foreign {
    Foreign::start("pure-ftpd", "pure-ftpd", &["-S", &format!("{address},21")], folder)
}

fn sshd(folder: &Folder, address: Ipv4Addr) -> Foreign {
    let (key, log) = (folder.path("key"), folder.path("log"));
    if !key.exists() {
        run("openssh-client", "ssh-keygen", &["-q", "-t", "ed25519", "-N", "", "-f", &text(&key)], &[]);
    }
    std::fs::create_dir_all("/run/sshd").unwrap();
    let config = format!("ListenAddress {address}\nPort 22\nHostKey {}\nPidFile none\n", text(&key));
    let config = folder.write("sshd_config", config);
    let arguments = ["-D", "-f", &text(&config), "-E", &text(&log)];
    Foreign::start("openssh-server", "/usr/sbin/sshd", &arguments, folder).logging(log)
}

fn ngircd(folder: &Folder, address: Ipv4Addr) -> Foreign {
    let config = format!(
        "[Global]\nName = irc.example.test\nAdminInfo1 = x\nInfo = x\nListen = {address}\nPorts = 6667\n[Options]\nPAM = no\n"
    );
    let config = folder.write("ngircd.conf", config);
    Foreign::start("ngircd", "ngircd", &["-n", "-f", &text(&config)], folder)
}

fn inspircd(folder: &Folder, address: Ipv4Addr) -> Foreign {
    open(folder);
    let config = format!(
        "<server name=\"irc.example.test\" description=\"x\" network=\"x\">\n<admin name=\"x\" nick=\"x\" email=\"x\">\n\
         <bind address=\"{address}\" port=\"6667\" type=\"clients\">\n<power diepass=\"x\" restartpass=\"y\">\n\
         <connect allow=\"*\" timeout=\"60\" localmax=\"3\" globalmax=\"3\">\n<pid file=\"{}\">\n\
         <log method=\"file\" type=\"* -USERINPUT -USEROUTPUT\" level=\"default\" target=\"{}\">\n",
        text(&folder.path("pid")),
        text(&folder.path("log")),
    );
    let config = folder.write("inspircd.conf", config);
    let config = format!("--config={}", text(&config));
    let foreign = Foreign::start("inspircd", "inspircd", &["--nofork", "--runasroot", &config], folder);
    foreign.logging(folder.path("log"))
}

fn slapd(folder: &Folder, address: Ipv4Addr) -> Foreign {
    let config = folder.write("slapd.conf", "include /etc/ldap/schema/core.schema\ndatabase monitor\n");
    let url = format!("ldap://{address}");
    Foreign::start("slapd", "slapd", &["-d", "256", "-h", &url, "-f", &text(&config)], folder)
}

/// Makes a realm once, and returns the variables that name it.
fn realm(folder: &Folder, address: Ipv4Addr) -> [(&'static str, String); 2] {
    let logs = ["kdc", "admin_server"].map(|part| format!(" {part} = FILE:{}\n", text(&folder.path("log"))));
    let client = format!(
        "[libdefaults]\n default_realm = N.EXAMPLE.TEST\n[realms]\n N.EXAMPLE.TEST = {{\n }}\n[logging]\n{}",
        logs.concat()
    );
    let client = folder.write("krb5.conf", client);
    let file = |name: &str| text(&folder.path(name));
    let kdc = format!(
        "[kdcdefaults]\n kdc_listen = {address}:88\n kdc_tcp_listen = {address}:88\n[realms]\n N.EXAMPLE.TEST = {{\n  \
         database_name = {}\n  acl_file = {}\n  key_stash_file = {}\n  kpasswd_listen = {address}:464\n  \
         kadmind_listen = {address}:749\n }}\n",
        file("principal"),
        file("acl"),
        file("stash"),
    );
    let kdc = folder.write("kdc.conf", kdc);
    folder.write("acl", "");
    let variables = [("KRB5_CONFIG", text(&client)), ("KRB5_KDC_PROFILE", text(&kdc))];
    if !folder.path("principal").exists() {
        let variables = variables.each_ref().map(|(name, value)| (*name, value.as_str()));
        run("krb5-admin-server", "kdb5_util", &["create", "-s", "-P", "x", "-r", "N.EXAMPLE.TEST"], &variables);
    }
    variables
}

fn krb5kdc(folder: &Folder, address: Ipv4Addr) -> Foreign {
    let variables = realm(folder, address);
    let variables = variables.each_ref().map(|(name, value)| (*name, value.as_str()));
    Foreign::start_with("krb5-kdc", "krb5kdc", &["-n"], &variables, folder).logging(folder.path("log"))
}

fn kadmind(folder: &Folder, address: Ipv4Addr) -> Foreign {
    let variables = realm(folder, address);
    let variables = variables.each_ref().map(|(name, value)| (*name, value.as_str()));
    let foreign = Foreign::start_with("krb5-admin-server", "kadmind", &["-nofork"], &variables, folder);
    foreign.logging(folder.path("log"))
}

fn mosquitto(folder: &Folder, address: Ipv4Addr) -> Foreign {
    let config = format!("listener 1883 {address}\nallow_anonymous false\nuser root\n");
    let config = folder.write("mosquitto.conf", config);
    Foreign::start("mosquitto", "mosquitto", &["-c", &text(&config)], folder)
}

fn mariadb(folder: &Folder, address: Ipv4Addr) -> Foreign {
    let data = folder.path("data");
    open(folder);
    let data_option = format!("--datadir={}", text(&data));
    if !data.exists() {
        run("mariadb-server", "mariadb-install-db", &["--no-defaults", "--user=mysql", &data_option], &[]);
    }
    let arguments = [
        "--no-defaults".to_owned(),
        "--user=mysql".to_owned(),
        data_option,
        format!("--socket={}", text(&data.join("socket"))),
        format!("--pid-file={}", text(&data.join("pid"))),
        format!("--bind-address={address}"),
        "--port=3306".to_owned(),
    ];
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    Foreign::start("mariadb-server", "mariadbd", &arguments, folder)
}

fn postgresql(folder: &Folder, address: Ipv4Addr) -> Foreign {
    let versions = std::fs::read_dir("/usr/lib/postgresql");
    let versions = versions.unwrap_or_else(|error| panic!("initdb of Debian's package postgresql: {error}"));
    let programs = versions.last().unwrap().unwrap().path().join("bin");
    let [initdb, postgres] = ["initdb", "postgres"].map(|name| text(&programs.join(name)));
    let (data, folder_text) = (folder.path("data"), text(&folder.path("data")));
    open(folder);
    let as_postgres = ["--reuid=postgres", "--regid=postgres", "--clear-groups"];
    if !data.exists() {
        std::fs::create_dir_all(&data).unwrap();
        own(&data, "postgres");
        let initdb = [initdb.as_str(), "-A", "trust", "-D", &folder_text];
        run("postgresql", "setpriv", &[&as_postgres[..], &initdb[..]].concat(), &[]);
    }
    let (listen, sockets) = (format!("listen_addresses={address}"), format!("unix_socket_directories={folder_text}"));
    let server = [postgres.as_str(), "-D", &folder_text, "-c", &listen, "-c", &sockets];
    Foreign::start("postgresql", "setpriv", &[&as_postgres[..], &server[..]].concat(), folder)
}

fn mumble(folder: &Folder, address: Ipv4Addr) -> Foreign {
    open(folder);
    let config = format!(
        "database={}\nhost={address}\nport=64738\nlogfile=\npidfile={}\nbonjour=false\n",
        text(&folder.path("mumble.sqlite")),
        text(&folder.path("pid")),
    );
    let config = folder.write("mumble.ini", config);
    Foreign::start("mumble-server", "murmurd", &["-fg", "-ini", &text(&config)], folder)
}

/// A balancer whose server is dead: nobody listens on the port behind it.
fn haproxy(folder: &Folder, address: Ipv4Addr, port: u16) -> Foreign {
    let config = format!(
        "defaults\n  mode tcp\n  timeout connect 1s\n  timeout client 60s\n  timeout server 60s\n\
         listen service\n  bind {address}:{port}\n  server one {address}:1 check inter 200ms\n",
    );
    let config = folder.write("haproxy.cfg", config);
    Foreign::start("haproxy", "haproxy", &["-db", "-f", &text(&config)], folder)
}

/// Lets every user into a folder: whoever the server runs as.
fn open(folder: &Folder) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(folder.path(""), std::fs::Permissions::from_mode(0o777)).unwrap();
}

fn own(path: &std::path::Path, user: &str) {
    run("coreutils", "chown", &[user, &text(path)], &[]);
}
