"""The sequencer between a random host and make-believe units; what it sends, and when."""

import random
from dataclasses import dataclass, field

from hw.control.loops.sequencer import Sequencer
from hw.isa import Command
from sim.machine.machine import Machine
from tests.support.streams import never, simulate, stalls

UNIT_OF = {"mvin": 0, "mvin2": 0, "mvin3": 0, "mvout": 2}


@dataclass
class Sent:
    """What came out: (command, index) in order, the cycle of each, errors by index."""

    commands: list = field(default_factory=list)
    cycles: list = field(default_factory=list)
    errors: list = field(default_factory=list)
    accepted: int = 0


def unit_of(command: Command) -> int | None:
    name = command.spec.name if command.spec else ""
    return 1 if name.startswith("compute") else UNIT_OF.get(name)


def settings(machine: Machine) -> dict:
    """What the decoder would tell after these commands."""
    state, dim = machine.state, machine.config.dim
    return {
        "weight_stationary": int(state.weight_stationary),
        "relu": int(state.execute_relu),
        "shift": state.shift & 63,
        "blocks": sum((s.block_stride == dim) << n for n, s in enumerate(state.loads)),
        "shrunk": sum(s.shrunk << n for n, s in enumerate(state.loads)),
        "packed": int(any(s.repeats > 1 or s.lane for s in state.loads)),
        "strided": int(state.a_stride != 1 or state.c_stride != 1),
        "pooling": int(bool(state.store.pool_stride or state.store.pool_size)),
    }


def unroll(config, commands, stall=(never, never), work=lambda: 1, cycles=200_000) -> Sent:
    """Send `commands`; a unit takes `work()` cycles for each of its commands."""
    dut, sent = Sequencer(config), Sent()
    depths = (config.load_queue, config.execute_queue, config.store_queue)
    follower = Machine(config, 1 << 16)

    async def bench(ctx):
        todo, cycle, holds = list(commands), 0, False
        queues = [[], [], []]  # cycles of work left of each command
        decoder = None
        quiet = 0
        while quiet < 12:
            holds = holds or bool(todo) and not stall[0]()
            ctx.set(dut.i.valid, holds)
            if holds:
                c = todo[0]
                ctx.set(dut.i.payload, {"funct": c.funct, "rs1": c.rs1, "rs2": c.rs2})
            ctx.set(dut.settings, settings(follower))
            for n, queue in enumerate(queues):
                ctx.set(dut.levels[n], len(queue))
            unit = None if decoder is None else unit_of(decoder)
            leaves = decoder is not None and (unit is None or len(queues[unit]) < depths[unit])
            ctx.set(dut.decoder_busy, decoder is not None)
            ready = (decoder is None or leaves) and not stall[1]()
            ctx.set(dut.o.ready, ready)
            values = await ctx.tick().sample(
                dut.i.ready, dut.o.valid, dut.o.payload, dut.error, dut.busy, dut.accepted
            )
            taken, valid, payload, error, busy, sent.accepted = values[2:]
            for queue in queues:
                if queue:
                    queue[0] -= 1
                    if not queue[0]:
                        queue.pop(0)
            if error.valid:
                sent.errors.append((error.index, int(error.code)))
            if leaves:
                if unit is not None:
                    queues[unit].append(work())
                elif decoder.spec is not None and decoder.spec.name.startswith("config"):
                    follower.run([decoder])
                decoder = None
            if valid and ready:
                p = payload.command
                decoder = Command(int(p.funct), int(p.rs1), int(p.rs2))
                sent.commands.append((decoder, int(payload.index)))
                sent.cycles.append(cycle)
            if holds and taken:
                todo.pop(0)
                holds = False
            idle = not (todo or holds or busy or valid or decoder)
            quiet = quiet + 1 if idle else 0
            cycle += 1

    simulate(dut, bench, cycles=cycles)
    return sent


def coins(seed: int, probability: float):
    return (
        (stalls(seed, probability), stalls(seed + 1, probability)) if probability else (never,) * 2
    )


def random_work(seed: int, most: int):
    rng = random.Random(seed)
    return lambda: rng.randint(1, most)
