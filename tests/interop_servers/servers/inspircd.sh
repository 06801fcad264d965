# InspIRCd as Debian configures it, on all addresses.
sed -i 's/bind address="127.0.0.1"/bind address="*"/' /etc/inspircd/inspircd.conf
mkdir -p /run/inspircd
chown -R irc: /run/inspircd /etc/inspircd
start() { as irc inspircd --nofork --nopid --config=/etc/inspircd/inspircd.conf; }
