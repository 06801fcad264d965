# ngircd as Debian configures it.
mkdir -p /run/ngircd
chown irc: /run/ngircd
start() { ngircd --nodaemon; }
