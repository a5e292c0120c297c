/* VexRiscv Lite: start, traps. */
#include "start.h"

vexriscv_start 1
