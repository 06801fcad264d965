# postfix as Debian configures it.
start() { postfix start-fg; }
