# MIT Kerberos as Debian configures it, with a new realm: the KDC and the server for passwords.
sed -i 's/default_realm = .*/default_realm = EXAMPLE.COM/' /etc/krb5.conf
[ -e /var/lib/krb5kdc/principal ] || kdb5_util create -s -P x -r EXAMPLE.COM >/dev/null
touch /etc/krb5kdc/kadm5.acl
start() {
    krb5kdc -n &
    kadmind -nofork &
    wait
}
