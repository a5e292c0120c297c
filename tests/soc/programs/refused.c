/* Ends as if all were well, although a command was refused. */
#include "matrix.h"

int main(void) {
    alh_mvin(64, ALH_SP_ROWS - 1, ALH_DIM, 2); /* leaves the scratchpad */
    return 0;
}
