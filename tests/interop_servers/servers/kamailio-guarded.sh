# Kamailio as Debian configures it, with its flood guard switched on and forty domains, which one certificate bears.
{
    printf '#!define WITH_TLS\n#!define WITH_ANTIFLOOD\n'
    printf 'alias="d%s.kamailio-guarded.example.test"\n' $(seq -w 0 39)
} >/etc/kamailio/kamailio-local.cfg
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650 -subj "/CN=kamailio-guarded" \
    -addext "subjectAltName=DNS:*.kamailio-guarded.example.test" \
    -keyout /etc/kamailio/kamailio-selfsigned.key -out /etc/kamailio/kamailio-selfsigned.pem 2>/dev/null
chmod 644 /etc/kamailio/kamailio-selfsigned.key
mkdir -p /run/kamailio
chown kamailio: /run/kamailio
start() { kamailio -DD -f /etc/kamailio/kamailio.cfg -P /run/kamailio/kamailio.pid -m 64 -M 8 -u kamailio -g kamailio; }
