# dovecot as Debian configures it.
start() { dovecot -F; }
