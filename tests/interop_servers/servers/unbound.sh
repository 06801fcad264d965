# Unbound as Debian configures it, with DNS over TLS.
cat >/etc/unbound/unbound.conf.d/tls.conf <<END
server:
    interface: 0.0.0.0@853
    tls-service-key: /etc/ssl/private/ssl-cert-snakeoil.key
    tls-service-pem: /etc/ssl/certs/ssl-cert-snakeoil.pem
    chroot: ""
END
rm -f /etc/unbound/unbound.conf.d/*auto-trust*
start() { unbound -d -p; }
