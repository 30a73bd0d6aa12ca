"""Shows that a program resolves names by itself, by resolv.conf as it is at the time.

Usage: names.py PROGRAM     by `unshare --user --map-root-user --mount --net`, on a network that nobody else is on

Two name servers on loopback give one name two addresses. The program is to poll the first address, and, once
resolv.conf names the other server, the second, without being started again.
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
SECONDS = 10

# from <linux/sockios.h> and <linux/if.h>
SIOCSIFFLAGS, IFF_UP = 0x8914, 1


def bring_loopback_up() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP))


def name_server(address: str) -> None:
    """Answers every question for an address with its own, and every other with nothing."""
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind((address, 53))
    while True:
        question, asker = server.recvfrom(512)
        end = question.index(b"\0", 12) + 5
        (kind,) = struct.unpack_from(">H", question, end - 4)
        answer = b"\xc0\x0c" + struct.pack(">HHIH", 1, 1, 1, 4) + socket.inet_aton(address)
        found = int(kind == 1)
        head = question[:2] + struct.pack(">HHHHH", 0x8180, 1, found, 0, 0)
        server.sendto(head + question[12:end] + answer * found, asker)


def listen(address: str, port: int) -> socket.socket:
    listener = socket.create_server((address, port))
    listener.settimeout(SECONDS)
    return listener


def asked_over_tls(listener: socket.socket) -> None:
    connection, _ = listener.accept()
    connection.settimeout(SECONDS)
    hello = connection.recv(4096)
    connection.close()
    if hello[0] != 0x16 or NAME.encode() not in hello:
        sys.exit(f"names: that is no TLS for {NAME}")


def main(program: str) -> None:
    bring_loopback_up()
    servers = ("127.0.0.2", "127.0.0.3")
    for address in servers:
        threading.Thread(target=name_server, args=(address,), daemon=True).start()
    resolv = Path(tempfile.mkdtemp()) / "resolv.conf"
    resolv.write_text(f"nameserver {servers[0]}\n")
    real = os.path.realpath("/etc/resolv.conf")
    Path(real).touch()
    subprocess.run(["mount", "--bind", resolv, real], check=True)
    first, second = (listen(address, 4443) for address in servers)
    environment = {
        "TENCENTCLOUD_SECRET_ID": "AKIDexample",
        "TENCENTCLOUD_SECRET_KEY": "key",
        "CLOUDAUDIT_EXPORTER__ENDPOINT": f"https://{NAME}:4443",
        "CLOUDAUDIT_EXPORTER__POLL__INTERVAL": "1s",
        "CLOUDAUDIT_EXPORTER__POLL__TIMEOUT": "1s",
    }
    exporter = subprocess.Popen([program], env=environment, stderr=subprocess.PIPE)
    try:
        asked_over_tls(first)
        resolv.write_text(f"nameserver {servers[1]}\n")
        asked_over_tls(second)
    except TimeoutError:
        exporter.kill()
        sys.exit(f"names: nobody came\n{exporter.stderr.read().decode()}")
    finally:
        exporter.kill()
    print("both addresses were asked")


main(sys.argv[1])
