# Kamailio as Debian configures it, with its domain and TLS switched on.
grep -q 'kamailio.example.test' /etc/kamailio/kamailio.cfg ||
    sed -i '1a #!define WITH_TLS\nalias="kamailio.example.test"' /etc/kamailio/kamailio.cfg
cp /etc/ssl/private/ssl-cert-snakeoil.key /etc/kamailio/kamailio-selfsigned.key
cp /etc/ssl/certs/ssl-cert-snakeoil.pem /etc/kamailio/kamailio-selfsigned.pem
chmod 644 /etc/kamailio/kamailio-selfsigned.key
mkdir -p /run/kamailio
chown kamailio: /run/kamailio
start() { kamailio -DD -f /etc/kamailio/kamailio.cfg -P /run/kamailio/kamailio.pid -m 64 -M 8 -u kamailio -g kamailio; }
