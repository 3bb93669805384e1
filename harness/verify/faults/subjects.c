#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/ir/infer.h"
#include "harness/verify/expected.h"
#include "harness/verify/faults/subjects.h"
#include "reference/formats/formats.h"
#include "suites/data/fill.h"

#include "assay/banned.h"

#define CASE_ID "fa017fa017fa0170"
#define AMPLE 1e12 /* operations: the judge is never short of them here */

#define LONG(op, inputs, attrs, n, fill) {op, inputs, attrs, n, ASSAY_SAMPLE_##fill, ASSAY_SAMPLE_LONG}
#define UNIFORM(lo, hi) {ASSAY_FILL_UNIFORM, lo, hi}
#define SIGNED UNIFORM(-1, 1)
#define EXACT {ASSAY_FILL_UNLIKE, 24, 0}
#define CANCEL {ASSAY_FILL_CANCELLING, 1, 0x1p-6}
#define SPREAD {ASSAY_FILL_WIDE, -20, 20}
#define F32S ASSAY_F32, ASSAY_F32
#define MULTIPLIED (ASSAY_FAULT_MATRIX | ASSAY_FAULT_SUMS | ASSAY_FAULT_PRODUCT)
#define FULL_F32 (ASSAY_FAULT_FULL | ASSAY_FAULT_F32)
#define REDUCED (ASSAY_FAULT_SUMS | ASSAY_FAULT_REDUCTION | FULL_F32)

