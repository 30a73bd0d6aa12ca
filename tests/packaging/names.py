"""Checks that the exporter resolves names by the current resolv.conf, without a restart.

Usage: unshare --user --map-root-user --mount --net python3 names.py PROGRAM [ARGUMENT...]

Two name servers on loopback return different addresses for a name. The program must connect to the first address, and
to the second one after resolv.conf names the other server. Each resolv.conf has a search domain that a resolver tries
before the name itself: first one with a wildcard, then a silent one. The program must ask for no name below them.
"""

import fcntl
import os
import socket
import struct
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

NAME = "api.audit.example"
SERVERS = ("127.0.0.2", "127.0.0.3")
SECONDS = 10

# Every name below the first domain has this address. Queries for names below the second one get no response.
WILDCARD, WILDCARD_ADDRESS = "wild.example", "127.0.0.4"
SILENT = "silent.example"

# from <linux/sockios.h> and <linux/if.h>
SIOCSIFFLAGS, IFF_UP = 0x8914, 1


def bring_loopback_up() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP))


def start_name_server(own_address: str, asked: list[str]) -> None:
    """Starts a server on port 53 that adds each name that it is queried for to `asked`."""
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind((own_address, 53))
    threading.Thread(target=respond, args=(server, own_address, asked), daemon=True).start()


def respond(server: socket.socket, own_address: str, asked: list[str]) -> None:
    """Responds to every A query with an address, and to every other query with an empty response."""
    while True:
        question, client = server.recvfrom(512)
        end = question.index(b"\0", 12) + 5
        (kind,) = struct.unpack_from(">H", question, end - 4)
        name = host_name(question[12 : end - 5])
        asked.append(name)
        if is_below(SILENT, name):
            continue
        address = WILDCARD_ADDRESS if is_below(WILDCARD, name) else own_address
        answer = b"\xc0\x0c" + struct.pack(">HHIH", 1, 1, 1, 4) + socket.inet_aton(address)
        found = int(kind == 1)
        head = question[:2] + struct.pack(">HHHHH", 0x8180, 1, found, 0, 0)
        server.sendto(head + question[12:end] + answer * found, client)


def host_name(labels: bytes) -> str:
    """Decodes labels, each of which follows its length."""
    decoded = []
    while labels:
        end = 1 + labels[0]
        decoded.append(labels[1:end].decode().lower())
        labels = labels[end:]
    return ".".join(decoded)


def is_below(domain: str, name: str) -> bool:
    return name.endswith(f".{domain}")


def resolv_conf(server: str, search_domain: str) -> str:
    return f"nameserver {server}\nsearch {search_domain}\noptions ndots:5\n"


def listen(address: str, port: int) -> socket.socket:
    listener = socket.create_server((address, port))
    listener.settimeout(SECONDS)
    return listener


def expect_client_hello(listener: socket.socket) -> None:
    connection, _ = listener.accept()
    connection.settimeout(SECONDS)
    hello = connection.recv(4096)
    connection.close()
    if hello[0] != 0x16 or NAME.encode() not in hello:
        sys.exit(f"names: not a TLS client hello for {NAME}")


def main(program: list[str]) -> None:
    bring_loopback_up()
    asked: list[str] = []
    for address in SERVERS:
        start_name_server(address, asked)
    resolv = Path(tempfile.mkdtemp()) / "resolv.conf"
    resolv.write_text(resolv_conf(SERVERS[0], WILDCARD))
    real = os.path.realpath("/etc/resolv.conf")
    Path(real).touch()
    subprocess.run(["mount", "--bind", resolv, real], check=True)
    first, second = (listen(address, 4443) for address in SERVERS)
    environment = {
        "TENCENTCLOUD_SECRET_ID": "AKIDexample",
        "TENCENTCLOUD_SECRET_KEY": "key",
        "CLOUDAUDIT_EXPORTER__ENDPOINT": f"https://{NAME}:4443",
        "CLOUDAUDIT_EXPORTER__POLL__INTERVAL": "1s",
        "CLOUDAUDIT_EXPORTER__POLL__TIMEOUT": "1s",
    }
    failures = []
    exporter = subprocess.Popen(program, env=environment, stderr=subprocess.PIPE)
    try:
        expect_client_hello(first)
        resolv.write_text(resolv_conf(SERVERS[1], SILENT))
        expect_client_hello(second)
    except TimeoutError:
        failures.append("no connection arrived")
    finally:
        exporter.kill()
    below = {name for name in asked if is_below(WILDCARD, name) or is_below(SILENT, name)}
    if below:
        failures.append(f"asked for {', '.join(sorted(below))}")
    if failures:
        sys.exit(f"names: {'; '.join(failures)}\n{exporter.stderr.read().decode()}")
    print("the exporter connected to both addresses")


main(sys.argv[1:])
