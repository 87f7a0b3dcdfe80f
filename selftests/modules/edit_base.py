#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Writes a copy of a module with changed types in its distilled base, as if the module had been
built for yet another kernel, or by another compiler.

usage: edit_base.py FILE.ko OUTPUT.ko KIND NAME NEW-KIND NEW-NAME [KIND NAME NEW-KIND NEW-NAME]...
"""

import struct
import subprocess
import sys
import tempfile

KINDS = {"INT": 1, "STRUCT": 4, "UNION": 5, "ENUM": 6, "FWD": 7, "FLOAT": 16}
HEADER = struct.Struct("<HBBIIIII")
TYPE = struct.Struct("<III")
KIND_SHIFT = 24
KIND_MASK = 0x7F << KIND_SHIFT


class Base:
    """The types and strings of a distilled base, in which only INT has more than the 12 bytes of a type."""

    def __init__(self, data):
        self.magic, self.version, self.flags, length, type_off, type_len, str_off, str_len = (
            HEADER.unpack_from(data)
        )
        self.strings = data[length + str_off :][:str_len]
        self.types = []
        types = data[length + type_off :][:type_len]
        while types:
            name, info, size = TYPE.unpack_from(types)
            end = TYPE.size + (4 if info & KIND_MASK == KINDS["INT"] << KIND_SHIFT else 0)
            self.types.append((name, info, size, types[TYPE.size : end]))
            types = types[end:]

    def name(self, offset):
        return self.strings[offset : self.strings.index(b"\0", offset)].decode()

    def change(self, kind, name, new_kind, new_name):
        for index, (offset, info, size, extra) in enumerate(self.types):
            if info & KIND_MASK == KINDS[kind] << KIND_SHIFT and self.name(offset) == name:
                break
        else:
            sys.exit(f"edit_base.py: there is no {kind} {name}")
        # Replace it in place: the length of these strings gives the offset of the module's own.
        if len(new_name) > len(name):
            sys.exit(f"edit_base.py: there is no room for {new_name}")
        text = new_name.encode().ljust(len(name), b"\0")
        self.strings = self.strings[:offset] + text + self.strings[offset + len(name) :]
        info = info & ~KIND_MASK | KINDS[new_kind] << KIND_SHIFT
        self.types[index] = (offset, info, size, extra if new_kind == "INT" else b"")

    def bytes(self):
        types = b"".join(TYPE.pack(*fields) + extra for *fields, extra in self.types)
        header = HEADER.pack(
            *(self.magic, self.version, self.flags, HEADER.size),
            *(0, len(types), len(types), len(self.strings)),
        )
        return header + types + self.strings


def main():
    source, output, *changes = sys.argv[1:]
    with tempfile.NamedTemporaryFile() as section:
        objcopy = ["llvm-objcopy", "--dump-section", f".BTF.base={section.name}", source, "/dev/null"]
        subprocess.run(objcopy, check=True)
        with open(section.name, "rb") as file:
            base = Base(file.read())
        for change in zip(*[iter(changes)] * 4, strict=True):
            base.change(*change)
        with open(section.name, "wb") as file:
            file.write(base.bytes())
        objcopy = ["llvm-objcopy", "--update-section", f".BTF.base={section.name}", source, output]
        subprocess.run(objcopy, check=True)


main()
