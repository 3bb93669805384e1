/* A folder for one test, and whole files in it. */
#ifndef ASSAY_STORE_TESTS_SCRATCH_H
#define ASSAY_STORE_TESTS_SCRATCH_H

#include <criterion/criterion.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/store/record.h"

struct scratch {
    char path[64];
};

static inline struct scratch scratch_new(void)
{
    struct scratch s = {"/tmp/assay-test-XXXXXX"};
    cr_assert(mkdtemp(s.path));
    return s;
}

static inline int scratch_remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

static inline void scratch_remove(struct scratch *s)
{
    (void)nftw(s->path, scratch_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* Path of a file in it; the last four stay valid. */
static inline const char *in(const struct scratch *s, const char *name)
{
    static char     paths[4][512];
    static unsigned next;
    char           *path = paths[next++ % 4];
    (void)snprintf(path, sizeof paths[0], "%s/%.400s", s->path, name);
    return path;
}

static inline void put_bytes(const char *path, const void *data, size_t bytes)
{
    FILE *f = fopen(path, "wb");
    cr_assert(f && fwrite(data, 1, bytes, f) == bytes && fclose(f) == 0, "cannot write %s", path);
}

static inline char *get_bytes(const char *path, size_t *bytes)
{
    FILE *f = fopen(path, "rb");
    cr_assert(f, "cannot read %s", path);
    char *data = calloc(1, 1u << 22);
    *bytes = fread(data, 1, (1u << 22) - 1, f);
    (void)fclose(f);
    return data;
}

/* A small record: case i, launch l. */
static inline struct assay_record *record_of(unsigned i, uint32_t launch)
{
    static struct assay_record r;
    memset(&r, 0, sizeof r);
    (void)snprintf(r.case_name, sizeof r.case_name, "gemm/k=%u", i);
    (void)snprintf(r.id, sizeof r.id, "%016x", i);
    (void)snprintf(r.backend, sizeof r.backend, "cpu:host,threads=2");
    (void)snprintf(r.repeat, sizeof r.repeat, "assay run gemm/k=%u", i);
    r.launch = launch;
    r.status = ASSAY_STATUS_OK;
    r.evidence = ASSAY_EVIDENCE_MEASURED;
    r.metric[ASSAY_METRIC_latency_ns] =
        (struct assay_metric_value){.has_value = true, .value = 1000.5 + i, .n = 10, .clock = ASSAY_CLOCK_HOST};
    return &r;
}

#endif
