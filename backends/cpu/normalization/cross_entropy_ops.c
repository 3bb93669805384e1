/* SoftmaxCrossEntropyLoss and its gradient: a row of scores a label, or columns where axes follow the classes. */
#include <math.h>

#include "backends/cpu/normalization/along.h"
#include "backends/cpu/normalization/normalization.h"

#include "assay/banned.h"

enum { NONE, SUM, MEAN };

struct loss {
    struct cpu_along along; /* the classes in the middle */
    size_t           labels;
    uint32_t         first; /* input that holds the scores */
    int              reduction;
    bool             wide, ignores; /* wide: labels are i64 */
    int64_t          ignored;
    float           *losses; /* of every label, where they are reduced */
};

struct running {
    const struct loss                      *s;
    const struct cpu_normalization_kernels *kernels;
    const float                            *x, *dloss, *weights; /* of classes; NULL: all 1 */
    const void                             *labels;
    float                                  *y, *losses; /* log_prob or dScores; may be NULL */
    float                                   factor;     /* of a reduced loss */
    size_t                                  pieces;
};

/* -1: ignored. A label that is no class is treated so too, instead of reading what is not there. */
static int64_t label_of(const struct running *r, size_t row)
{
    int64_t label = r->s->wide ? ((const int64_t *)r->labels)[row] : ((const int32_t *)r->labels)[row];
    if ((r->s->ignores && label == r->s->ignored) || label < 0 || label >= (int64_t)r->s->along.n)
        return -1;
    return label;
}

static float weight_of(const struct running *r, int64_t label)
{
    return label < 0 ? 0.0f : r->weights ? r->weights[label] : 1.0f;
}

/* ---- forward --------------------------------------------------------------------------------------------------- */

static void loss_columns(const struct running *r, size_t row, size_t columns)
{
    const struct cpu_along *s = &r->s->along;
    size_t at = row / s->inner * s->n * s->inner + row % s->inner;
    float  top[CPU_ALONG_COLUMNS], sum[CPU_ALONG_COLUMNS];
    if (r->y)
        r->kernels->log_softmax_columns(s->n, columns, s->inner, r->x + at, r->y + at);
    r->kernels->weigh_columns(s->n, columns, s->inner, r->x + at, top, sum);
    for (size_t c = 0; c < columns; c++) {
        int64_t label = label_of(r, row + c);
        r->losses[row + c] = label < 0 ? 0.0f : weight_of(r, label) * (logf(sum[c]) - (r->x[at + c + (size_t)label * s->inner] - top[c]));
    }
}

static void loss_row(const struct running *r, size_t row)
{
    const struct cpu_along *s = &r->s->along;
    const float            *x = r->x + row * s->n;
    int64_t                 label = label_of(r, row);
    float                   top, sum;
    if (r->y) {
        r->kernels->log_softmax_row(s->n, x, r->y + row * s->n);
        r->losses[row] = label < 0 ? 0.0f : weight_of(r, label) * -r->y[row * s->n + (size_t)label];
    } else if (label < 0) {
        r->losses[row] = 0.0f;
    } else {
        r->kernels->weigh_row(s->n, x, &top, &sum);
        r->losses[row] = weight_of(r, label) * (logf(sum) - (x[label] - top));
    }
}

/* ---- backward -------------------------------------------------------------------------------------------------- */

static float factor_of(const struct running *r, size_t row)
{
    return (r->s->reduction == NONE ? r->dloss[row] : r->factor) * weight_of(r, label_of(r, row));
}

static void gradient_columns(const struct running *r, size_t row, size_t columns)
{
    const struct cpu_along *s = &r->s->along;
    size_t at = row / s->inner * s->n * s->inner + row % s->inner;
    float  top[CPU_ALONG_COLUMNS], sum[CPU_ALONG_COLUMNS];
    r->kernels->weigh_columns(s->n, columns, s->inner, r->x + at, top, sum);
    for (size_t c = 0; c < columns; c++)
        sum[c] = factor_of(r, row + c) / sum[c];
    r->kernels->spread_columns(s->n, columns, s->inner, r->x + at, top, sum, r->y + at);
    for (size_t c = 0; c < columns; c++) {
        int64_t label = label_of(r, row + c);
        if (label >= 0)
            r->y[at + c + (size_t)label * s->inner] -= factor_of(r, row + c);
        for (size_t i = 0; label < 0 && i < s->n; i++)
            r->y[at + c + i * s->inner] = 0.0f;
    }
}

static void gradient_row(const struct running *r, size_t row)
{
    const struct cpu_along *s = &r->s->along;
    const float            *x = r->x + row * s->n;
    float                  *y = r->y + row * s->n, top, sum, factor = factor_of(r, row);
    int64_t                 label = label_of(r, row);
    if (label < 0) {
        memset(y, 0, s->n * sizeof *y);
        return;
    }
    r->kernels->weigh_row(s->n, x, &top, &sum);
    r->kernels->spread_row(s->n, x, top, factor / sum, y);
    y[label] -= factor;
}

/* ---- both ------------------------------------------------------------------------------------------------------ */

static void run_rows(void *self, size_t chunk, unsigned thread)
{
    const struct running *r = self;
    size_t                begin, end;
    (void)thread;
    cpu_pool_piece(r->s->labels, r->pieces, 1, chunk, &begin, &end);
    for (size_t row = begin; row < end; row++) {
        if (r->s->first)
            gradient_row(r, row);
        else
            loss_row(r, row);
    }
}

