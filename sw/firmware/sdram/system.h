/* LiteDRAM's headers include it; they need nothing of it. */
