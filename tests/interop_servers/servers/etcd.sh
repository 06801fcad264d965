# etcd, serving its clients in TLS.
mkdir -p /var/lib/etcd/data
start() {
    etcd --data-dir /var/lib/etcd/data --listen-client-urls https://0.0.0.0:2379 --advertise-client-urls https://localhost:2379 \
        --cert-file /etc/ssl/certs/ssl-cert-snakeoil.pem --key-file /etc/ssl/private/ssl-cert-snakeoil.key
}