const struct assay_fault_subject assay_fault_subjects[] = {
    {"MatMul K=64", LONG("MatMul", "f[24,64] f[64,40]", "", 1, SIGNED), F32S, SIGNED, MULTIPLIED | FULL_F32},
    {"MatMul K=512", LONG("MatMul", "f[24,512] f[512,40]", "", 1, SIGNED), F32S, SIGNED, MULTIPLIED | FULL_F32},
    {"MatMul K=4096", LONG("MatMul", "f[12,4096] f[4096,20]", "", 1, SIGNED), F32S, SIGNED, MULTIPLIED | FULL_F32},
    {"MatMul K=64, 300 x 240", LONG("MatMul", "f[300,64] f[64,240]", "", 1, SIGNED), F32S, SIGNED, MULTIPLIED | FULL_F32 | ASSAY_FAULT_LARGE},
    {"MatMul K=512, exact", LONG("MatMul", "f[24,512] f[512,40]", "", 1, SIGNED), F32S, EXACT, MULTIPLIED | ASSAY_FAULT_FULL | ASSAY_FAULT_F32 | ASSAY_FAULT_FEW},
    {"MatMul K=512, cancel", LONG("MatMul", "f[24,512] f[512,40]", "", 1, SIGNED), F32S, CANCEL, MULTIPLIED | FULL_F32},
    {"MatMul K=512, wide", LONG("MatMul", "f[24,512] f[512,40]", "", 1, SIGNED), F32S, SPREAD, MULTIPLIED | FULL_F32 | ASSAY_FAULT_WIDE},
    {"MatMul K=512, bf16", LONG("MatMul", "f[24,512] f[512,40]", "", 1, SIGNED), ASSAY_BF16, ASSAY_BF16, SIGNED, MULTIPLIED | ASSAY_FAULT_ROUNDED},
    {"MatMul K=512, f16", LONG("MatMul", "f[24,512] f[512,40]", "", 1, SIGNED), ASSAY_F16, ASSAY_F16, SIGNED, MULTIPLIED | ASSAY_FAULT_ROUNDED | ASSAY_FAULT_HALF},
    {"MatMul K=512, f32 of f16", LONG("MatMul", "f[24,512] f[512,40]", "", 1, SIGNED), ASSAY_F32, ASSAY_F16, SIGNED, MULTIPLIED | ASSAY_FAULT_F32 | ASSAY_FAULT_HALF},
    {"MatMulInteger K=64", LONG("MatMulInteger", "u8[24,64] i8[64,40]", "", 1, SIGNED), F32S, SIGNED,
     ASSAY_FAULT_MATRIX | ASSAY_FAULT_PRODUCT | ASSAY_FAULT_BYTES | ASSAY_FAULT_FEW},
    {"Gemm K=512", LONG("Gemm", "f[24,512] f[40,512] f[40]", "transB=1 alpha=0.5", 1, SIGNED), F32S, SIGNED,
     ASSAY_FAULT_MATRIX | ASSAY_FAULT_SUMS | ASSAY_FAULT_BIAS | ASSAY_FAULT_FACTOR | FULL_F32},
    {"Conv 3 x 3", LONG("Conv", "f[2,32,9,11] f[24,32,3,3] f[24]", "pads=[1,1,1,1] strides=[2,1]", 1, SIGNED), F32S, SIGNED,
     ASSAY_FAULT_MATRIX | ASSAY_FAULT_SUMS | ASSAY_FAULT_BIAS | ASSAY_FAULT_CONV | FULL_F32},
    {"Attention", LONG("Attention", "f[2,4,19,64] f[2,4,37,64] f[2,4,37,64]", "", 1, SIGNED), F32S, SIGNED,
     ASSAY_FAULT_MATRIX | ASSAY_FAULT_ATTENTION | ASSAY_FAULT_SUMS | ASSAY_FAULT_F32},
    {"Attention, causal", LONG("Attention", "f[1,8,33,64] f[1,2,33,64] f[1,2,33,64]", "is_causal=1", 1, SIGNED), F32S, SIGNED,
     ASSAY_FAULT_MATRIX | ASSAY_FAULT_ATTENTION | ASSAY_FAULT_CAUSAL | ASSAY_FAULT_SUMS | ASSAY_FAULT_F32},
    {"Softmax", LONG("Softmax", "f[8,1000]", "", 1, SIGNED), F32S, SIGNED, ASSAY_FAULT_MATRIX | ASSAY_FAULT_SOFTMAX | ASSAY_FAULT_SUMS | ASSAY_FAULT_F32},
    {"LayerNorm", LONG("LayerNormalization", "f[8,768] f[768] f[768]", "", 1, SIGNED), F32S, SIGNED,
     ASSAY_FAULT_MATRIX | ASSAY_FAULT_NORM | ASSAY_FAULT_CENTRED | ASSAY_FAULT_SUMS | ASSAY_FAULT_F32},
    {"LayerNorm, mean 64", LONG("LayerNormalization", "f[8,768] f[768] f[768]", "", 1, SIGNED), F32S, UNIFORM(63, 65),
     ASSAY_FAULT_MATRIX | ASSAY_FAULT_NORM | ASSAY_FAULT_CENTRED | ASSAY_FAULT_F32},
    {"RMSNorm", LONG("RMSNormalization", "f[8,768] f[768]", "", 1, SIGNED), F32S, SIGNED,
     ASSAY_FAULT_MATRIX | ASSAY_FAULT_NORM | ASSAY_FAULT_SUMS | ASSAY_FAULT_F32},
    {"ReduceSum", LONG("ReduceSum", "f[96,1024] i64{1}", "keepdims=0", 1, SIGNED), F32S, SIGNED, REDUCED},
    {"ReduceMean", LONG("ReduceMean", "f[96,1024] i64{1}", "keepdims=0", 1, SIGNED), F32S, SIGNED, REDUCED | ASSAY_FAULT_MEAN},
    {"ReduceMax", LONG("ReduceMax", "f[96,1024] i64{1}", "keepdims=0", 1, SIGNED), F32S, SIGNED, ASSAY_FAULT_MAX | ASSAY_FAULT_F32},
    {"Gelu", LONG("Gelu", "f[1003]", "", 1, SIGNED), F32S, UNIFORM(-3, 3), ASSAY_FAULT_GELU | ASSAY_FAULT_F32 | ASSAY_FAULT_ROUNDED},
    {"Add, bf16", LONG("Add", "f[1003] f[1003]", "", 1, SIGNED), ASSAY_BF16, ASSAY_BF16, SIGNED, ASSAY_FAULT_ROUNDED},
    {"Gather", LONG("Gather", "f[100,24] i64[64]", "", 1, SIGNED), F32S, SIGNED, ASSAY_FAULT_MATRIX | ASSAY_FAULT_GATHER | ASSAY_FAULT_F32},
    {"Transpose", LONG("Transpose", "f[48,40]", "", 1, SIGNED), F32S, SIGNED, ASSAY_FAULT_MATRIX | ASSAY_FAULT_F32},
    {"AdamW", LONG("assay.AdamW", "f[] i64[]{3} f[1003] f[1003] f[1003] f[1003]", "weight_decay=0.1", 3, POSITIVE), F32S, UNIFORM(0.5, 1.5),
     ASSAY_FAULT_ADAM | ASSAY_FAULT_F32},
};
const size_t assay_fault_subjects_n = sizeof assay_fault_subjects / sizeof *assay_fault_subjects;

