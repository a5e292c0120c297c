/* Command lists: those that cannot be read end the program with a message. */
#include "runtime.h"

#include <stdio.h>

int main(void) {
    alh_command list[2] = {{.funct = 7}, {.funct = 99}};
    alh_run(list, 1, NULL, 0);
    alh_check();
    printf("first\n");
    alh_run((const alh_command *)0x3ffffff0, 2, NULL, 0);
    alh_check();
    return 0;
}
