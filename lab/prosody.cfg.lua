-- An XMPP server of the domain in LAB_DOMAIN, for other servers only.
local home = os.getenv("LAB_HOME")
pidfile = home .. "/prosody.pid"
data_path = home
certificates = home
run_as_root = true
daemonize = false
plugin_paths = {}
modules_enabled = { "tls", "disco", "ping", "dialback", "s2s", "admin_shell" }
modules_disabled = { "c2s" }
log = { { levels = { min = "warn" }, to = "console" } }
http_ports = {}
https_ports = {}
s2s_ports = { 5269 }
s2s_secure_auth = false
authentication = "internal_hashed"
storage = "internal"
-- How long a connection to one host may take; the default is 20 s, for each host of an answer that was fetched before.
network_settings = { connect_timeout = 3 }
admin_socket = home .. "/prosody.sock"
ssl = { key = home .. "/key.pem", certificate = home .. "/cert.pem" }
VirtualHost(os.getenv("LAB_DOMAIN"))
