/* VexRiscv: start, traps. */
#include "start.h"

vexriscv_start 0x80000001
