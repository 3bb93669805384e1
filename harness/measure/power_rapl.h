/* Energy counters of the processor packages and their memory, as the kernel's powercap tree shows them. */
#ifndef ASSAY_MEASURE_POWER_RAPL_H
#define ASSAY_MEASURE_POWER_RAPL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ASSAY_RAPL_MAX_DOMAINS 32

struct assay_rapl {
    size_t n;
    struct assay_rapl_domain {
        int      fd; /* of energy_uj */
        uint64_t range_uj, begin_uj;
    } domain[ASSAY_RAPL_MAX_DOMAINS];
    char   scope[96]; /* "package-0 + dram" */
    double joules;
    bool   running;
};

/* Opens every package and dram domain under `root` ("/sys/class/powercap"). False with the reason when there is none or
 * one of them cannot be read: a part of the energy is no energy. */
bool assay_rapl_open(struct assay_rapl *r, const char *root, char *why, size_t capacity);
void assay_rapl_close(struct assay_rapl *r);
/* False when a counter could not be read, or may have gone round more than once in `elapsed_ns`. */
bool assay_rapl_start(struct assay_rapl *r);
bool assay_rapl_stop(struct assay_rapl *r, uint64_t elapsed_ns);

#endif
