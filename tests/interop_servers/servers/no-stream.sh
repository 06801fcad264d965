# nginx that passes streams on to a port where nobody listens; with Debian's package libnginx-mod-stream.
cat >/etc/nginx/modules-enabled/99-broken.conf <<END
stream {
    server { listen 25; proxy_pass 127.0.0.1:1; }
    server { listen 5432; proxy_pass 127.0.0.1:1; }
}
END
start() { nginx -g 'daemon off;'; }