const struct assay_fault_subject *assay_fault_subject_named(const char *name)
{
    for (size_t i = 0; i < assay_fault_subjects_n; i++)
        if (!strcmp(assay_fault_subjects[i].name, name))
            return &assay_fault_subjects[i];
    return NULL;
}

/* ---- the graph ----------------------------------------------------------------------------------------------- */

static bool is_operand(const struct assay_value *v)
{
    return v->producer < 0 && v->role == ASSAY_ROLE_INPUT;
}

/* Bytes over all of their range that makes pairs of products large; indices of the subject that has them. */
static struct assay_fill fill_of(const struct assay_fault_subject *s, enum assay_dtype dtype)
{
    switch (dtype) {
    case ASSAY_U8: return (struct assay_fill){ASSAY_FILL_INTEGERS, 0, 255};
    case ASSAY_I8: return (struct assay_fill){ASSAY_FILL_INTEGERS, -127, 127};
    case ASSAY_I64: return (struct assay_fill){ASSAY_FILL_INTEGERS, 0, 98};
    case ASSAY_BOOL: return (struct assay_fill){ASSAY_FILL_INTEGERS, 0, 1};
    default: return s->fill;
    }
}

static void cast_operands(const struct assay_fault_subject *s, struct assay_graph *g, int32_t *in, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (in[i] == ASSAY_NO_VALUE || !is_operand(&g->values[in[i]]))
            continue;
        enum assay_dtype dtype = g->values[in[i]].dtype;
        char             name[32];
        struct assay_attr attrs[] = {ASSAY_ATTR_INT("to", assay_onnx_number(s->dtype)), ASSAY_ATTR_END};
        g->values[in[i]].fill = fill_of(s, dtype);
        (void)snprintf(name, sizeof name, "cast%zu", i);
        if (dtype == s->operands && dtype != s->dtype)
            in[i] = assay_graph_op(g, "Cast", name, &in[i], 1, attrs);
    }
}

enum assay_code assay_fault_graph(const struct assay_fault_subject *subject, const struct assay_sample *s,
                                  struct assay_graph **out, struct assay_error *err)
{
    int32_t             in[ASSAY_OP_MAX_OPERANDS], y[8];
    struct assay_graph *g = assay_graph_new("fault");
    if (!g)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a graph");
    size_t n = assay_node_inputs_read(g, subject->operands, subject->fill, s->inputs, in);
    cast_operands(subject, g, in, n);
    assay_node_add(g, s->op, in, n, s->attrs, (size_t)s->n_outputs, y);
    for (int o = 0; o < s->n_outputs; o++)
        assay_graph_output(g, y[o]);
    if (assay_graph_finish(g, err)) {
        assay_graph_free(g);
        return assay_error_in(err, "making %s of '%s'", s->op, s->inputs);
    }
    *out = g;
    return ASSAY_OK;
}

/* ---- draws --------------------------------------------------------------------------------------------------- */

