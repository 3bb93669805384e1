#include "harness/verify/learned.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/file.h"
#include "harness/base/strings.h"
#include "harness/load/lesson.h"
#include "harness/verify/witness.h"
#include "harness/verify/witness_file.h"
#include "reference/formats/formats.h"
#include "reference/reference.h"
#include "suites/data/fill.h"

#include "assay/banned.h"

#define BELOW_FLOOR 6.0 /* standard deviations of chance: once in a billion */

static const char magic[8] = {'A', 'S', 'S', 'A', 'Y', 'N', 'E', 'T'};

ASSAY_PRINTF(3, 4)
static void say(struct assay_check *check, enum assay_outcome outcome, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(check->why, sizeof check->why, fmt, args);
    va_end(args);
    check->outcome = outcome;
}

/* ---- the file ------------------------------------------------------------------------------------------------ */

static size_t padded(uint64_t bytes)
{
    return ((size_t)bytes + 7) / 8 * 8;
}

static bool is_param(const struct assay_value *v)
{
    return v->role == ASSAY_ROLE_PARAM;
}

enum assay_code assay_learned_bytes(const struct assay_graph *g, size_t *out, struct assay_error *err)
{
    size_t bytes = sizeof(struct assay_witness_header);
    for (uint32_t v = 0; v < g->n_values && bytes <= ASSAY_WITNESS_MAX_BYTES; v++)
        if (is_param(&g->values[v]))
            bytes = g->values[v].bytes > ASSAY_WITNESS_MAX_BYTES ? SIZE_MAX / 2 : bytes + padded(g->values[v].bytes);
    if (bytes > ASSAY_WITNESS_MAX_BYTES)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "a net of over %u bytes of params is more than a witness can hold", ASSAY_WITNESS_MAX_BYTES);
    *out = bytes;
    return ASSAY_OK;
}

enum assay_code assay_learned_write(const char *path, const char *case_id, uint64_t seed, uint64_t steps,
                                    const struct assay_graph *g, const void *const *params, struct assay_error *err)
{
    size_t bytes, at = sizeof(struct assay_witness_header), n = 0;
    if (assay_learned_bytes(g, &bytes, err))
        return err->code;
    unsigned char *file = calloc(1, bytes);
    if (!file)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a net of %zu bytes", bytes);
    struct assay_witness_header h = {.version = ASSAY_WITNESS_VERSION, .header_bytes = sizeof h, .file_bytes = bytes, .seed = seed, .seen = steps};
    memcpy(h.magic, magic, sizeof magic);
    (void)assay_string_copy(h.case_id, sizeof h.case_id, case_id);
    for (uint32_t v = 0; v < g->n_values; v++) {
        if (!is_param(&g->values[v]))
            continue;
        memcpy(file + at, params[n++], (size_t)g->values[v].bytes);
        at += padded(g->values[v].bytes);
        h.elements += g->values[v].elements;
    }
    h.outputs = (uint32_t)n;
    memcpy(file, &h, sizeof h);
    assay_witness_seal(file, bytes);
    enum assay_code code = assay_file_replace(path, file, bytes, err);
    free(file);
    return code;
}

/* The file's bytes, found to be what they should; free *out. */
static enum assay_code read_file(const struct assay_learned_claim *c, unsigned char **out, struct assay_error *err)
{
    struct assay_witness_header h = {.version = 0};
    size_t                      bytes, length;
    char                       *file = NULL;
    if (assay_learned_bytes(c->evaluation, &bytes, err) || assay_file_read(c->path, ASSAY_WITNESS_MAX_BYTES, &file, &length, err))
        return err->code;
    if (length == bytes)
        memcpy(&h, file, sizeof h);
    if (length != bytes || memcmp(h.magic, magic, sizeof magic) != 0 || h.file_bytes != bytes || h.version != ASSAY_WITNESS_VERSION)
        (void)ASSAY_FAIL(err, ASSAY_DATA, "%s: not the witness of a net of this case", c->path);
    else if (h.seed != c->seed || memcmp(h.case_id, c->case_id, strlen(c->case_id) + 1) != 0)
        (void)ASSAY_FAIL(err, ASSAY_DATA, "%s: the witness of another case or seed", c->path);
    else {
        struct assay_hash128 sum = assay_witness_checksum((unsigned char *)file, bytes);
        if (sum.low == h.checksum.low && sum.high == h.checksum.high) {
            *out = (unsigned char *)file;
            return ASSAY_OK;
        }
        (void)ASSAY_FAIL(err, ASSAY_DATA, "%s: not what its checksum says", c->path);
    }
    free(file);
    return err->code;
}

