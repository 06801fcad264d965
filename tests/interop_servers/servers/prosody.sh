# Prosody as Debian configures it, with a virtual host.
echo 'VirtualHost "prosody.example.test"' >/etc/prosody/conf.d/example.cfg.lua
cp /etc/ssl/private/ssl-cert-snakeoil.key /etc/prosody/certs/prosody.example.test.key
cp /etc/ssl/certs/ssl-cert-snakeoil.pem /etc/prosody/certs/prosody.example.test.crt
chmod 644 /etc/prosody/certs/prosody.example.test.key
mkdir -p /run/prosody
chown prosody: /run/prosody
start() { as prosody prosody -F; }
