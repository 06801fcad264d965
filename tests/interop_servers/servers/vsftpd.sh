# vsftpd as Debian configures it.
mkdir -p /run/vsftpd/empty
start() { vsftpd /etc/vsftpd.conf; }