/* ---- the reference's evaluation ------------------------------------------------------------------------------ */

/* What the judge binds: params lie in the file or are filled, data come from the lesson. */
struct bound {
    const struct assay_graph *g;
    void                    **at, **own; /* own: freed here */
    enum assay_bounds         bounds;
};

static void bound_release(struct bound *b)
{
    for (uint32_t v = 0; b->own && v < b->g->n_values; v++)
        free(b->own[v]);
    free(b->own);
    free(b->at);
}

/* `net` NULL: params and states as training began. */
static enum assay_code bound_init(struct bound *b, const struct assay_learned_claim *c, const struct assay_graph *g,
                                  unsigned char *net, struct assay_error *err)
{
    size_t at = sizeof(struct assay_witness_header);
    *b = (struct bound){g, calloc(g->n_values, sizeof(void *)), calloc(g->n_values, sizeof(void *)), ASSAY_BOUNDS_AUTO};
    if (!b->at || !b->own)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory to judge a net");
    for (uint32_t v = 0; v < g->n_values; v++) {
        const struct assay_value *x = &g->values[v];
        if (x->producer >= 0 || x->role == ASSAY_ROLE_CONST)
            continue;
        if (net && is_param(x)) {
            b->at[v] = net + at;
            at += padded(x->bytes);
            continue;
        }
        if (!(b->at[v] = b->own[v] = calloc(1, (size_t)x->bytes)))
            return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory to judge a net");
        if (x->role != ASSAY_ROLE_INPUT && x->role != ASSAY_ROLE_CONTROL && assay_fill_value(g, (int32_t)v, c->seed, 0, b->at[v], err))
            return err->code;
    }
    return ASSAY_OK;
}

static enum assay_code give_data(const struct bound *b, const struct assay_learned_claim *c, bool evaluation, uint64_t n,
                                 struct assay_error *err)
{
    for (uint32_t v = 0; v < b->g->n_values; v++) {
        const struct assay_value *x = &b->g->values[v];
        if (x->role != ASSAY_ROLE_INPUT && x->role != ASSAY_ROLE_CONTROL)
            continue;
        double rate = c->lesson->learning_rate(c->params, n);
        int64_t step = (int64_t)n;
        if (!evaluation && !strcmp(x->name, "learning_rate"))
            assay_from_double(x->dtype, &rate, 1, b->at[v]);
        else if (!evaluation && !strcmp(x->name, "step"))
            memcpy(b->at[v], &step, sizeof step);
        else if (!c->lesson->data(c->params, c->seed, evaluation, n, x->name, b->at[v]))
            return ASSAY_FAIL(err, ASSAY_INTERNAL, "the lesson has no data for input '%.64s'", x->name);
    }
    return ASSAY_OK;
}

/* What a right device may find of a batch: from `low` to `high`; of a loss value -+ bound. */
struct quality {
    double   value, low, high;
    uint64_t compared; /* elements of outputs */
};

/* Scores: an item whose best class leads by more than both bounds is sure, another may go either way. */
static void wrong_of(const double *score, const double *bound, const int64_t *labels, int64_t items, int64_t classes, struct quality *q)
{
    *q = (struct quality){.compared = (uint64_t)(items * classes)};
    for (int64_t i = 0; i < items; i++) {
        const double *s = score + i * classes, *e = bound + i * classes;
        int64_t       best = 0, label = labels[i];
        bool          can_be_right = true, can_be_wrong = false;
        for (int64_t k = 0; k < classes; k++) {
            best = s[k] > s[best] ? k : best;
            if (k == label)
                continue;
            can_be_right = can_be_right && !(s[k] - e[k] > s[label] + e[label]);
            can_be_wrong = can_be_wrong || !(s[k] + e[k] < s[label] - e[label]);
        }
        q->value += best != label;
        q->low += !can_be_right;
        q->high += can_be_wrong;
    }
    q->value /= (double)items;
    q->low /= (double)items;
    q->high /= (double)items;
}

