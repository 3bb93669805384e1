#include "harness/model/table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/strings.h"
#include "harness/model/routing.h"

#include "assay/banned.h"

/* The places of `columns`, then of `optional`, are those that the readers below count on. */
#define COLUMNS(...) ((const char *const[]){__VA_ARGS__, NULL})
const struct assay_cases_table assay_cases_tables[ASSAY_CASES_KINDS] = {
    [ASSAY_CASES_GEMM] = {"gemm", COLUMNS("m", "n", "k", "dtype"), COLUMNS("framework"), COLUMNS("latency_us"), 1e3},
    [ASSAY_CASES_ATTENTION] = {"attention", COLUMNS("batch", "query", "past", "heads", "kv_heads", "head_dim", "dtype"),
                               COLUMNS("compute_dtype", "kv_dtype", "framework"), COLUMNS("latency_us"), 1e3},
    [ASSAY_CASES_MOE] = {"moe_ffn", COLUMNS("tokens", "hidden", "inter", "top_k", "experts", "dtype"),
                         COLUMNS("tp", "ep", "routing"), COLUMNS("latency_us"), 1e3},
    [ASSAY_CASES_COLLECTIVE] = {"collective", COLUMNS("op", "devices", "bytes"), (const char *const[]){NULL},
                                COLUMNS("latency_us"), 1e3},
    [ASSAY_CASES_TRAIN] = {"train", COLUMNS("devices", "model", "global_batch", "tp", "pp", "metric"),
                           COLUMNS("seq", "micro_batch", "cp", "vp", "ep", "dp", "fsdp", "precision", "recompute", "unit"),
                           COLUMNS("value"), 1},
    [ASSAY_CASES_SERVING] = {"serving", COLUMNS("model", "mode", "isl", "osl", "tp"),
                             COLUMNS("devices", "precision", "gemm", "moe", "kv", "concurrency", "batch", "pp", "dp", "moe_tp", "moe_ep",
                                     "server", "server_version"),
                             COLUMNS("ttft_ms", "tpot_ms"), 1e6},
    [ASSAY_CASES_MLPERF] = {"mlperf", COLUMNS("benchmark", "scenario", "acc_count", "metric"), COLUMNS("round"), COLUMNS("value"), 1},
};

static size_t lacking(const struct assay_csv *csv, const struct assay_cases_table *t, const char **first)
{
    size_t n = 0;
    for (size_t i = 0; t->columns[i]; i++)
        if (assay_csv_column(csv, t->columns[i]) == csv->n_columns && !n++)
            *first = t->columns[i];
    return n;
}

static size_t columns_count(const struct assay_cases_table *t)
{
    size_t n = 0;
    while (t->columns[n])
        n++;
    return n;
}

enum assay_code assay_cases_recognise(const struct assay_csv *csv, enum assay_cases_kind *out, struct assay_error *err)
{
    size_t      least = SIZE_MAX, most = 0;
    int         found = -1, nearest = 0;
    const char *missing = "";
    for (int i = 0; i < ASSAY_CASES_KINDS; i++) {
        const char *first = "";
        size_t      n = lacking(csv, &assay_cases_tables[i], &first), all = columns_count(&assay_cases_tables[i]);
        if (!n && all > most) {
            most = all;
            found = i;
        }
        if (n < least) {
            least = n;
            nearest = i;
            missing = first;
        }
    }
    if (found < 0) {
        (void)ASSAY_FAIL(err, ASSAY_DATA, "these columns make no table that is known; nearest is '%s', which needs a column '%s'",
                         assay_cases_tables[nearest].name, missing);
        return assay_error_hint(err, "tables: gemm, attention, moe_ffn, collective, train, serving, mlperf (harness/model/README.md)");
    }
    *out = (enum assay_cases_kind)found;
    return ASSAY_OK;
}

