"""Servers and connections to them, for ci/bench."""
import contextlib
import ctypes
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

LIBC = ctypes.CDLL(None)
PR_SET_PDEATHSIG = 1
CLOCK_TICKS = os.sysconf("SC_CLK_TCK")


def fail(message):
    sys.exit("ci/bench: " + message)


def die_with_parent():
    """In a child before it becomes another program: it shall not outlive this one, however this one ends."""
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def encode(*args):
    parts = [a if isinstance(a, bytes) else str(a).encode() for a in args]
    return b"".join([b"*%d\r\n" % len(parts)] + [b"$%d\r\n%s\r\n" % (len(p), p) for p in parts])


class Client:
    """A blocking RESP2 connection."""
    END = b"the end of all replies"

    def __init__(self, address):
        self.socket = socket.create_connection((address, 6379))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.file = self.socket.makefile("rb")

    def read(self):
        line = self.file.readline()
        if not line:
            raise ConnectionError("closed by the server")
        kind, rest = line[:1], line[1:-2]
        if kind == b"$":
            return None if rest == b"-1" else self.file.read(int(rest) + 2)[:-2]
        if kind == b"*":
            return [self.read() for _ in range(int(rest))]
        return int(rest) if kind == b":" else line[:-2]

    def ask(self, *args):
        self.socket.sendall(encode(*args))
        return self.read()

    def pipeline(self, requests):
        requests = list(requests)
        self.socket.sendall(b"".join(requests))
        return [self.read() for _ in requests]

    def drain(self, requests):
        """Sends them and reads past all replies."""
        self.socket.sendall(requests + encode("ECHO", self.END))
        tail = b""
        while not tail.endswith(self.END + b"\r\n"):
            tail = (tail + self.socket.recv(1 << 20))[-64:]

    def info(self, section):
        text = self.ask("INFO", section).decode()
        return dict(line.split(":", 1) for line in text.splitlines() if ":" in line)


def process_cpu_s(pid):
    """User and system time of a process and its ended children (the child that writes a snapshot)."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return sum(int(field) for field in fields[11:15]) / CLOCK_TICKS


def process_peak_bytes(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return int(re.search(r"VmHWM:\s+(\d+)", file.read()).group(1)) * 1024


class Server:
    def __init__(self, bench, address, **config):
        self.address = address
        self.directory = tempfile.mkdtemp(dir=bench.directory, prefix=address + "-")
        options = {"bind": address, "port": 6379, "dir": self.directory, "save": "", "appendonly": "no",
                   "repl-diskless-sync-delay": 0, "repl-backlog-size": "64mb", **config}
        args = [word for name, value in options.items() for word in ("--" + name.replace("_", "-"), str(value))]
        with open(os.path.join(self.directory, "log"), "wb") as log:
            self.process = subprocess.Popen([bench.args.server, *args], stdout=log, stderr=log,
                                            preexec_fn=die_with_parent)
        bench.children.append(self.process)
        wait_for(self._answers, 30, f"{address} does not answer")
        self.client = Client(address)

    def _answers(self):
        with contextlib.suppress(OSError):
            return Client(self.address).ask("PING") == b"+PONG"
        return False

    def cpu_s(self):
        return process_cpu_s(self.process.pid)

    def stop(self):
        self.process.kill()
        self.process.wait()
        shutil.rmtree(self.directory, ignore_errors=True)


def wait_for(condition, limit_s, what, pause_s=0.005):
    end = time.monotonic() + limit_s
    while not condition():
        if time.monotonic() > end:
            fail(f"{what} within {limit_s} s")
        time.sleep(pause_s)


class Run:
    """A finished child process: wall seconds, CPU seconds, peak memory."""

    def __init__(self, command):
        begin = time.monotonic()
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                   preexec_fn=die_with_parent)
        self.output = process.stdout.read().decode()
        _, status, usage = os.wait4(process.pid, 0)
        self.wall_s = time.monotonic() - begin
        self.code = os.waitstatus_to_exitcode(status)
        self.cpu_s = usage.ru_utime + usage.ru_stime
        self.peak_bytes = usage.ru_maxrss * 1024
        if self.code != 0:
            fail(f"{' '.join(command)} ended with {self.code}:\n{self.output}")
