# coturn as Debian configures it, with long-term credentials.
start() { as turnserver turnserver -c /etc/turnserver.conf --lt-cred-mech --realm=coturn.example.test --user=a:b --pidfile=; }
