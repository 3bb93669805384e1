/* What this machine says of its processor. */
#ifndef CPU_MACHINE_H
#define CPU_MACHINE_H

#include <stdbool.h>
#include <stdint.h>

struct cpu_machine {
    char     product[128], vendor[64], how_known[128];
    uint64_t memory_bytes;
    unsigned family, model; /* of cpuid; 0 elsewhere */
};

void cpu_machine_read(struct cpu_machine *out);
/* Does this processor execute a 512-bit operation as two of 256 bits? Then libraries that choose their kernels by
 * instruction set choose worse than they could. */
bool cpu_machine_halves_512(const struct cpu_machine *machine);

#endif
