/* Sentinels that say whether this machine was quiet while something was measured. */
#ifndef ASSAY_MEASURE_NOISE_H
#define ASSAY_MEASURE_NOISE_H

#include <stdint.h>

struct assay_noise {
    double   steal_share;        /* of our cores' time, what the hypervisor gave to others, /proc/stat; NaN likewise */
    double   other_share;        /* of our cores' time, what other processes and interrupts had; NaN: not readable or
                                  * too short a time for the kernel's clock ticks */
    uint64_t involuntary_switches; /* getrusage nivcsw */
    uint64_t major_faults;
    uint64_t elapsed_ns;           /* between begin and end */
    double   clock_hz_begin, clock_hz_end; /* a chain of dependent additions, one per cycle */
};
struct assay_noise_probe {
    uint64_t opaque[16];
};
/* Takes about 1 ms each (the clock probe). `lent_ns`: CPU time that another process spent for this one in between, at its request; it
 * counts as this one's own. */
void assay_noise_begin(struct assay_noise_probe *probe);
void assay_noise_end(const struct assay_noise_probe *probe, uint64_t lent_ns, struct assay_noise *out);
/* A sentence when the machine was not quiet, naming what is worst and by how much; NULL when it was. The text lives
 * until this thread asks again. */
const char *assay_noise_complaint(const struct assay_noise *noise);

#endif
