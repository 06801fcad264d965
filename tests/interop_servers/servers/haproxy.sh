# HAProxy as Debian configures it, with a frontend for TLS whose servers answer.
cat /etc/ssl/private/ssl-cert-snakeoil.key /etc/ssl/certs/ssl-cert-snakeoil.pem >/etc/haproxy/pair.pem
mkdir -p /run/haproxy
grep -q '^frontend web' /etc/haproxy/haproxy.cfg || cat >>/etc/haproxy/haproxy.cfg <<END
frontend web
    bind :443 ssl crt /etc/haproxy/pair.pem
    http-request return status 200 content-type text/plain string well
END
start() { haproxy -db -f /etc/haproxy/haproxy.cfg; }
