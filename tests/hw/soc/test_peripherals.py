"""Timer, console, events and decoder, register by register."""

from amaranth.hdl import Module
from amaranth.lib.wiring import connect

from hw.bus.registers import Decoder
from hw.soc.events import Control, Events, State
from hw.soc.map import (
    ACCELERATOR,
    CONTROL,
    EVENTS,
    PERIPHERALS,
    PERIPHERALS_BASE,
    SDRAM,
    TIMER,
    UART,
    WINDOW,
)
from hw.soc.sdram import SdramControl
from hw.soc.timer import Timer
from hw.soc.uart import Uart
from tests.support.streams import get, put, simulate, stalls


async def access(ctx, bus, word, value=None):
    """One register access; returns (word, clock cycles)."""
    ctx.set(bus.select, 1)
    ctx.set(bus.word, word)
    ctx.set(bus.write, value is not None)
    ctx.set(bus.data_w, value or 0)
    for clocks in range(1, 1000):
        _, _, done, data = await ctx.tick().sample(bus.done, bus.data_r)
        if done:
            ctx.set(bus.select, 0)
            ctx.set(bus.write, 0)
            return data, clocks
    raise AssertionError(f"register {word} does not answer")


def test_timer_counts_cycles_and_interrupts_in_time():
    dut = Timer()

    async def bench(ctx):
        first, _ = await access(ctx, dut.bus, TIMER.word("now_low"))
        await ctx.tick().repeat(10)
        later, _ = await access(ctx, dut.bus, TIMER.word("now_low"))
        assert later - first == 11
        assert (await access(ctx, dut.bus, TIMER.word("now_high")))[0] == 0
        assert ctx.get(dut.interrupt) == 0
        when = later + 20
        await access(ctx, dut.bus, TIMER.word("compare_low"), when)
        await access(ctx, dut.bus, TIMER.word("compare_high"), 0)
        await ctx.tick().until(dut.interrupt)
        now, _ = await access(ctx, dut.bus, TIMER.word("now_low"))
        assert now == when + 2
        await access(ctx, dut.bus, TIMER.word("compare_high"), 1)
        await ctx.tick()
        assert ctx.get(dut.interrupt) == 0

    simulate(dut, bench)


def test_console_loses_no_character():
    dut, sent = Uart(depth=4), list(b"The quick brown fox jumps over the lazy dog.")

    async def core(ctx):
        for character in sent:
            await access(ctx, dut.bus, UART.word("data"), character)
        back = []
        while len(back) < len(sent):
            data, _ = await access(ctx, dut.bus, UART.word("data"))
            if not data >> 31:
                back.append(data)
        assert back == sent[::-1]
        assert (await access(ctx, dut.bus, UART.word("state")))[0] == 1

    async def outside(ctx):
        assert await get(ctx, dut.tx, len(sent), stalls(1, 0.7)) == sent
        await put(ctx, dut.rx, sent[::-1], stalls(2, 0.3))

    simulate(dut, core, outside)


def test_events_keep_what_happened():
    dut = Events()

    async def bench(ctx):
        async def pending():
            return (await access(ctx, dut.bus, EVENTS.word("pending")))[0]

        ctx.set(dut.idle, 1)  # idle from the start is no event
        await ctx.tick().repeat(3)
        assert await pending() == 0
        ctx.set(dut.idle, 0)
        await ctx.tick()
        ctx.set(dut.idle, 1)
        ctx.set(dut.error, 1)
        await ctx.tick().repeat(2)
        assert await pending() == 0b0011 and ctx.get(dut.interrupt) == 0
        await access(ctx, dut.bus, EVENTS.word("enable"), 0b0010)
        assert ctx.get(dut.interrupt) == 1
        await access(ctx, dut.bus, EVENTS.word("pending"), 0b0010)
        assert await pending() == 0b0001 and ctx.get(dut.interrupt) == 0
        for address in (0x1234, 0x5678):  # the first fault's address is kept
            ctx.set(dut.fault, 1)
            ctx.set(dut.fault_address, address)
            await ctx.tick()
            ctx.set(dut.fault, 0)
            await ctx.tick()
        assert await pending() == 0b0101
        assert (await access(ctx, dut.bus, EVENTS.word("fault_address")))[0] == 0x1234
        ctx.set(dut.character, 1)
        await ctx.tick().repeat(2)
        assert await pending() == 0b1101

    simulate(dut, bench)


