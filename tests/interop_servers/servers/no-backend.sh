# HAProxy before servers that are dead: nobody listens on the port behind it.
{
    for port in 143 22 389 631; do
        printf 'listen port%s\n    mode tcp\n    bind :%s\n    server one 127.0.0.1:1 check inter 200ms\n' "$port" "$port"
    done
    printf 'listen port80\n    mode http\n    bind :80\n    server one 127.0.0.1:1 check inter 200ms\n'
} >>/etc/haproxy/haproxy.cfg
mkdir -p /run/haproxy
start() { haproxy -db -f /etc/haproxy/haproxy.cfg; }
