/* For the tests of this folder: the plug-in with a host around it, graphs of one or a few nodes, and their data. */
#ifndef CPU_TESTS_DEVICE_H
#define CPU_TESTS_DEVICE_H

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "assay/backend.h"
#include "harness/base/options.h"
#include "harness/ir/graph.h"

extern const struct assay_backend *assay_backend_entry(const struct assay_host *host);

#define MAX_VALUES 128
#define GUARD 64 /* floats behind every tensor that must stay as they are */
#define GUARD_BITS 0x7fc0dea1u

/* What every op is tried on: both libraries and ours, each width of vectors, one to four threads. */
static const char *const every_device[] = {
    "threads=1",
    "threads=2,conv=onednn,blas=openblas",
    "threads=1,vectors=128,blas=own,conv=own",
    "threads=4,vectors=256,blas=own,conv=own",
    "threads=3,vectors=512,blas=own,conv=own",
};
#define N_DEVICES (sizeof every_device / sizeof *every_device)

struct device {
    struct assay_host           host;
    const struct assay_backend *backend;
    struct assay_session       *session;
};

static inline uint64_t test_now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static inline void test_log(enum assay_log_level level, const char *text)
{
    (void)level;
    (void)text;
}

/* false: this machine lacks what the options ask for. */
static inline bool device_open(struct device *d, const char *options)
{
    struct assay_error err = {0};
    char               parsed[256] = {0};
    memset(d, 0, sizeof *d);
    d->host = (struct assay_host){.size = sizeof d->host, .abi_major = ASSAY_ABI_MAJOR, .abi_minor = ASSAY_ABI_MINOR,
                                  .now_ns = test_now_ns, .log = test_log};
    assay_graph_lend(&d->host);
    d->backend = assay_backend_entry(&d->host);
    cr_assert_leq(d->backend->options_bytes, sizeof parsed);
    cr_assert_eq(assay_options_parse(d->backend->options, parsed, options, "cpu", &err), ASSAY_OK, "%s", err.message);
    struct assay_open how = {.size = sizeof how, .device = "host", .options = parsed};
    if (d->backend->open(&how, &d->session, &err)) {
        cr_assert_eq(err.code, ASSAY_UNAVAILABLE, "%s", err.message);
        return false;
    }
    return true;
}

static inline void device_close(struct device *d)
{
    d->backend->close(d->session);
}

/* ---- data ----------------------------------------------------------------------------------------------------- */

struct data {
    void  *at[MAX_VALUES];
    size_t bytes[MAX_VALUES];
};

static uint32_t test_random = 1;

static inline float random_float(void)
{
    test_random = test_random * 1664525u + 1013904223u;
    return (float)(int32_t)test_random / 2147483648.0f;
}

/* Inputs in [-1, 1), outputs not-a-number, a guard behind each. Consts are the graph's. */
static inline void data_new(const struct assay_graph *g, struct data *data)
{
    memset(data, 0, sizeof *data);
    cr_assert_leq(g->n_values, MAX_VALUES);
    for (uint32_t v = 0; v < g->n_values; v++) {
        const struct assay_value *value = assay_graph_value(g, (int32_t)v);
        if (value->role == ASSAY_ROLE_CONST || value->role == ASSAY_ROLE_TEMP)
            continue;
        data->bytes[v] = value->bytes;
        unsigned char *bytes = malloc(value->bytes + GUARD * sizeof(uint32_t));
        cr_assert_not_null(bytes);
        data->at[v] = bytes;
        for (size_t i = 0; i < value->bytes / sizeof(float) && value->dtype == ASSAY_F32; i++) {
            float x = value->role == ASSAY_ROLE_OUTPUT ? NAN : random_float();
            memcpy(bytes + i * sizeof x, &x, sizeof x);
        }
        for (size_t i = 0; i < value->bytes && value->dtype != ASSAY_F32; i++)
            bytes[i] = random_float() > 0;
        for (size_t i = 0; i < GUARD; i++) {
            uint32_t guard = GUARD_BITS;
            memcpy(bytes + value->bytes + i * sizeof guard, &guard, sizeof guard);
        }
    }
}