def test_state_and_control_are_registers():
    m = Module()
    m.submodules.state, m.submodules.control = state, control = State(), Control()

    async def bench(ctx):
        for name, value in (("status", 0x070401), ("error_index", 77), ("accepted", 99)):
            ctx.set(
                getattr(state, name).as_value() if name == "status" else getattr(state, name), value
            )
            assert (await access(ctx, state.bus, ACCELERATOR.word(name)))[0] == value
        ctx.set(state.bus.select, 1)
        ctx.set(state.bus.write, 1)
        ctx.set(state.bus.word, ACCELERATOR.word("clear"))
        assert ctx.get(state.clear) == 1
        await ctx.tick()
        ctx.set(state.bus.select, 0)
        assert ctx.get(state.clear) == 0
        await access(ctx, control.bus, CONTROL.word("mark"), 5)
        await access(ctx, control.bus, CONTROL.word("exit"), 42)
        assert (ctx.get(control.exited), ctx.get(control.exit_code)) == (1, 42)
        await ctx.tick()
        assert (ctx.get(control.exited), ctx.get(control.mark)) == (0, 5)

    simulate(m, bench)


def test_decoder_selects_and_answers_outside_with_an_error():
    m = Module()
    m.submodules.decoder = decoder = Decoder({"timer": TIMER, "uart": UART})
    m.submodules.timer, m.submodules.uart = timer, uart = Timer(), Uart()
    connect(m, decoder.timer, timer.bus)
    connect(m, decoder.uart, uart.bus)
    bus = decoder.bus

    async def cycle(ctx, address, value=None):
        ctx.set(bus.cyc, 1)
        ctx.set(bus.stb, 1)
        ctx.set(bus.adr, address // 4)
        ctx.set(bus.we, value is not None)
        ctx.set(bus.dat_w, value or 0)
        for clocks in range(1, 20):
            _, _, ack, data, err = await ctx.tick().sample(bus.ack, bus.dat_r, bus.err)
            if ack:
                ctx.set(bus.cyc, 0)
                await ctx.tick()
                return data, err, clocks
        raise AssertionError(f"no acknowledgement at {address:#x}")

    async def bench(ctx):
        await cycle(ctx, TIMER.base + TIMER["compare_high"], 0)
        await cycle(ctx, TIMER.base + TIMER["compare_low"], 0)
        assert await cycle(ctx, TIMER.base + TIMER["due"]) == (1, 0, 2)
        await cycle(ctx, UART.base + UART["data"], 65)
        assert (ctx.get(uart.tx.valid), ctx.get(uart.tx.payload)) == (1, 65)
        for address in (PERIPHERALS_BASE + 31 * WINDOW, 0xFFFF_FFFC, EVENTS.base):
            assert (await cycle(ctx, address))[1] == 1
        ctx.set(bus.cyc, 1)
        ctx.set(bus.adr, 0x100)
        ctx.set(decoder.memory.ack, 1)
        ctx.set(decoder.memory.dat_r, 7)
        assert (ctx.get(decoder.memory.cyc), ctx.get(bus.ack), ctx.get(bus.dat_r)) == (1, 1, 7)

    simulate(m, bench)


def test_map_has_no_overlaps():
    bases = [p.base for p in PERIPHERALS]
    assert len(set(bases)) == len(bases)
    for peripheral in PERIPHERALS:
        offsets = [register.offset for register in peripheral.registers]
        assert len(set(offsets)) == len(offsets) and max(offsets) < WINDOW
    try:
        TIMER["later"]
    except KeyError as error:
        assert "timer has no register 'later'; its registers are now_low" in str(error)


def test_registers_of_an_sdram_controller_are_reached_by_address():
    dut, registers = SdramControl(), {0x800: 5, 0x80C: 6}

    async def controller(ctx):
        bus, waited = dut.control, 0
        while True:
            here = ctx.get(bus.cyc) and ctx.get(bus.stb)
            ctx.set(bus.ack, bool(here and waited == 3))
            address = 4 * ctx.get(bus.adr)
            ctx.set(bus.dat_r, registers.get(address, 0))
            if here and waited == 3 and ctx.get(bus.we):
                assert ctx.get(bus.sel) == 0b1111
                registers[address] = ctx.get(bus.dat_w)
            waited = waited + 1 if here and waited < 3 else 0
            await ctx.tick()

    async def bench(ctx):
        for address, value in ((0x800, 5), (0x80C, 6)):
            await access(ctx, dut.bus, SDRAM.word("address"), address)
            assert await access(ctx, dut.bus, SDRAM.word("data")) == (value, 4)
            assert (await access(ctx, dut.bus, SDRAM.word("address")))[0] == address
        await access(ctx, dut.bus, SDRAM.word("data"), 77)
        assert registers == {0x800: 5, 0x80C: 77}

    simulate(dut, bench, background=[controller])
