/* Loading oneDNN, the same for every version of its interface. */
#ifndef CPU_CONVOLUTION_ONEDNN_LIBRARY_H
#define CPU_CONVOLUTION_ONEDNN_LIBRARY_H

#include <stddef.h>

#include "assay/error.h"

struct cpu_onednn_symbol {
    const char *name;
    void       *to; /* a function pointer of `bytes` bytes */
    size_t      bytes;
};

/* Loads `file` once per process, finds the symbols, sets the number of OpenMP threads of the calling thread. */
enum assay_code cpu_onednn_library_load(const char *file, const struct cpu_onednn_symbol *symbols, size_t n,
                                        unsigned threads, struct assay_error *err);
/* Ends OpenMP's idle threads; they come back when they are needed. */
void        cpu_onednn_library_rest(void);
const char *cpu_onednn_library_path(void);

#endif