enum assay_code assay_cases_recognise_file(const char *path, enum assay_cases_kind *out, struct assay_error *err)
{
    struct assay_csv csv;
    if (assay_csv_read(path, &csv, err))
        return err->code;
    enum assay_code code = assay_cases_recognise(&csv, out, err);
    assay_csv_release(&csv);
    return code ? assay_error_in(err, "reading '%.100s'", path) : ASSAY_OK;
}

struct assay_cases_columns assay_cases_columns_of(const struct assay_csv *csv, enum assay_cases_kind kind)
{
    struct assay_cases_columns      c = {.kind = kind, .device = assay_csv_column(csv, "device")};
    const struct assay_cases_table *t = &assay_cases_tables[kind];
    size_t                          n = 0;
    if (c.device == csv->n_columns)
        c.device = assay_csv_column(csv, "accelerator");
    for (size_t i = 0; t->columns[i]; i++)
        c.at[n++] = assay_csv_column(csv, t->columns[i]);
    for (size_t i = 0; t->optional[i]; i++)
        c.at[n++] = assay_csv_column(csv, t->optional[i]);
    return c;
}

const char *assay_cases_text(const struct assay_cases_row *r, size_t place)
{
    size_t column = r->c->at[place];
    return column < r->csv->n_columns ? assay_csv_cell(r->csv, r->row, column) : "";
}

enum assay_code assay_cases_number(const struct assay_cases_row *r, size_t place, double least, double otherwise, double *out,
                                   struct assay_error *err)
{
    const char *text = assay_cases_text(r, place);
    char       *end = NULL;
    double      value = *text ? strtod(text, &end) : otherwise;
    if (isnan(value) || (end && *end) || value < least || value > 1e18) {
        const struct assay_cases_table *t = &assay_cases_tables[r->c->kind];
        size_t                          n = columns_count(t);
        return ASSAY_FAIL(err, ASSAY_DATA, "%s is '%.40s', not a number of at least %g",
                          place < n ? t->columns[place] : t->optional[place - n], text, least);
    }
    *out = value;
    return ASSAY_OK;
}

/* Of an element with its block's scale: eight bits to 32 elements (OCP Microscaling 1.0); sixteen to 128 (AWQ, GPTQ). */
#define MX8_BYTES (1 + 1 / 32.0)
#define MX4_BYTES (0.5 + 1 / 32.0)
#define I4_BYTES (0.5 + 2 / 128.0)

