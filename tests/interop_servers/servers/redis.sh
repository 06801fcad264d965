# Redis as Debian configures it, on all addresses.
mkdir -p /run/redis
chown redis: /run/redis
start() { as redis redis-server /etc/redis/redis.conf --daemonize no --supervised no --bind 0.0.0.0 --protected-mode no; }
