#!/usr/bin/env python3
"""Measures how soon a failover shows, at rest and under load while 1,000 verdicts flip a second.

    benches/peers/failover.py [--understudy PROGRAM] [--seconds 20] [--load 0.8]

The server has one thread for UDP and both processors. First dnsperf measures its highest rate. Then a service goes down and up
by a reported state (`POST /v1/push`, for which nothing is tested): the wait is from the acknowledgement of the report to the
first answer that differs, asked every millisecond. That is done at rest, and again while dnsperf asks at `--load` of the highest
rate and fifty other reports a second flip twenty targets each. Printed are the waits, and how many queries were lost.

Build before: cargo build --profile dist
"""

import argparse
import http.client
import json
import os
import re
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import threading
import time

HOUSE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PORT = 5931
GROUPS, SERVICES = 50, 500
#: A group's two states in turn.
STATES = ("down", "up")


class Unix(http.client.HTTPConnection):
    """A connection to the socket of the API."""

    def __init__(self, path):
        super().__init__("localhost", timeout=30)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)

    def push(self, name, state):
        self.request("POST", f"/v1/push/{name}", json.dumps({"state": state}), {"Content-Type": "application/json"})
        response = self.getresponse()
        body = response.read()
        if response.status >= 300:
            raise RuntimeError(f"{name} {state}: {response.status} {body[:300]}")


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def files(folder):
    zone = ["$ORIGIN example.com.\n$TTL 60\n@ SOA ns1 host 1 1h 15m 2w 5m\n@ NS ns1\nns1 A 127.0.0.53\n"]
    services = []
    for number in range(SERVICES + 1):
        owner, name = (f"_sip._tcp.s{number}", f"group{number % GROUPS}") if number < SERVICES else ("_sip._tcp.watched", "watched")
        for host in range(2):
            zone.append(f"{owner} SRV {10 + 10 * host} 1 5060 h{host}.s{number}\n"
                        f"h{host}.s{number} A 127.{host + 1}.{number >> 8}.{number & 255}\n")
        services.append(f'[[service]]\nmatch = "{owner}.example.com"\nall-down = "closed"\n'
                        f'check = {{ kind = "push", name = "{name}" }}\n')
    write(f"{folder}/zone", "".join(zone))
    write(f"{folder}/queries", "".join(f"_sip._tcp.s{number}.example.com SRV\n" for number in range(SERVICES)))
    return write(f"{folder}/understudy.toml", f"""version = 1
[server]
listen = ["127.0.0.1:{PORT}"]
workers = 1
admin-socket = "{folder}/admin.sock"
[[zone]]
name = "example.com"
file = "{folder}/zone"
""" + "".join(services))


def packet(number):
    name = b"".join(bytes([len(label)]) + label for label in b"_sip._tcp.watched.example.com".split(b"."))
    return struct.pack(">HHHHHH", number, 0x0100, 1, 0, 0, 0) + name + b"\0" + struct.pack(">HH", 33, 1)


def is_closed(client, number):
    """Asks the watched service; whether it is closed, nothing if no answer came."""
    client.send(packet(number))
    try:
        while True:
            answer = client.recv(4096)
            if answer[:2] == struct.pack(">H", number):
                # Only `0 0 0 .` is an answer without a host.
                return answer.endswith(b"\0\x07\0\0\0\0\0\0\0")
    except OSError:
        return None


def waits(path, seconds):
    """Flips the watched service again and again; the milliseconds until each flip showed, and how many answers were missed."""
    api, found, missed, number = Unix(path), [], 0, 0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(1)
        client.connect(("127.0.0.1", PORT))
        end, turn = time.monotonic() + seconds, 0
        while time.monotonic() < end:
            state = STATES[turn % 2]
            turn += 1
            api.push("watched", state)
            begin = time.monotonic()
            while True:
                number = (number + 1) % 65_536
                closed = is_closed(client, number)
                missed += closed is None
                if closed == (state == "down"):
                    found.append((time.monotonic() - begin) * 1000)
                    break
                if time.monotonic() - begin > 10:
                    sys.exit("a flip does not show within 10 s")
                time.sleep(0.001)
            time.sleep(0.15)
    return sorted(found), missed


def flip_others(path, until, counted):
    api, turn, begin = Unix(path), 0, time.monotonic()
    while not until.is_set():
        api.push(f"group{turn % GROUPS}", STATES[turn // GROUPS % 2])
        turn += 1
        until.wait(max(0.0, begin + turn / 50 - time.monotonic()))
    counted.append(turn * 2 * SERVICES // GROUPS / (time.monotonic() - begin))


def dnsperf(folder, seconds, rate=None):
    limit = ["-Q", str(rate)] if rate else []
    command = ["dnsperf", "-s", "127.0.0.1", "-p", str(PORT), "-d", f"{folder}/queries", "-c", "16", "-q", "512", "-e",
               "-l", str(seconds), *limit]
    run = subprocess.run(command, capture_output=True, text=True, check=False)

    def told(pattern):
        found = re.search(pattern, run.stdout)
        return float(found[1]) if found else 0.0
    return told(r"Queries per second:\s+([\d.]+)"), told(r"Queries lost:\s+(\d+)"), told(r"Queries completed:\s+(\d+)")


def tell(title, found, missed):
    at = lambda share: found[min(len(found) * share // 100, len(found) - 1)]
    print(f"{title}: {len(found)} flips, median {statistics.median(found):.1f} ms, p99 {at(99):.1f} ms, "
          f"at most {found[-1]:.1f} ms; {missed} answers missed", flush=True)


def main():
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--understudy", default=f"{HOUSE}/target/dist/understudy")
    words.add_argument("--seconds", type=float, default=20)
    words.add_argument("--load", type=float, default=0.8, help="of the highest rate")
    arguments = words.parse_args()
    with tempfile.TemporaryDirectory(prefix="understudy-failover-") as folder:
        with open(f"{folder}/log", "wb") as log:
            server = subprocess.Popen([arguments.understudy, "serve", "--state", "none", files(folder)], stdout=log, stderr=log)
        try:
            path = f"{folder}/admin.sock"
            while not os.path.exists(path):
                if server.poll() is not None:
                    sys.exit(open(f"{folder}/log", errors="replace").read()[-2000:])
                time.sleep(0.05)
            api = Unix(path)
            for name in [f"group{number}" for number in range(GROUPS)] + ["watched"]:
                api.push(name, "up")
            time.sleep(1)
            highest, lost, _ = dnsperf(folder, 5)
            print(f"highest rate {highest:,.0f} a second, {lost:.0f} lost", flush=True)
            tell("at rest", *waits(path, arguments.seconds))
            until, counted, load = threading.Event(), [], []
            others = threading.Thread(target=flip_others, args=(path, until, counted))
            asking = threading.Thread(target=lambda: load.append(
                dnsperf(folder, arguments.seconds + 2, int(highest * arguments.load))))
            others.start()
            asking.start()
            time.sleep(1)
            found = waits(path, arguments.seconds)
            until.set()
            others.join()
            asking.join()
            tell(f"at {load[0][0]:,.0f} queries and {counted[0]:,.0f} flips a second", *found)
            print(f"of {load[0][2]:,.0f} queries {load[0][1]:.0f} lost")
        finally:
            server.terminate()
            server.wait(10)


main()
