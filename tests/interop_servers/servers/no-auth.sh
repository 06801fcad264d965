# dovecot whose process for authentication ends at once: it greets all the same.
printf 'service auth {\n  executable = /bin/false\n}\n' >/etc/dovecot/conf.d/99-broken.conf
start() { dovecot -F; }
