# slapd as Debian configures it.
mkdir -p /run/slapd
chown openldap: /run/slapd
start() { slapd -d 0 -h 'ldap:/// ldaps:///' -u openldap -g openldap -F /etc/ldap/slapd.d; }
