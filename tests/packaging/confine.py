"""Runs a program under the system call filters of a unit: confine.py UNIT PROGRAM [ARGUMENT...]

The sets of system calls are those of systemd, and libseccomp loads the filters, as in systemd.
"""

import ctypes
import errno
import mmap
import os
import socket
import subprocess
import sys

ALLOW = 0x7FFF0000
REFUSE = 0x00050000 | errno.EPERM
UNKNOWN_CALL = -1
EQUAL, MASKED_EQUAL = 4, 7
WRITE, EXECUTE = mmap.PROT_WRITE, mmap.PROT_EXEC


class Comparison(ctypes.Structure):
    """A condition on an argument of a system call (struct scmp_arg_cmp)."""

    _fields_ = [
        ("argument", ctypes.c_uint),
        ("operator", ctypes.c_int),
        ("first", ctypes.c_uint64),
        ("second", ctypes.c_uint64),
    ]


def settings(unit: str, key: str) -> list[str]:
    """Returns the values of a key of the unit, in order."""
    with open(unit, encoding="utf-8") as lines:
        return [line.strip().split("=", 1)[1] for line in lines if line.startswith(key + "=")]


def members(name: str) -> set[str]:
    """Returns the calls of a set, including nested sets."""
    if not name.startswith("@"):
        return {name}
    listing = subprocess.run(
        ["systemd-analyze", "syscall-filter", "--no-pager", name], check=True, capture_output=True, text=True
    ).stdout
    lines = (line.strip() for line in listing.splitlines()[1:])
    return {call for line in lines if line and not line.startswith("#") for call in members(line)}


def allowed_calls(unit: str) -> set[str]:
    """Returns the calls that all lines of the filter together allow."""
    calls: set[str] = set()
    for value in settings(unit, "SystemCallFilter"):
        named = {call for name in value.removeprefix("~").split() for call in members(name)}
        calls = calls - named if value.startswith("~") else calls | named
    return calls


def conditions(call: str, unit: str) -> list[list[Comparison]]:
    """Returns the alternative conditions for a call. An empty condition allows all arguments."""
    if call == "socket":
        families = [int(getattr(socket, name)) for name in settings(unit, "RestrictAddressFamilies")[0].split()]
        return [[Comparison(0, EQUAL, family, 0)] for family in families]
    if settings(unit, "MemoryDenyWriteExecute") == ["yes"]:
        if call == "mmap":
            return [[Comparison(2, MASKED_EQUAL, WRITE | EXECUTE, bits)] for bits in (0, WRITE, EXECUTE)]
        if call in ("mprotect", "pkey_mprotect"):
            return [[Comparison(2, MASKED_EQUAL, EXECUTE, 0)]]
    return [[]]


def confine(unit: str) -> None:
    """Loads the filters into this process, which keeps them after exec."""
    library = ctypes.CDLL("libseccomp.so.2", use_errno=True)
    library.seccomp_init.restype = ctypes.c_void_p
    context = ctypes.c_void_p(library.seccomp_init(ctypes.c_uint32(REFUSE)))
    for call in sorted(allowed_calls(unit)):
        number = library.seccomp_syscall_resolve_name(call.encode())
        if number <= UNKNOWN_CALL:  # a call of another architecture, or newer than the library
            continue
        for rule in conditions(call, unit):
            array = (Comparison * max(len(rule), 1))(*rule)
            if library.seccomp_rule_add_array(context, ctypes.c_uint32(ALLOW), number, len(rule), array) != 0:
                sys.exit(f"cannot add a rule for {call}")
    if library.seccomp_load(context) != 0:
        sys.exit("cannot load the filter")


if __name__ == "__main__":
    confine(sys.argv[1])
    os.execvp(sys.argv[2], sys.argv[2:])
