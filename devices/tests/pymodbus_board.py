"""A relay and input board made of pymodbus: a server that is not ours.

Orders come as lines (`input N 0|1`, `read FIRST_REGISTER HEX`, `refuse EXCEPTION|0`), each answered
by `ok`; what the daemon writes is told as `pulse COIL TICKS` and `coil COIL 0|1`.
"""

import asyncio
import struct
import sys

from pymodbus.pdu import ExceptionResponse, ModbusPDU
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

INPUTS = [False] * 8
REGISTERS = [0] * 64
COILS = [False] * 8
REFUSES = [0]


def tell(*words):
    print(*words, flush=True)


class WriteCoil(ModbusPDU):
    """FC05 as relay boards have it: above 0x0200 the value is the length of a pulse."""

    function_code = 5
    rtu_frame_size = 8
    value = 0

    def encode(self):
        return struct.pack(">HH", self.address, self.value)

    def decode(self, data):
        self.address, self.value = struct.unpack(">HH", data[:4])

    async def datastore_update(self, context, device_id):
        if REFUSES[0]:
            return ExceptionResponse(5, REFUSES[0])
        coil = self.address - 0x0200
        if 0 <= coil < len(COILS):
            tell("pulse", coil, self.value)
        elif self.address < len(COILS) and self.value in (0xFF00, 0):
            on = self.value == 0xFF00
            if on != COILS[self.address]:
                tell("coil", self.address, int(on))
            COILS[self.address] = on
        else:
            return ExceptionResponse(5, 2)
        answer = WriteCoil(transaction_id=self.transaction_id, dev_id=self.dev_id)
        answer.address, answer.value = self.address, self.value
        return answer


async def action(function_code, start, address, count, registers, values):
    """Lets reads see what the orders set."""
    if function_code == 4:
        registers[: len(REGISTERS)] = REGISTERS
    if function_code == 2:
        registers[0] = sum(on << at for at, on in enumerate(INPUTS))


def obey(line):
    words = line.split()
    if words[0] == "input":
        INPUTS[int(words[1])] = words[2] == "1"
    elif words[0] == "refuse":
        REFUSES[0] = int(words[1])
    else:
        first, uid = int(words[1]), bytes.fromhex(words[2])
        padded = uid + b"\0" * (len(uid) % 2)
        for at in range(0, len(padded), 2):
            REGISTERS[first + 2 + at // 2] = padded[at] << 8 | padded[at + 1]
        REGISTERS[first + 1] = len(uid)
        REGISTERS[first] = (REGISTERS[first] + 1) & 0xFFFF
    tell("ok")


async def main():
    registers = [SimData(0, values=[0] * 64, datatype=DataType.REGISTERS)]
    bits = [SimData(0, values=[False] * 16, datatype=DataType.BITS)]
    device = SimDevice(id=1, simdata=(bits, bits, registers, registers), action=action)
    server = ModbusTcpServer(
        device, address=("127.0.0.1", int(sys.argv[1])), custom_pdu=[WriteCoil]
    )
    await server.serve_forever(background=True)
    tell("ready")
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        obey(line)


asyncio.run(main())
