"""Error codes and countable events: the numbers that software reads back."""

import enum


class ErrorCode(enum.IntEnum):
    """Why a command was not executed (design section 7). The lowest command index is kept."""

    NONE = 0
    BAD_FUNCT = 1  # no such command
    NOT_SUPPORTED = 2  # the command or option is left out of this configuration
    BAD_CONFIG = 3  # a field has a value that means nothing
    BAD_SIZE = 4  # rows or columns beyond the limit
    BAD_ADDRESS = 5  # a local address outside its memory, or of the wrong memory
    OVERLAP = 6  # C overlaps A or D of the same compute in the scratchpad
    BUS_READ = 7  # the memory answered a read with an error
    BUS_WRITE = 8  # the memory answered a write with an error


class Event(enum.IntEnum):
    """What a performance counter may count (cycles unless said); Gemmini's numbers."""

    NONE = 0
    LOAD_BUSY = 1  # only load has work
    STORE_BUSY = 2  # only store has work
    EXECUTE_BUSY = 3  # only execute has work
    LOAD_STORE_BUSY = 4  # exactly these two have work, and so on
    LOAD_EXECUTE_BUSY = 5
    STORE_EXECUTE_BUSY = 6
    ALL_BUSY = 7
    LOAD_WAITS_MEMORY = 8  # rows were asked for and had not come
    LOAD_ACTIVE = 9  # a row was written
    LOAD_WAITS_LOCAL = 10  # a row stood ready, the local memory did not take it
    STORE_WAITS_MEMORY = 11  # a word was ready, memory did not take it
    STORE_ACTIVE = 12  # a word left for memory
    STORE_WAITS_ROWS = 14  # local rows had not come
    EXECUTE_ACTIVE = 24  # a row entered the array
    EXECUTE_WAITS_WEIGHTS = 27  # a row stood ready, its weights did not
    EXECUTE_WAITS_DISTANCE = 28  # a row stood ready, its row of C had just been added to
    EXECUTE_WAITS_ROWS = 29  # rows of A or D had not come
    COMMAND_WAITS = 41  # a command stood ready, its unit's queue was full

    # Ours. With those above, every cycle of a unit is exactly one of its events.
    LOAD_IDLE = 47  # no command
    LOAD_WAITS_HAZARD = 48  # its next command waited for others
    LOAD_WAITS_REQUESTS = 49  # memory took no request, or too many were under way
    EXECUTE_IDLE = 50
    EXECUTE_DRAINS = 51  # no command left, results on their way
    EXECUTE_WAITS_LOAD = 52  # its next command waited for one of load
    EXECUTE_WAITS_STORE = 53  # likewise; for both counts as load
    EXECUTE_WAITS_EXECUTE = 54
    STORE_IDLE = 55
    STORE_WAITS_HAZARD = 56
    STORE_WAITS_SCALER = 57  # rows were being scaled or pooled
    STORE_WAITS_ACKNOWLEDGE = 58
    COMMAND_IDLE = 59
    COMMAND_WAITS_ANSWER = 60  # `error` waited for the commands before it
    COMMAND_ACTIVE = 61
