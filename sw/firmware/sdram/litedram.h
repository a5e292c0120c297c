/* Starts a board's SDRAM by the sequence that LiteDRAM's generator wrote for its controller. */
#include <generated/sdram_phy.h>

/* Wait so many cycles of the clock. */
void cdelay(int cycles) {
    const uint32_t start = (uint32_t)alh_timer_now();
    while ((uint32_t)alh_timer_now() - start < (uint32_t)cycles) {}
}

/* Once after power-up: a program's end restarts the core, and memory keeps its bytes. */
static void start_sdram(void) {
    if (ddrctrl_init_done_read()) return;
    init_sequence();
    sdram_dfii_control_write(DFII_CONTROL_SEL); /* refreshed by the controller from now on */
    ddrctrl_init_done_write(1);
}
