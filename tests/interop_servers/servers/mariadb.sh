# MariaDB as Debian configures it, on all addresses.
mkdir -p /run/mysqld
chown mysql: /run/mysqld
start() { mariadbd --user=mysql --bind-address=0.0.0.0; }
