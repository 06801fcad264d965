# Starts a server within its host; behind this stands the server's own script, which defines `start`.
set -e
as() { user=$1; shift; setpriv --reuid="$user" --regid="$(id -gn "$user")" --init-groups "$@"; }