/* Names of the frameworks whose figures these are, then our own. */
static const struct assay_cases_format formats[] = {
    {"bfloat16", ASSAY_BF16, 2, 2, ASSAY_SCALING_NONE, ASSAY_FORMAT_WIDE},
    {"bf16", ASSAY_BF16, 2, 2, ASSAY_SCALING_NONE, ASSAY_FORMAT_WIDE},
    {"fp16", ASSAY_F16, 2, 2, ASSAY_SCALING_NONE, ASSAY_FORMAT_WIDE},
    {"float16", ASSAY_F16, 2, 2, ASSAY_SCALING_NONE, ASSAY_FORMAT_WIDE},
    {"f16", ASSAY_F16, 2, 2, ASSAY_SCALING_NONE, ASSAY_FORMAT_WIDE},
    {"fp32", ASSAY_F32, 4, 4, ASSAY_SCALING_NONE, ASSAY_FORMAT_WIDE},
    {"float32", ASSAY_F32, 4, 4, ASSAY_SCALING_NONE, ASSAY_FORMAT_WIDE},
    {"f32", ASSAY_F32, 4, 4, ASSAY_SCALING_NONE, ASSAY_FORMAT_WIDE},
    {"fp8", ASSAY_F8E4M3, 1, 1, ASSAY_SCALING_TENSOR, ASSAY_FORMAT_F8},
    {"f8e4m3", ASSAY_F8E4M3, 1, 1, ASSAY_SCALING_TENSOR, ASSAY_FORMAT_F8},
    {"float8_e4m3fn", ASSAY_F8E4M3, 1, 1, ASSAY_SCALING_TENSOR, ASSAY_FORMAT_F8},
    {"fp8_block", ASSAY_F8E4M3, 1, 1, ASSAY_SCALING_BLOCK, ASSAY_FORMAT_BLOCK},
    {"fp8_static", ASSAY_F8E4M3, 1, 1, ASSAY_SCALING_TENSOR, ASSAY_FORMAT_F8},
    {"mxfp8", ASSAY_F8E4M3, MX8_BYTES, MX8_BYTES, ASSAY_SCALING_BLOCK, ASSAY_FORMAT_BLOCK},
    {"nvfp4", ASSAY_F4E2M1, 0.5625, 0.5625, ASSAY_SCALING_BLOCK, ASSAY_FORMAT_F4},
    {"fp4", ASSAY_F4E2M1, 0.5625, 0.5625, ASSAY_SCALING_BLOCK, ASSAY_FORMAT_F4}, /* as servers call it */
    {"mxfp4", ASSAY_F4E2M1, MX4_BYTES, MX4_BYTES, ASSAY_SCALING_BLOCK, ASSAY_FORMAT_F4},
    {"int8", ASSAY_I8, 1, 1, ASSAY_SCALING_TENSOR, ASSAY_FORMAT_F8},
    /* weights of four bits that are widened on the way in */
    {"int4_wo", ASSAY_BF16, I4_BYTES, 2, ASSAY_SCALING_NONE, ASSAY_FORMAT_F4},
    {"w4a16_mxfp4", ASSAY_BF16, MX4_BYTES, 2, ASSAY_SCALING_NONE, ASSAY_FORMAT_F4},
    {"w4afp8", ASSAY_F8E4M3, I4_BYTES, 1, ASSAY_SCALING_TENSOR, ASSAY_FORMAT_F4},
    {"w4a8_mxfp4_fp8", ASSAY_F8E4M3, MX4_BYTES, 1, ASSAY_SCALING_TENSOR, ASSAY_FORMAT_F4},
    {"w4a8_mxfp4_mxfp8", ASSAY_F8E4M3, MX4_BYTES, MX8_BYTES, ASSAY_SCALING_BLOCK, ASSAY_FORMAT_F4},
};

enum assay_code assay_cases_format_of(const char *name, struct assay_cases_format *out, struct assay_error *err)
{
    const char *names[sizeof formats / sizeof *formats], *near;
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        names[i] = formats[i].name;
        if (!strcmp(name, formats[i].name)) {
            *out = formats[i];
            return ASSAY_OK;
        }
    }
    (void)ASSAY_FAIL(err, ASSAY_DATA, "unknown dtype '%.40s'", name);
    near = assay_string_nearest(name, names, sizeof formats / sizeof *formats);
    return near ? assay_error_hint(err, "did you mean '%s'?", near) : err->code;
}

static enum assay_code read_gemm(const struct assay_cases_row *r, struct assay_kernel *out, struct assay_error *err)
{
    struct assay_gemm_shape s = {.batch = 1};
    struct assay_cases_format f;
    if (assay_cases_number(r, 0, 1, NAN, &s.m, err) || assay_cases_number(r, 1, 1, NAN, &s.n, err) || assay_cases_number(r, 2, 1, NAN, &s.k, err) ||
        assay_cases_format_of(assay_cases_text(r, 3), &f, err))
        return err->code;
    bool stack = *assay_cases_text(r, 4) != 0; /* a serving stack's layer, whose operand arrives in 16 bits; else a bare product */
    s.compute = f.dtype;
    s.a_bytes = f.activation_bytes;
    s.b_bytes = f.bytes;
    s.c_bytes = fmin(fmax(f.bytes, 2), 4);
    s.scaling = f.scaling;
    s.host_launched = !stack && r->c->at[4] < r->csv->n_columns;
    s.quantises = (stack || r->c->at[4] == r->csv->n_columns) && f.scaling != ASSAY_SCALING_NONE;
    *out = (struct assay_kernel){.class = ASSAY_KERNEL_GEMM, .format = f.class, .loops_weights = stack, .gemm = s};
    return ASSAY_OK;
}

