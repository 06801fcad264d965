# FreeRADIUS as Debian configures it, with RADIUS over TLS switched on, for clients that are not itself: it requires client
# certificates.
radius=$(echo /etc/freeradius/*)
ln -sf ../sites-available/tls "$radius/sites-enabled/tls"
sed -i 's#private_key_file = .*#private_key_file = /etc/ssl/private/ssl-cert-snakeoil.key#
    s#certificate_file = .*#certificate_file = /etc/ssl/certs/ssl-cert-snakeoil.pem#
    s#ca_file = .*#ca_file = /etc/ssl/certs/ssl-cert-snakeoil.pem#; s#^\(\s*\)dh_file#\1\#dh_file#' "$radius/sites-available/tls"
sed -i '/^clients radsec/,/^}/s/ipaddr = 127.0.0.1/ipaddr = 0.0.0.0\/0/' "$radius/sites-available/tls"
mkdir -p /run/freeradius
chown freerad: /run/freeradius
start() { freeradius -f; }