static enum assay_code outputs_of(const struct bound *b, int32_t output, double *value, double *bound, struct assay_error *err)
{
    struct assay_reference   *r = NULL;
    const struct assay_value *v = &b->g->values[output];
    int64_t                  *index = malloc((size_t)v->elements * sizeof *index);
    if (!index)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory to judge a net");
    for (uint64_t i = 0; i < v->elements; i++)
        index[i] = (int64_t)i;
    enum assay_code code = assay_reference_new_with(b->g, (const void *const *)b->at, b->bounds, &r, err);
    if (!code)
        code = assay_reference_at(r, output, (size_t)v->elements, index, value, bound, err);
    assay_reference_free(r);
    free(index);
    return code;
}

static enum assay_code judge_batch(const struct bound *b, const struct assay_learned_claim *c, uint64_t batch, double *room,
                                   struct quality *out, struct assay_error *err)
{
    int32_t output;
    (void)assay_graph_outputs(b->g, &output, 1);
    const struct assay_value *v = &b->g->values[output];
    double                   *value = room, *bound = room + v->elements;
    int64_t                  *labels = (int64_t *)(void *)(room + 2 * v->elements);
    if (give_data(b, c, true, batch, err) || outputs_of(b, output, value, bound, err))
        return err->code;
    if (c->lesson->quality == ASSAY_QUALITY_LOSS) {
        *out = (struct quality){value[0], value[0] - bound[0], value[0] + bound[0], 1};
        return ASSAY_OK;
    }
    if (!c->lesson->data(c->params, c->seed, true, batch, "labels", labels))
        return ASSAY_FAIL(err, ASSAY_INTERNAL, "the lesson has no labels");
    wrong_of(value, bound, labels, v->dims[0], v->dims[1], out);
    return ASSAY_OK;
}

static double cost_of(const struct assay_graph *g)
{
    struct assay_cost cost = assay_graph_cost(g);
    return (double)(cost.flops + cost.transcendentals) * (assay_bounds_of(g) == ASSAY_BOUNDS_STATISTICAL ? 1 + ASSAY_REPLICAS : 2);
}

static enum assay_code evaluate(const struct assay_learned_claim *c, unsigned char *net, uint64_t batches, enum assay_bounds bounds,
                                struct quality *out, struct assay_error *err)
{
    struct bound b;
    int32_t      output;
    (void)assay_graph_outputs(c->evaluation, &output, 1);
    double *room = malloc(((size_t)c->evaluation->values[output].elements * 3 + 1) * sizeof *room);
    *out = (struct quality){.value = 0};
    enum assay_code code = bound_init(&b, c, c->evaluation, net, err);
    b.bounds = bounds;
    if (!code && !room)
        code = ASSAY_FAIL(err, ASSAY_MEMORY, "no memory to judge a net");
    for (uint64_t i = 0; i < batches && !code; i++) {
        struct quality one = {.value = NAN};
        code = judge_batch(&b, c, i, room, &one, err);
        if (code)
            break;
        out->value += one.value / (double)batches;
        out->low += one.low / (double)batches;
        out->high += one.high / (double)batches;
        out->compared += one.compared;
    }
    bound_release(&b);
    free(room);
    return code;
}

/* The loss of the first step follows from the fill rules alone: a device that makes it up is found here. */
static enum assay_code first_loss(const struct assay_learned_claim *c, double *value, double *bound, struct assay_error *err)
{
    struct bound    b;
    int32_t         output = ASSAY_NO_VALUE;
    enum assay_code code = bound_init(&b, c, c->step, NULL, err);
    for (uint32_t v = 0; v < c->step->n_values && output == ASSAY_NO_VALUE; v++) {
        const struct assay_value *x = &c->step->values[v];
        if (x->role == ASSAY_ROLE_OUTPUT && x->alias_of == ASSAY_NO_VALUE && x->elements == 1)
            output = (int32_t)v;
    }
    if (!code && output == ASSAY_NO_VALUE)
        code = ASSAY_FAIL(err, ASSAY_INTERNAL, "the step has no loss");
    if (!code && !(code = give_data(&b, c, false, 1, err)))
        code = outputs_of(&b, output, value, bound, err);
    bound_release(&b);
    return code;
}

/* ---- the verdict --------------------------------------------------------------------------------------------- */

static const char *word_of(const struct assay_lesson *lesson)
{
    return lesson->quality == ASSAY_QUALITY_LOSS ? "loss" : "share classed wrongly";
}

