# ejabberd as Debian configures it, with its domain; its own script, which insists on systemd, is left out.
sed -i 's/^  - localhost/  - ejabberd.example.test/' /etc/ejabberd/ejabberd.yml
cat /etc/ssl/private/ssl-cert-snakeoil.key /etc/ssl/certs/ssl-cert-snakeoil.pem >/etc/ejabberd/ejabberd.pem
chown -R ejabberd: /etc/ejabberd /var/lib/ejabberd /var/log/ejabberd
export HOME=/var/lib/ejabberd EJABBERD_CONFIG_PATH=/etc/ejabberd/ejabberd.yml
export EJABBERD_LOG_PATH=/var/log/ejabberd/ejabberd.log ERL_LIBS="$(ls -d /usr/lib/*/ejabberd-* | head -n 1 | xargs dirname)"
start() { as ejabberd erl -noinput -mnesia dir '"/var/lib/ejabberd/new"' -s ejabberd; }
