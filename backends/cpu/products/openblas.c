#include <dlfcn.h>
#include <pthread.h>
#include <stdlib.h>

#include "backends/cpu/products/sgemm.h"

#include "assay/banned.h"

enum { ROW_MAJOR = 101, PLAIN = 111, TRANSPOSED = 112 }; /* of cblas.h */

struct cpu_openblas {
    void (*sgemm)(int order, int trans_a, int trans_b, int m, int n, int k, float alpha, const float *a, int lda,
                  const float *b, int ldb, float beta, float *c, int ldc);
    void (*set_num_threads)(int n);
    char *(*get_config)(void);
    char  path[512];
};

static struct cpu_openblas loaded;
static struct assay_error  failure;

static void *find(void *library, const char *name)
{
    void *symbol = dlsym(library, name);
    if (!symbol && !failure.code)
        ASSAY_FAIL(&failure, ASSAY_UNAVAILABLE, "libopenblas.so.0 has no %s", name);
    return symbol;
}

/* ISO C has no cast from object to function pointer; POSIX promises that copying the bytes works. */
#define FIND(field, name)                            \
    do {                                             \
        void *symbol = find(library, name);          \
        memcpy(&loaded.field, &symbol, sizeof symbol); \
    } while (0)

static void load_once(void)
{
    (void)setenv("OPENBLAS_NUM_THREADS", "1", 0); /* else it starts threads that nobody uses */
    void *library = dlopen("libopenblas.so.0", RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        ASSAY_FAIL(&failure, ASSAY_UNAVAILABLE, "OpenBLAS: %s", dlerror());
        assay_error_hint(&failure, "install libopenblas0-pthread, or ask for blas=own");
        return;
    }
    FIND(sgemm, "cblas_sgemm");
    FIND(set_num_threads, "openblas_set_num_threads");
    FIND(get_config, "openblas_get_config");
    if (failure.code)
        return;
    Dl_info where;
    void   *symbol = dlsym(library, "cblas_sgemm");
    (void)snprintf(loaded.path, sizeof loaded.path, "%s",
                   dladdr(symbol, &where) && where.dli_fname ? where.dli_fname : "libopenblas.so.0");
    loaded.set_num_threads(1);
}

enum assay_code cpu_openblas_load(const struct cpu_openblas **out, struct assay_error *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, load_once);
    if (failure.code) {
        *err = failure;
        return err->code;
    }
    *out = &loaded;
    return ASSAY_OK;
}

void cpu_openblas_sgemm(const struct cpu_openblas *blas, const struct cpu_sgemm *p)
{
    blas->sgemm(ROW_MAJOR, p->a_transposed ? TRANSPOSED : PLAIN, p->b_transposed ? TRANSPOSED : PLAIN, (int)p->m,
                (int)p->n, (int)p->k, p->alpha, p->a, (int)p->lda, p->b, (int)p->ldb, p->add ? 1.0f : 0.0f, p->c,
                (int)p->ldc);
}

const char *cpu_openblas_config(const struct cpu_openblas *blas)
{
    return blas->get_config();
}

const char *cpu_openblas_path(void)
{
    return *loaded.path ? loaded.path : NULL;
}
