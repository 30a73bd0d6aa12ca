"""Checks that the exporter resolves names by the current resolv.conf, without a restart.

Usage: unshare --user --map-root-user --mount --net python3 names.py PROGRAM

Two name servers on loopback return different addresses for a name. The program must connect to the first address, and
to the second one after resolv.conf names the other server.
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
    """Responds to every A query with its own address, and to every other query with an empty response."""
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind((address, 53))
    while True:
        question, client = server.recvfrom(512)
        end = question.index(b"\0", 12) + 5
        (kind,) = struct.unpack_from(">H", question, end - 4)
        answer = b"\xc0\x0c" + struct.pack(">HHIH", 1, 1, 1, 4) + socket.inet_aton(address)
        found = int(kind == 1)
        head = question[:2] + struct.pack(">HHHHH", 0x8180, 1, found, 0, 0)
        server.sendto(head + question[12:end] + answer * found, client)


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
        expect_client_hello(first)
        resolv.write_text(f"nameserver {servers[1]}\n")
        expect_client_hello(second)
    except TimeoutError:
        exporter.kill()
        sys.exit(f"names: no connection arrived\n{exporter.stderr.read().decode()}")
    finally:
        exporter.kill()
    print("the exporter connected to both addresses")


main(sys.argv[1])
