# A host of its own for a server: a network namespace joined to the hub's bridge, and a private, writable copy of /etc,
# /var, /run and /dev, so that what Debian installed runs as it is and nothing of it is changed.
# Arguments: folder, process that holds the hub's namespace, name of the link, address, the server's name.
# Prints "ready" and lives until its input ends.
set -e
folder=$1 hub=$2 link=$3 address=$4 name=$5
private=$folder/private
mkdir -p "$private"
mount -t tmpfs none "$private"
for place in etc var run; do
    mkdir "$private/$place" "$private/$place.work"
    mount -t overlay -o "lowerdir=/$place,upperdir=$private/$place,workdir=$private/$place.work" none "/$place"
done

mkdir -p "$private/dev/pts" "$private/dev/shm"
chmod 1777 "$private/dev/shm"
for node in null zero full random urandom tty; do
    touch "$private/dev/$node"
    mount --bind "/dev/$node" "$private/dev/$node"
done
ln -s /proc/self/fd "$private/dev/fd"
ln -s "$folder/syslog" "$private/dev/log"
mount --rbind "$private/dev" /dev

# The certificate that Debian's packages share, for the names of this host and of its domain.
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650 -subj "/CN=node.$name.example.test" \
    -addext "subjectAltName=DNS:node.$name.example.test,DNS:$name.example.test" \
    -keyout /etc/ssl/private/ssl-cert-snakeoil.key -out /etc/ssl/certs/ssl-cert-snakeoil.pem 2>/dev/null
chgrp ssl-cert /etc/ssl/private /etc/ssl/private/ssl-cert-snakeoil.key
chmod 750 /etc/ssl/private
chmod 640 /etc/ssl/private/ssl-cert-snakeoil.key
echo "127.0.0.1 localhost" >/etc/hosts
echo "$address node.$name.example.test $(hostname)" >>/etc/hosts
: >/etc/resolv.conf

ip link set lo up
ip link add name link0 type veth peer name "$link" netns "$hub"
ip address add "$address/16" dev link0
ip link set link0 up
nsenter --target "$hub" --net ip link set "$link" master hub up
echo ready
exec cat