static enum assay_code fill(void *self, const struct assay_graph *g, int32_t value, uint64_t set, void *to, struct assay_error *err)
{
    const struct assay_fault_draw *d = self;
    return assay_fill_value(g, value, d->seed, set, to, err);
}

static enum assay_code draw_operands(const struct assay_graph *g, struct assay_fault_draw *d, struct assay_error *err)
{
    for (uint32_t v = 0; v < g->n_values; v++) {
        const struct assay_value *value = &g->values[v];
        if (!is_operand(value))
            continue;
        void *bytes = malloc((size_t)value->bytes + 1);
        d->in[v] = malloc((value->elements + 1) * sizeof(double));
        if (!bytes || !d->in[v])
            (void)ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for operands");
        else if (!fill(d, g, (int32_t)v, 0, bytes, err))
            assay_to_double(value->dtype, bytes, (size_t)value->elements, d->in[v]);
        free(bytes);
        if (err->code)
            return err->code;
    }
    return ASSAY_OK;
}

/* Streams of neighbouring seeds may be each other's for two operands whose names differ by one: a sum of both would not tell. */
static uint64_t scattered(uint64_t seed)
{
    struct assay_random random;
    assay_random_init(&random, seed);
    return assay_random_u64(&random);
}

static enum assay_code make_draw(struct assay_fault_bench *b, uint64_t seed, struct assay_fault_draw *d, struct assay_error *err)
{
    d->seed = scattered(seed);
    d->in = calloc(b->graph->n_values, sizeof *d->in);
    d->out = calloc(b->n_outputs, sizeof *d->out);
    if (!d->in || !d->out)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a draw of operands");
    for (size_t o = 0; o < b->n_outputs; o++)
        if (!(d->out[o] = malloc((b->graph->values[b->output[o]].elements + 1) * sizeof(double))))
            return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for outputs");
    if (draw_operands(b->graph, d, err) || assay_paper_compute(&b->honest, b->graph, (const double *const *)d->in, d->out, err))
        return err->code;
    return assay_expected_new(CASE_ID, b->graph, fill, d, AMPLE, AMPLE, &d->expected, err);
}

enum assay_code assay_fault_bench_new(const struct assay_fault_subject *subject, size_t n_draws, uint64_t seed,
                                      struct assay_fault_bench **out, struct assay_error *err)
{
    struct assay_fault_bench *b = calloc(1, sizeof *b);
    if (b)
        b->draw = calloc(n_draws, sizeof *b->draw);
    if (!b || !b->draw) {
        free(b);
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a subject");
    }
    b->subject = subject;
    b->n_draws = n_draws;
    /* Memory where there is a file system of it: a witness is synced three times. */
    (void)snprintf(b->witness, sizeof b->witness, "%s/assay-fault-%d.bin", access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm", (int)getpid());
    if (!assay_paper_honest(&b->honest, err) && !assay_fault_graph(subject, &subject->sample, &b->graph, err))
        b->n_outputs = assay_graph_outputs(b->graph, b->output, sizeof b->output / sizeof *b->output);
    for (size_t i = 0; !err->code && i < n_draws; i++)
        (void)make_draw(b, seed + i, &b->draw[i], err);
    if (err->code) {
        assay_fault_bench_free(b);
        return assay_error_in(err, "preparing '%s'", subject->name);
    }
    *out = b;
    return ASSAY_OK;
}

void assay_fault_bench_free(struct assay_fault_bench *b)
{
    if (!b)
        return;
    for (size_t i = 0; i < b->n_draws; i++) {
        struct assay_fault_draw *d = &b->draw[i];
        for (uint32_t v = 0; d->in && v < b->graph->n_values; v++)
            free(d->in[v]);
        for (size_t o = 0; d->out && o < b->n_outputs; o++)
            free(d->out[o]);
        free(d->in);
        free(d->out);
        assay_expected_free(d->expected);
    }
    free(b->draw);
    (void)unlink(b->witness);
    assay_graph_free(b->graph);
    free(b);
}
