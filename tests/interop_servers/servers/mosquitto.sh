# Mosquitto as Debian configures it, with a listener for others than itself.
echo 'listener 1883' >/etc/mosquitto/conf.d/listener.conf
mkdir -p /run/mosquitto
chown mosquitto: /run/mosquitto
start() { mosquitto -c /etc/mosquitto/mosquitto.conf; }
