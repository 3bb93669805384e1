/* One op by itself, on operands with a purpose: what `assay validate --level ops` is made of. Which nodes there are is said by the
 * samples of every op (harness/ir/samples.h). */
#include <inttypes.h>
#include <string.h>

#include "harness/ir/infer.h"
#include "harness/ir/samples.h"
#include "suites/workloads/workloads.h"

#include "assay/banned.h"

enum fill { RANDOM, EXACT, CANCEL, WIDE, SPECIAL };

struct op {
    int64_t          op, size, form, fill;
    enum assay_dtype dtype, operands;
};

#define ASSAY_OP(name, domain, min_in, max_in, min_out, max_out) #name,
static const char *const names[] = {
#include "harness/ir/ops.def"
    NULL};
#undef ASSAY_OP
static const char *const sizes[] = {"small", "long", NULL};
static const char *const fills[] = {"random", "exact", "cancel", "wide", "special", NULL};

static const struct assay_option params[] = {
    {.name = "op", .type = ASSAY_OPT_ENUM, .offset = offsetof(struct op, op), .dflt = "MatMul", .choices = names, .help = "which op"},
    {.name = "size", .type = ASSAY_OPT_ENUM, .offset = offsetof(struct op, size), .dflt = "small", .choices = sizes,
     .help = "a few elements, or sums and rows as long as in use"},
    {.name = "form", .type = ASSAY_OPT_I64, .offset = offsetof(struct op, form), .dflt = "1", .min = 1, .max = 1000,
     .help = "which of the op's samples of this size, from 1"},
    {.name = "fill", .type = ASSAY_OPT_ENUM, .offset = offsetof(struct op, fill), .dflt = "random", .choices = fills,
     .help = "random; exact: whole numbers unlike their neighbours; cancel: pairs that take each other away; wide: magnitudes from 2^-20 "
             "to 2^20; special: one in 40 is NaN, infinite, zero or subnormal"},
    ASSAY_PARAM_DTYPE(struct op, dtype),
    {.name = "operands", .type = ASSAY_OPT_DTYPE, .offset = offsetof(struct op, operands), .dflt = "f32",
     .help = "a narrower format that the operands come in, to be cast to dtype; f32: they come in dtype"},
    {0},
};

/* Without the domain. */
static bool is_called(const struct assay_sample *s, const char *name)
{
    const char *dot = strrchr(s->op, '.');
    return !strcmp(dot ? dot + 1 : s->op, name);
}

static const struct assay_sample *find(const struct op *p, struct assay_graph *g)
{
    int64_t                  left = p->form;
    enum assay_sample_size   size = p->size ? ASSAY_SAMPLE_LONG : ASSAY_SAMPLE_SMALL;
    for (size_t i = 0; i < assay_samples_n; i++)
        if (assay_samples[i].size == size && is_called(&assay_samples[i], names[p->op]) && --left == 0)
            return &assay_samples[i];
    (void)ASSAY_FAIL(&g->first_error, ASSAY_CONFIG, "op %s has %" PRId64 " %s forms, not %" PRId64, names[p->op], p->form - left, sizes[p->size],
                     p->form);
    return NULL;
}

static enum assay_dtype made_in(const struct op *p)
{
    return p->operands == ASSAY_F32 ? p->dtype : p->operands;
}

/* Magnitudes: products of 4096 whole numbers up to 24 add up to less than 2^24; what 8-bit formats hold is smaller. */
static struct assay_fill fill_of(const struct op *p, const struct assay_sample *s)
{
    enum assay_dtype dtype = made_in(p);
    bool             narrow = assay_dtype_bits(dtype) < 16;
    switch ((enum fill)p->fill) {
    case EXACT: return (struct assay_fill){ASSAY_FILL_UNLIKE, narrow ? 8 : 24, 0};
    case CANCEL: return (struct assay_fill){ASSAY_FILL_CANCELLING, 1, 0x1p-6};
    case WIDE: return (struct assay_fill){ASSAY_FILL_WIDE, -20, 20};
    case SPECIAL: return (struct assay_fill){ASSAY_FILL_SPECIAL, 40, 0};
    case RANDOM: break;
    }
    if (!assay_dtype_is_float(dtype)) /* the whole range */
        return (struct assay_fill){ASSAY_FILL_INTEGERS, dtype == ASSAY_U8 ? 0 : -128, dtype == ASSAY_U8 ? 255 : 127};
    return assay_sample_fill_of(s);
}

static enum assay_code build(const void *given, const char *phase, struct assay_graph *g, struct assay_error *err)
{
    const struct op           *p = given;
    const struct assay_sample *s = find(p, g);
    int32_t                    in[ASSAY_OP_MAX_OPERANDS], out[ASSAY_OP_MAX_OPERANDS];
    (void)phase;
    if (!s)
        return assay_graph_finish(g, err);
    size_t n = assay_node_inputs_read(g, made_in(p), fill_of(p, s), s->inputs, in);
    for (size_t i = 0; i < n && made_in(p) != p->dtype; i++) {
        char              name[32];
        struct assay_attr attrs[] = {ASSAY_ATTR_INT("to", assay_onnx_number(p->dtype)), ASSAY_ATTR_END};
        (void)snprintf(name, sizeof name, "cast%zu", i);
        if (in[i] != ASSAY_NO_VALUE && g->values[in[i]].dtype == made_in(p) && g->values[in[i]].role == ASSAY_ROLE_INPUT)
            in[i] = assay_graph_op(g, "Cast", name, &in[i], 1, attrs);
    }
    assay_node_add(g, s->op, in, n, s->attrs, (size_t)s->n_outputs, out);
    for (int o = 0; o < s->n_outputs; o++)
        assay_graph_output(g, out[o]);
    return assay_graph_finish(g, err);
}

const struct assay_workload assay_workload_op = {
    .name = "op",
    .summary = "one op by itself, on operands that make faults visible",
    .params = params,
    .params_bytes = sizeof(struct op),
    .headline = "bytes_per_s",
    .build = build,
};
