# Mumble's server as Debian configures it.
mkdir -p /run/mumble-server
chown mumble-server: /run/mumble-server
start() { as mumble-server murmurd -fg -ini /etc/mumble-server.ini; }
