/* An exception ends the program with its cause and place. */
#include "runtime.h"

int main(void) {
    __asm__ volatile("ebreak");
    return 0;
}
