#include "harness/measure/counters_papi.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(ASSAY_WITH_PAPI) && ASSAY_WITH_PAPI
#include <papi.h>

#include "assay/banned.h"

struct assay_papi {
    size_t n_sets;
    int   *set;
    int    n_events;
    double sum[ASSAY_PAPI_MAX_EVENTS];
};

static struct assay_papi *refuse(struct assay_papi *p, const char *what, int code, char *why, size_t capacity)
{
    (void)snprintf(why, capacity, "papi: %s: %s", what, code < 0 ? PAPI_strerror(code) : "wrong version");
    assay_papi_close(p);
    return NULL;
}

/* An event set bound to a thread. The component must be known before PAPI can attach. */
static int set_new(int *set, pid_t thread)
{
    *set = PAPI_NULL;
    int code = PAPI_create_eventset(set);
    if (code == PAPI_OK)
        code = PAPI_assign_eventset_component(*set, PAPI_get_component_index("perf_event"));
    if (code == PAPI_OK && thread != (pid_t)syscall(SYS_gettid))
        code = PAPI_attach(*set, (unsigned long)thread);
    return code;
}

struct assay_papi *assay_papi_open(const pid_t *threads, size_t n_threads, char *why, size_t capacity)
{
    int wanted = (int)PAPI_VER_CURRENT, code = PAPI_is_initialized() ? wanted : PAPI_library_init(PAPI_VER_CURRENT);
    if (code != wanted)
        return refuse(NULL, "the library does not start", code, why, capacity);
    struct assay_papi *p = calloc(1, sizeof *p);
    if (!p || !(p->set = calloc(n_threads ? n_threads : 1, sizeof *p->set)))
        return refuse(p, "event sets", PAPI_ENOMEM, why, capacity);
    for (size_t t = 0; t < n_threads; t++) {
        code = set_new(&p->set[p->n_sets++], threads[t]);
        if (code != PAPI_OK)
            return refuse(p, "cannot attach to every thread", code, why, capacity);
    }
    return p;
}

void assay_papi_close(struct assay_papi *p)
{
    if (!p)
        return;
    for (size_t t = 0; t < p->n_sets; t++) {
        (void)PAPI_cleanup_eventset(p->set[t]);
        (void)PAPI_destroy_eventset(&p->set[t]);
    }
    free(p->set);
    free(p);
    /* The library stays up: a plug-in may be using it. */
}

/* Starts and stops all sets; what a trial counted is thrown away. */
static int try_all(struct assay_papi *p)
{
    long long ignored[ASSAY_PAPI_MAX_EVENTS];
    for (size_t t = 0; t < p->n_sets; t++) {
        int code = PAPI_start(p->set[t]);
        if (code != PAPI_OK)
            return code;
        code = PAPI_stop(p->set[t], ignored);
        if (code != PAPI_OK)
            return code;
    }
    return PAPI_OK;
}

int assay_papi_add(struct assay_papi *p, const char *event, char *why, size_t capacity)
{
    size_t added = 0;
    int    code = p->n_events < ASSAY_PAPI_MAX_EVENTS ? PAPI_OK : PAPI_ECOUNT;
    while (code == PAPI_OK && added < p->n_sets) {
        code = PAPI_add_named_event(p->set[added], event);
        added += code == PAPI_OK;
    }
    if (code == PAPI_OK)
        code = try_all(p);
    if (code == PAPI_OK)
        return p->n_events++;
    for (size_t t = 0; t < added; t++)
        (void)PAPI_remove_named_event(p->set[t], event);
    (void)snprintf(why, capacity, "papi: %s: %s", event, PAPI_strerror(code));
    return -1;
}

bool assay_papi_resume(struct assay_papi *p)
{
    bool all = true;
    for (size_t t = 0; p->n_events && t < p->n_sets; t++)
        all = PAPI_start(p->set[t]) == PAPI_OK && all;
    return all;
}

void assay_papi_pause(struct assay_papi *p)
{
    long long value[ASSAY_PAPI_MAX_EVENTS];
    for (size_t t = 0; p->n_events && t < p->n_sets; t++) {
        if (PAPI_stop(p->set[t], value) != PAPI_OK)
            continue;
        for (int i = 0; i < p->n_events; i++)
            p->sum[i] += (double)value[i];
    }
}

double assay_papi_value(const struct assay_papi *p, int index)
{
    return p->sum[index];
}

#else

#include "assay/banned.h"

struct assay_papi *assay_papi_open(const pid_t *threads, size_t n_threads, char *why, size_t capacity)
{
    (void)threads;
    (void)n_threads;
    (void)snprintf(why, capacity, "papi: not built in");
    return NULL;
}

void assay_papi_close(struct assay_papi *p)
{
    (void)p;
}

int assay_papi_add(struct assay_papi *p, const char *event, char *why, size_t capacity)
{
    (void)p;
    (void)snprintf(why, capacity, "papi: %s: not built in", event);
    return -1;
}

bool assay_papi_resume(struct assay_papi *p)
{
    (void)p;
    return false;
}

void assay_papi_pause(struct assay_papi *p)
{
    (void)p;
}

double assay_papi_value(const struct assay_papi *p, int index)
{
    (void)p;
    (void)index;
    return 0;
}

#endif
