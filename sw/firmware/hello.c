/* Says hello, and what it runs on. */
#include <stdio.h>

#include "runtime.h"

int main(void) {
    printf("Hello from %s: %dx%d array, %u-bit bus.\n", ALH_CONFIG_NAME, ALH_DIM, ALH_DIM,
           ALH_BUS_WIDTH);
    return 0;
}