static enum assay_code read_attention(const struct assay_cases_row *r, struct assay_kernel *out, struct assay_error *err)
{
    struct assay_attention_shape s = {.causal = true};
    struct assay_cases_format f, compute, kv;
    if (assay_cases_number(r, 0, 1, NAN, &s.batch, err) || assay_cases_number(r, 1, 1, NAN, &s.query, err) || assay_cases_number(r, 2, 0, 0, &s.past, err) ||
        assay_cases_number(r, 3, 1, NAN, &s.heads, err) || assay_cases_number(r, 4, 1, NAN, &s.kv_heads, err) ||
        assay_cases_number(r, 5, 1, NAN, &s.head_dim, err) || assay_cases_format_of(assay_cases_text(r, 6), &f, err))
        return err->code;
    compute = kv = f;
    if ((*assay_cases_text(r, 7) && assay_cases_format_of(assay_cases_text(r, 7), &compute, err)) || (*assay_cases_text(r, 8) && assay_cases_format_of(assay_cases_text(r, 8), &kv, err)))
        return err->code;
    s.value_dim = s.head_dim;
    s.compute = compute.dtype;
    s.q_bytes = f.bytes;
    s.kv_bytes = kv.bytes;
    bool decode = s.query == 1 && s.past > 0;
    *out = (struct assay_kernel){.class = decode ? ASSAY_KERNEL_DECODE : ASSAY_KERNEL_PREFILL,
                                 .format = decode ? kv.class : compute.class,
                                 .attention = s};
    return ASSAY_OK;
}

/* "balanced", "uniform", "power_law_1.2": the exponent. */
static enum assay_code routing_exponent(const char *name, double *out, struct assay_error *err)
{
    static const char law[] = "power_law_";
    char             *end = NULL;
    if (!*name || !strcmp(name, "balanced") || !strcmp(name, "uniform")) {
        *out = 0;
        return ASSAY_OK;
    }
    if (!strncmp(name, law, strlen(law)))
        *out = strtod(name + strlen(law), &end);
    if (!end || *end || end == name + strlen(law) || !(*out >= 0 && *out < 10))
        return ASSAY_FAIL(err, ASSAY_DATA, "unknown routing '%.40s' (balanced, power_law_EXPONENT)", name);
    return ASSAY_OK;
}

static enum assay_code read_moe(const struct assay_cases_row *r, struct assay_kernel *out, struct assay_error *err)
{
    struct assay_moe_shape s = {0};
    struct assay_cases_format f;
    double                 exponent = 0;
    if (assay_cases_number(r, 0, 1, NAN, &s.tokens, err) || assay_cases_number(r, 1, 1, NAN, &s.hidden, err) ||
        assay_cases_number(r, 2, 1, NAN, &s.inter, err) || assay_cases_number(r, 3, 1, NAN, &s.top_k, err) ||
        assay_cases_number(r, 4, 1, NAN, &s.experts, err) || assay_cases_format_of(assay_cases_text(r, 5), &f, err) || assay_cases_number(r, 6, 1, 1, &s.tp, err) ||
        assay_cases_number(r, 7, 1, 1, &s.ep, err) || routing_exponent(assay_cases_text(r, 8), &exponent, err))
        return err->code;
    struct assay_routing routing = assay_routing_of(exponent, s.tokens, s.top_k, s.experts, s.ep);
    s.imbalance = routing.imbalance;
    s.touched = routing.touched;
    s.compute = f.dtype;
    s.weight_bytes = f.bytes;
    s.token_bytes = 2;
    s.loops = true;
    s.scaling = f.scaling;
    *out = (struct assay_kernel){.class = ASSAY_KERNEL_MOE, .format = f.class, .moe = s};
    return ASSAY_OK;
}

