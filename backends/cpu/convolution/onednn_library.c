#include "backends/cpu/convolution/onednn_library.h"

#include <dlfcn.h>
#include <stdlib.h>

#include "assay/banned.h"

static char  path[512];
static void *library;

/* OpenMP's threads spin between regions for milliseconds unless told otherwise before their library starts; about 40 us
 * of spinning bridges the regions of one convolution and then leaves the cores to others. */
static void calm_openmp(void)
{
    (void)setenv("GOMP_SPINCOUNT", "2000", 0);
    (void)setenv("KMP_BLOCKTIME", "0", 0);
}

/* A function of the OpenMP runtime that oneDNN brought; NULL if it brought another. */
static void *find_in_openmp(const char *name)
{
    void *openmp = dlopen("libgomp.so.1", RTLD_NOW | RTLD_LOCAL | RTLD_NOLOAD);
    return openmp ? dlsym(openmp, name) : NULL;
}

static void set_openmp_threads(unsigned threads)
{
    void *symbol = find_in_openmp("omp_set_num_threads");
    void (*set_num_threads)(int);
    memcpy(&set_num_threads, &symbol, sizeof symbol);
    if (symbol)
        set_num_threads((int)threads);
}

void cpu_onednn_library_rest(void)
{
    void *symbol = library ? find_in_openmp("omp_pause_resource_all") : NULL;
    int (*pause_all)(int);
    memcpy(&pause_all, &symbol, sizeof symbol);
    if (symbol)
        (void)pause_all(2); /* omp_pause_hard */
}

enum assay_code cpu_onednn_library_load(const char *file, const struct cpu_onednn_symbol *symbols, size_t n,
                                        unsigned threads, struct assay_error *err)
{
    if (!library) {
        calm_openmp();
        library = dlopen(file, RTLD_NOW | RTLD_LOCAL);
    }
    if (!library) {
        ASSAY_FAIL(err, ASSAY_UNAVAILABLE, "oneDNN: %s", dlerror());
        return assay_error_hint(err, "install libdnnl, or ask for conv=own");
    }
    for (size_t i = 0; i < n; i++) {
        void *symbol = dlsym(library, symbols[i].name);
        if (!symbol)
            return ASSAY_FAIL(err, ASSAY_UNAVAILABLE, "%s has no %s", file, symbols[i].name);
        memcpy(symbols[i].to, &symbol, symbols[i].bytes);
    }
    Dl_info where;
    (void)snprintf(path, sizeof path, "%s",
                   dladdr(dlsym(library, symbols[0].name), &where) && where.dli_fname ? where.dli_fname : file);
    set_openmp_threads(threads);
    return ASSAY_OK;
}

const char *cpu_onednn_library_path(void)
{
    return *path ? path : NULL;
}
