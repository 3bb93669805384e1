/* Sentinels that say whether this machine was quiet while something was measured. */
#ifndef ASSAY_MEASURE_NOISE_H
#define ASSAY_MEASURE_NOISE_H

#include <stdint.h>

struct assay_noise {
    double   steal_share;        /* of all cores' time, /proc/stat; NaN: not readable */
    double   other_share;        /* time of other processes' work on our cores */
    uint64_t involuntary_switches; /* getrusage nivcsw */
    uint64_t major_faults;
    double   clock_hz_begin, clock_hz_end; /* a chain of dependent additions, one per cycle */
};
struct assay_noise_probe {
    uint64_t opaque[16];
};
/* Takes about 1 ms each (the clock probe). */
void assay_noise_begin(struct assay_noise_probe *probe);
void assay_noise_end(const struct assay_noise_probe *probe, struct assay_noise *out);
/* A sentence when the machine was not quiet, naming what and by how much; NULL when it was. Static text. */
const char *assay_noise_complaint(const struct assay_noise *noise);

#endif
