"""Two engines that run the pieces of compose.yaml: docker-compose, and network namespaces where no engine for containers is.

Both can start, kill, pause, partition and restore a piece, run a command in it, and follow what it prints.
"""

import os
import signal
import subprocess
import threading
import time

import yaml

LAB = os.path.dirname(os.path.abspath(__file__))


def pieces(profile):
    """Returns the services of compose.yaml that a profile starts: name → command and address."""
    with open(f"{LAB}/compose.yaml", encoding="utf-8") as file:
        services = yaml.safe_load(file)["services"]
    chosen = {}
    for name, service in services.items():
        if "profiles" not in service or profile in service["profiles"]:
            chosen[name] = {"command": service["command"], "address": service["networks"]["lab"]["ipv4_address"]}
    return chosen


class Compose:
    """Containers, by docker and docker-compose."""

    title = "containers"

    def __init__(self, profile):
        self.profile = profile
        self.pieces = pieces(profile)
        self.followers = []
        probe = subprocess.run(["docker", "compose", "version"], capture_output=True, check=False)
        self.compose = ["docker", "compose"] if probe.returncode == 0 else ["docker-compose"]

    def _compose(self, *words):
        subprocess.run([*self.compose, "-p", "lab", "-f", f"{LAB}/compose.yaml", "--profile", self.profile, *words], check=True)

    def _docker(self, *words, check=True):
        return subprocess.run(["docker", *words], check=check, capture_output=True, text=True)

    def _id(self, piece):
        named = self._docker("ps", "-aq", "--filter", "label=com.docker.compose.project=lab",
                             "--filter", f"label=com.docker.compose.service={piece}")
        return named.stdout.split()[0]

    def up(self):
        self._compose("up", "-d", "--no-build")
        self.ids = {piece: self._id(piece) for piece in self.pieces}
        networks = self._docker("network", "ls", "-q", "--filter", "label=com.docker.compose.project=lab")
        self.network = networks.stdout.split()[0]

    def down(self):
        self._compose("down", "-t", "1", "-v")
        for follower in self.followers:
            follower.wait(timeout=10)

    def follow(self, piece, line):
        """Gives each line that a piece prints to `line`, from now on and over its restarts."""
        follower = subprocess.Popen(["docker", "logs", "-f", "--tail", "0", self.ids[piece]], text=True,
                                    stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.followers.append(follower)
        threading.Thread(target=lambda: [line(text) for text in follower.stdout], daemon=True).start()

    def run(self, piece, *words):
        return self._docker("exec", self.ids[piece], "/srv/lab/start", *words, check=False)

    def kill(self, piece):
        self._docker("kill", self.ids[piece])

    def start(self, piece):
        self._docker("start", self.ids[piece])

    def pause(self, piece):
        self._docker("pause", self.ids[piece])

    def unpause(self, piece):
        self._docker("unpause", self.ids[piece])

    def partition(self, piece):
        self._docker("network", "disconnect", self.network, self.ids[piece])

    def rejoin(self, piece):
        self._docker("network", "connect", "--ip", self.pieces[piece]["address"], self.network, self.ids[piece])


class Namespaces:
    """Processes in namespaces of their own, on a bridge in one more: for machines without an engine. Needs root."""

    title = "network namespaces"

    def __init__(self, profile, program, logs=None):
        self.pieces = pieces(profile)
        self.logs = logs
        self.program = os.path.abspath(program)
        self.running = {}
        self.lines = {}
        self.hub = None

    def _inside(self, process, *words, check=True):
        return subprocess.run(["nsenter", "-t", str(process.pid), "-n", *words], check=check, capture_output=True, text=True)

    def up(self):
        self.hub = subprocess.Popen(["unshare", "--net", "--fork", "--kill-child", "sleep", "infinity"])
        self._wait_for_namespace(self.hub)
        self._inside(self.hub, "ip", "link", "add", "lab", "type", "bridge")
        self._inside(self.hub, "ip", "link", "set", "lab", "up")
        for piece in self.pieces:
            self.start(piece)

    @staticmethod
    def _wait_for_namespace(process):
        own = os.readlink("/proc/self/ns/net")
        while os.readlink(f"/proc/{process.pid}/ns/net") == own:
            time.sleep(0.02)

    def start(self, piece):
        """Starts a piece: private /run, /tmp and /srv, the lab at /srv/lab, its own processes and network."""
        command = self.pieces[piece]["command"]
        program = ["/run/understudy", *command] if piece == "understudy" else ["/srv/lab/start", *command]
        prepare = """
            read ready
            mount -t tmpfs lab /run && mkdir /run/lab && mount -t tmpfs lab /srv && mkdir /srv/lab
            mount --bind "$1" /srv/lab && mount --bind "$1/resolv.conf" /etc/resolv.conf
            touch /run/understudy && mount --bind "$2" /run/understudy && mount -t tmpfs lab /tmp
            shift 2
            STATE_DIRECTORY=/run/lab exec "$@" </dev/null
        """
        process = subprocess.Popen(
            ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc",
             "sh", "-c", prepare, "sh", LAB, self.program, *program],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self._wait_for_namespace(process)
        link = f"v{self.pieces[piece]['address'].rsplit('.', 1)[1]}"
        self._inside(process, "ip", "link", "set", "lo", "up")
        self._inside(self.hub, "ip", "link", "del", link, check=False)
        self._inside(self.hub, "ip", "link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", str(process.pid))
        self._inside(self.hub, "ip", "link", "set", link, "master", "lab", "up")
        self._inside(process, "ip", "addr", "add", f"{self.pieces[piece]['address']}/24", "dev", "eth0")
        self._inside(process, "ip", "link", "set", "eth0", "up")
        process.stdin.write("ready\n")
        process.stdin.close()
        self.running[piece] = process
        threading.Thread(target=self._pump, args=(piece, process), daemon=True).start()

    def _pump(self, piece, process):
        log = open(f"{self.logs}/{piece}.log", "a", encoding="utf-8") if self.logs else None
        for text in process.stdout:
            if log:
                print(text, end="", file=log, flush=True)
            for line in list(self.lines.get(piece, [])):
                line(text)

    def down(self):
        for process in [*self.running.values(), self.hub]:
            process.kill()
            process.wait()

    def follow(self, piece, line):
        self.lines.setdefault(piece, []).append(line)

    def _first(self, piece):
        """The first process of the piece's namespace, whose end is the end of all."""
        parent = self.running[piece].pid
        with open(f"/proc/{parent}/task/{parent}/children", encoding="ascii") as file:
            return int(file.read().split()[0])

    def run(self, piece, *words):
        enter = ["nsenter", "-t", str(self._first(piece)), "-n", "-m", "-p", "/srv/lab/start", *words]
        return subprocess.run(enter, check=False, capture_output=True, text=True)

    def _signal(self, piece, number):
        first = self._first(piece)
        space = os.readlink(f"/proc/{first}/ns/pid")
        for pid in [int(name) for name in os.listdir("/proc") if name.isdigit()]:
            try:
                if os.readlink(f"/proc/{pid}/ns/pid") == space:
                    os.kill(pid, number)
            except (FileNotFoundError, PermissionError, ProcessLookupError):
                pass

    def kill(self, piece):
        self.running[piece].kill()
        self.running[piece].wait()

    def pause(self, piece):
        self._signal(piece, signal.SIGSTOP)

    def unpause(self, piece):
        self._signal(piece, signal.SIGCONT)

    def _link(self, piece, state):
        self._inside(self.hub, "ip", "link", "set", f"v{self.pieces[piece]['address'].rsplit('.', 1)[1]}", state)

    def partition(self, piece):
        self._link(piece, "down")

    def rejoin(self, piece):
        self._link(piece, "up")