static void compare(const struct assay_learned_claim *c, const struct quality *q, const struct assay_lesson_terms *t,
                    struct assay_check *out)
{
    double claimed = c->quality, slack = 1e-12 * (1 + fabs(q->value)); /* sums of doubles, here and there */
    double room = fmax(q->high - q->value, q->value - q->low) + slack;
    out->worst_observed = claimed;
    out->worst_expected = q->value;
    out->worst_bound = room;
    out->worst_ratio = fabs(claimed - q->value) / room;
    out->worst_iteration = c->steps;
    out->worst_index = 0;
    (void)assay_string_copy(out->worst_value, sizeof out->worst_value, "quality");
    out->smallest_fault = q->value > 0 ? 2 * room / q->value : INFINITY;
    if (claimed < q->low - slack || claimed > q->high + slack)
        say(out, ASSAY_FAIL, "claims a %s of %.6g on unseen data; the net it left has %.6g (within %.2g)", word_of(c->lesson), claimed, q->value, room);
    else if (claimed < t->floor - BELOW_FLOOR * t->floor_deviation - room)
        say(out, ASSAY_FAIL, "a %s of %.6g is less than can be: no net goes below %.6g, and chance explains %.2g of it", word_of(c->lesson),
            claimed, t->floor, BELOW_FLOOR * t->floor_deviation);
    else if (!(claimed <= t->target) || !c->reached_step)
        say(out, ASSAY_FAIL, "did not learn enough: a %s of %.6g after %" PRIu64 " steps, where %.6g was to be reached", word_of(c->lesson),
            claimed, c->steps, t->target);
    else
        say(out, ASSAY_PASS, "learned in %" PRIu64 " steps: its net has a %s of %.6g on unseen data by the reference, %.6g by itself (target %.6g)",
            c->steps, word_of(c->lesson), q->value, claimed, t->target);
}

static bool not_evaluated(const struct assay_learned_claim *c, struct assay_check *out)
{
    if (isfinite(c->quality))
        return false;
    say(out, ASSAY_FAIL, "did not learn: after %" PRIu64 " steps its loss is no finite number", c->steps);
    return true;
}

enum assay_code assay_learned_check(const struct assay_learned_claim *c, double budget_ops, struct assay_check *out,
                                    struct assay_error *err)
{
    struct assay_lesson_terms t;
    struct quality            q;
    unsigned char            *net = NULL;
    double                    loss = NAN, bound = NAN;
    c->lesson->terms(c->params, &t);
    out->iterations = c->steps;
    if (read_file(c, &net, err))
        return err->code;
    enum assay_code code = ASSAY_OK;
    if (not_evaluated(c, out))
        goto done;
    if (cost_of(c->evaluation) * (double)t.evaluation_batches + cost_of(c->step) > budget_ops) {
        say(out, ASSAY_NOT_CHECKED, "evaluating this net in double would take more than %.2g operations", budget_ops);
        goto done;
    }
    if ((code = evaluate(c, net, t.evaluation_batches, ASSAY_BOUNDS_AUTO, &q, err)) || (code = first_loss(c, &loss, &bound, err)))
        goto done;
    out->assurance = ASSAY_ASSURANCE_LEARNED;
    out->elements = q.compared + 1;
    out->of_elements = q.compared;
    out->judged = 1; /* the first step's loss; what all the others did is in the net */
    bool statistical = assay_bounds_of(c->evaluation) == ASSAY_BOUNDS_STATISTICAL;
    (void)assay_string_copy(out->bound, sizeof out->bound, statistical ? "statistical bound" : "worst-case bound");
    compare(c, &q, &t, out);
    if (out->outcome == ASSAY_PASS && !(fabs(c->first_loss - loss) <= bound))
        say(out, ASSAY_FAIL, "claims a loss of %.7g in its first step; it is %.7g (within %.2g)", c->first_loss, loss, bound);
done:
    free(net);
    return code;
}

enum assay_code assay_learned_quality(const struct assay_learned_claim *c, double budget_ops, double *out, struct assay_error *err)
{
    struct assay_lesson_terms t;
    struct quality            q;
    unsigned char            *net = NULL;
    double                    cost = (double)(assay_graph_cost(c->evaluation).flops + assay_graph_cost(c->evaluation).transcendentals);
    c->lesson->terms(c->params, &t);
    if (cost * (double)t.evaluation_batches > budget_ops)
        return ASSAY_FAIL(err, ASSAY_UNSUPPORTED, "evaluating this net in double would take more than %.2g operations", budget_ops);
    if (read_file(c, &net, err))
        return err->code;
    enum assay_code code = evaluate(c, net, t.evaluation_batches, ASSAY_BOUNDS_NONE, &q, err);
    free(net);
    if (!code)
        *out = q.value;
    return code;
}
