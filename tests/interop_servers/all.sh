#!/usr/bin/env bash
# Installs the servers from Debian, judges each in every state, and counts for an hour what they log of it; writes the
# tables of docs/real-servers.md and docs/allow-listing.md. As root, for about an hour and a quarter:
#
#     tests/interop_servers/all.sh [SECONDS]
set -euo pipefail
cd "$(dirname "$0")/../.."

packages=(
    coturn dovecot-imapd dovecot-managesieved dovecot-pop3d ejabberd etcd-server fail2ban freeradius haproxy inspircd
    iproute2 kamailio kamailio-tls-modules krb5-admin-server krb5-kdc libnginx-mod-stream mariadb-server mosquitto
    mumble-server nginx ngircd openssh-server openssl postfix postgresql prosody redis-server slapd ssl-cert unbound
    util-linux vsftpd
)
# No package may start a daemon here: each server starts on a host of its own.
if [ ! -e /usr/sbin/policy-rc.d ]; then
    printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
    chmod 755 /usr/sbin/policy-rc.d
    trap 'rm -f /usr/sbin/policy-rc.d' EXIT
fi
apt-get -qq update
DEBIAN_FRONTEND=noninteractive apt-get -qq install --no-install-recommends "${packages[@]}"

REAL_SERVERS=1 REAL_SERVERS_SECONDS=${1:-3600} UPDATE_DOCS=1 \
    cargo test --locked --features interop --test interop_servers -- --test-threads=1 --nocapture
