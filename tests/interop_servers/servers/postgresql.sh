# PostgreSQL as Debian configures it, on all addresses.
mkdir -p /run/postgresql
chown postgres: /run/postgresql
version=$(ls /usr/lib/postgresql | tail -n 1)
rm -f "/var/lib/postgresql/$version/main/postmaster.pid"
start() {
    as postgres "/usr/lib/postgresql/$version/bin/postgres" -D "/var/lib/postgresql/$version/main" \
        -c "config_file=/etc/postgresql/$version/main/postgresql.conf" -c listen_addresses=0.0.0.0
}