static void run_columns(void *self, size_t chunk, unsigned thread)
{
    const struct running   *r = self;
    const struct cpu_along *s = &r->s->along;
    size_t blocks = (s->inner + CPU_ALONG_COLUMNS - 1) / CPU_ALONG_COLUMNS, column = chunk % blocks * CPU_ALONG_COLUMNS;
    size_t width = s->inner - column < CPU_ALONG_COLUMNS ? s->inner - column : CPU_ALONG_COLUMNS;
    (void)thread;
    if (r->s->first)
        gradient_columns(r, chunk / blocks * s->inner + column, width);
    else
        loss_columns(r, chunk / blocks * s->inner + column, width);
}

static void run_all(const struct cpu_call *call, struct running *r)
{
    const struct cpu_along *s = &r->s->along;
    r->pieces = cpu_row_pieces(call, s);
    if (s->inner == 1)
        cpu_pool_run(call->engine->pool, r->pieces, run_rows, r);
    else
        cpu_pool_run(call->engine->pool, s->outer * ((s->inner + CPU_ALONG_COLUMNS - 1) / CPU_ALONG_COLUMNS), run_columns, r);
}

/* What a mean divides by: the weights of all labels that count, or their number. */
static double total_weight(const struct running *r)
{
    double total = 0;
    for (size_t row = 0; row < r->s->labels; row++)
        total += (double)weight_of(r, label_of(r, row));
    return total;
}

static struct running running_of(const struct loss *s, const struct cpu_call *call)
{
    return (struct running){.s = s, .kernels = call->engine->kernels->normalization, .x = call->in[s->first],
                            .labels = call->in[s->first + 1], .weights = call->in[s->first + 2]};
}

static enum assay_code run_loss(const void *state, const struct cpu_call *call, struct assay_error *err)
{
    const struct loss *s = state;
    struct running     r = running_of(s, call);
    float             *out = call->out[0];
    (void)err;
    r.y = call->out[1];
    r.losses = s->losses ? s->losses : out;
    run_all(call, &r);
    if (s->reduction == NONE)
        return ASSAY_OK;
    double sum = 0;
    for (size_t row = 0; row < s->labels; row++)
        sum += (double)s->losses[row];
    *out = (float)(s->reduction == MEAN ? sum / total_weight(&r) : sum);
    return ASSAY_OK;
}

static enum assay_code run_gradient(const void *state, const struct cpu_call *call, struct assay_error *err)
{
    const struct loss *s = state;
    struct running     r = running_of(s, call);
    (void)err;
    r.y = call->out[0];
    r.dloss = call->in[0];
    if (s->reduction != NONE)
        r.factor = s->reduction == MEAN ? *r.dloss / (float)total_weight(&r) : *r.dloss;
    run_all(call, &r);
    return ASSAY_OK;
}

static bool accepts(const struct cpu_node *node, struct assay_text *why_not)
{
    (void)node;
    (void)why_not;
    return true;
}

static void release(void *state)
{
    struct loss *s = state;
    free(s->losses);
    free(s);
}

static enum assay_code prepare(const struct cpu_node *node, uint32_t first, struct cpu_step *step, struct assay_error *err)
{
    const struct assay_value_view *x = &node->in[first];
    const char                    *reduction = cpu_attr_text(node, "reduction", "mean");
    struct loss                   *s = calloc(1, sizeof *s);
    if (!s)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a step");
    step->state = s;
    step->release = release;
    step->run = first ? run_gradient : run_loss;
    s->along = (struct cpu_along){.outer = (size_t)x->dims[0], .n = (size_t)x->dims[1], .inner = cpu_product(x, 2, x->rank)};
    s->labels = s->along.outer * s->along.inner;
    s->first = first;
    s->reduction = !strcmp(reduction, "none") ? NONE : !strcmp(reduction, "sum") ? SUM : MEAN;
    s->wide = node->in[first + 1].dtype == ASSAY_I64;
    s->ignores = node->host->attr_i64(node->graph, node->index, "ignore_index", &s->ignored);
    (void)snprintf(step->kernel, sizeof step->kernel, "vectors of ours, %zu labels of %zu classes", s->labels, s->along.n);
    if (first || s->reduction == NONE)
        return ASSAY_OK;
    s->losses = cpu_block_new(s->labels * sizeof *s->losses);
    return s->losses ? ASSAY_OK : ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for the losses of %zu labels", s->labels);
}

static enum assay_code prepare_loss(const struct cpu_engine *engine, const struct cpu_node *node, struct cpu_step *step,
                                    struct assay_error *err)
{
    (void)engine;
    return prepare(node, 0, step, err);
}

static enum assay_code prepare_gradient(const struct cpu_engine *engine, const struct cpu_node *node, struct cpu_step *step,
                                        struct assay_error *err)
{
    (void)engine;
    return prepare(node, 1, step, err);
}

const struct cpu_op cpu_op_softmax_cross_entropy_loss = {
    .name = "SoftmaxCrossEntropyLoss", .domain = "", .accepts = accepts, .prepare = prepare_loss, .integer_inputs = 1u << 1};
const struct cpu_op cpu_op_softmax_cross_entropy_grad = {
    .name = "SoftmaxCrossEntropyGrad", .domain = "assay", .accepts = accepts, .prepare = prepare_gradient,
    .integer_inputs = 1u << 2};