static enum assay_code read_collective(const struct assay_cases_row *r, struct assay_kernel *out, struct assay_error *err)
{
    static const char *const      names[] = {"all_reduce", "all_gather", "reduce_scatter", "alltoall", "broadcast", "send"};
    struct assay_collective_shape s = {0};
    if (assay_cases_number(r, 1, 2, NAN, &s.devices, err) || assay_cases_number(r, 2, 1, NAN, &s.bytes, err))
        return err->code;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!strcmp(assay_cases_text(r, 0), names[i])) {
            s.op = (enum assay_collective_op)i;
            *out = (struct assay_kernel){.class = ASSAY_KERNEL_COLLECTIVE, .collective = s};
            return ASSAY_OK;
        }
    return ASSAY_FAIL(err, ASSAY_DATA, "unknown collective '%.40s'", assay_cases_text(r, 0));
}

enum assay_code assay_cases_kernel(const struct assay_csv *csv, const struct assay_cases_columns *c, size_t row,
                                   struct assay_kernel *out, struct assay_error *err)
{
    const struct assay_cases_row r = {csv, c, row};
    switch (c->kind) {
    case ASSAY_CASES_GEMM: return read_gemm(&r, out, err);
    case ASSAY_CASES_ATTENTION: return read_attention(&r, out, err);
    case ASSAY_CASES_MOE: return read_moe(&r, out, err);
    case ASSAY_CASES_COLLECTIVE: return read_collective(&r, out, err);
    case ASSAY_CASES_SERVING:
    case ASSAY_CASES_TRAIN:
    case ASSAY_CASES_MLPERF:
    case ASSAY_CASES_KINDS: break;
    }
    return ASSAY_FAIL(err, ASSAY_UNSUPPORTED, "a row of the table %s is no kernel", assay_cases_tables[c->kind].name);
}

#define COPIES_MOST 5.0

/* The loops that measure products go round a few copies of the weights, so that the last-level cache does not keep them: as many
 * as fill it, five at the most. What is smaller than a fifth of the cache stays in it after all. */
static double rotated_of(const struct assay_chip *chip, const struct assay_gemm_shape *s)
{
    double weights = s->batch * s->n * s->k * s->b_bytes, llc = chip->field[ASSAY_DEVICE_LLC];
    return isnan(llc) ? 0 : weights * fmin(COPIES_MOST, fmax(1, ceil(llc / weights)));
}

enum assay_code assay_kernel_price(const struct assay_chip *chip, const struct assay_coefficients *k,
                                   const struct assay_kernel *kernel, struct assay_price *out, struct assay_error *err)
{
    struct assay_gemm_shape gemm;
    switch (kernel->class) {
    case ASSAY_KERNEL_GEMM:
        gemm = kernel->gemm;
        if (kernel->loops_weights)
            gemm.rotated_bytes = rotated_of(chip, &gemm);
        return assay_price_gemm(chip, k, &gemm, out, err);
    case ASSAY_KERNEL_PREFILL: return assay_price_prefill(chip, k, &kernel->attention, out, err);
    case ASSAY_KERNEL_DECODE: return assay_price_decode(chip, k, &kernel->attention, out, err);
    case ASSAY_KERNEL_MOE: return assay_price_moe(chip, k, &kernel->moe, out, err);
    case ASSAY_KERNEL_COLLECTIVE: return assay_price_collective(chip, k, &kernel->collective, out, err);
    case ASSAY_KERNEL_CONV:
    case ASSAY_KERNEL_MEMORY:
    case ASSAY_KERNEL_TRANSFER:
    case ASSAY_KERNEL_CLASSES: break;
    }
    return ASSAY_FAIL(err, ASSAY_INTERNAL, "a row of class %d", (int)kernel->class);
}