static inline void data_free(struct data *data)
{
    for (size_t i = 0; i < MAX_VALUES; i++)
        free(data->at[i]);
}

static inline bool guards_stand(const struct data *data)
{
    for (size_t v = 0; v < MAX_VALUES; v++)
        for (size_t i = 0; data->at[v] && i < GUARD; i++) {
            uint32_t guard;
            memcpy(&guard, (const char *)data->at[v] + data->bytes[v] + i * sizeof guard, sizeof guard);
            if (guard != GUARD_BITS)
                return false;
        }
    return true;
}

/* ---- running -------------------------------------------------------------------------------------------------- */

static inline struct assay_program *device_compile(struct device *d, const struct assay_graph *g, const struct data *data,
                                            bool params_fixed, struct assay_error *err)
{
    struct assay_binding    fixed[MAX_VALUES];
    struct assay_rank_class rank = {.size = sizeof rank, .graph = g, .multiplicity = 1};
    struct assay_compile    how = {.size = sizeof how, .classes = &rank, .n_classes = 1, .class_stride = sizeof rank,
                                   .fixed = fixed, .binding_stride = sizeof *fixed};
    struct assay_program   *program = NULL;
    for (uint32_t v = 0; params_fixed && v < g->n_values; v++)
        if (assay_graph_value(g, (int32_t)v)->role == ASSAY_ROLE_PARAM)
            fixed[how.n_fixed++] =
                (struct assay_binding){.value = v, .host = data->at[v], .valid_rows = ASSAY_ALL_ROWS};
    (void)d->backend->compile(d->session, &how, &program, err);
    return program;
}

static inline enum assay_code device_launch(struct device *d, struct assay_program *program, const struct assay_graph *g,
                                     const struct data *data, struct assay_error *err)
{
    struct assay_binding bindings[MAX_VALUES];
    struct assay_launch  launch = {.size = sizeof launch, .program = program, .bindings = bindings,
                                   .binding_stride = sizeof *bindings};
    for (uint32_t v = 0; v < g->n_values; v++)
        if (data->at[v])
            bindings[launch.n_bindings++] =
                (struct assay_binding){.value = v, .host = data->at[v], .valid_rows = ASSAY_ALL_ROWS};
    struct assay_event *event;
    struct assay_span   span = {.size = sizeof span};
    size_t              done = 99;
    enum assay_code     code = d->backend->execute(d->session, &launch, &event, err);
    if (code)
        return code;
    code = d->backend->poll(d->session, (struct assay_event *const[]){event}, 1, ASSAY_WAIT_FOREVER, &done, &span, err);
    d->backend->forget(d->session, event);
    if (!code)
        cr_expect(done == 0 && span.clock == ASSAY_CLOCK_HOST && span.end_ns >= span.begin_ns);
    return code;
}

/* Accepts, compiles and runs twice (a second run must not depend on what the first left); any refusal fails the test. */
static inline void device_run(struct device *d, const struct assay_graph *g, const struct data *data, bool params_fixed,
                       const char *what)
{
    struct assay_error err = {0};
    char               why[300];
    for (uint32_t i = 0; i < g->n_nodes; i++) {
        struct assay_text why_not = ASSAY_TEXT(why);
        cr_assert(d->backend->accepts(d->session, g, i, &why_not), "%s: %s", what, why);
    }
    struct assay_program *program = device_compile(d, g, data, params_fixed, &err);
    cr_assert_not_null(program, "%s: %s", what, err.message);
    for (int run = 0; run < 2; run++)
        cr_assert_eq(device_launch(d, program, g, data, &err), ASSAY_OK, "%s: %s", what, err.message);
    cr_expect(guards_stand(data), "%s: wrote behind a tensor", what);
    d->backend->discard(d->session, program);
}

static inline const float *floats(const struct data *data, int32_t value)
{
    return data->at[value];
}

/* One element: `magnitude` is the sum of the absolute values of what was added up, `terms` how many. */
static inline bool close_to(float got, double want, double magnitude, double terms)
{
    if (isnan(want) || isinf(want))
        return isnan(want) ? isnan(got) : (double)got == want;
    return fabs((double)got - want) <= (terms + 8) * 0x1p-24 * magnitude + 0x1p-126;
}

#endif
