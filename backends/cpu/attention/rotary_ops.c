/* RotaryEmbedding: head by head. */
#include <stdlib.h>

#include "backends/cpu/attention/rotary.h"
#include "backends/cpu/cpu.h"

#include "assay/banned.h"

enum { X, COS, SIN, IDS };
enum { GRAIN_ELEMENTS = 8192 };

struct rotary {
    size_t rows, heads, length, width, turned, positions; /* rows: heads of all batches and positions */
    bool   packed, interleaved;
};

struct running {
    const struct rotary             *s;
    const struct cpu_rotary_kernels *kernels;
    const float                     *x, *cos, *sin;
    const int64_t                   *ids; /* or NULL */
    float                           *y;
    size_t                           pieces;
};

/* Row of the caches. A position that they do not hold is brought in, rather than read from what is not there. */
static size_t angle_of(const struct running *r, size_t row)
{
    const struct rotary *s = r->s;
    size_t position = s->packed ? row / s->heads % s->length : row % s->length, batch = row / (s->heads * s->length);
    size_t at = batch * s->length + position;
    if (!r->ids)
        return at;
    int64_t id = r->ids[at];
    return id < 0 ? 0 : (size_t)id < s->positions ? (size_t)id : s->positions - 1;
}

static void run_rows(void *self, size_t chunk, unsigned thread)
{
    const struct running *r = self;
    const struct rotary  *s = r->s;
    size_t                begin, end, pairs = s->turned / 2;
    (void)thread;
    cpu_pool_piece(s->rows, r->pieces, 1, chunk, &begin, &end);
    for (size_t row = begin; row < end; row++) {
        const float *x = r->x + row * s->width;
        float       *y = r->y + row * s->width;
        size_t       angle = pairs ? angle_of(r, row) * pairs : 0;
        (s->interleaved ? r->kernels->interleaved : r->kernels->halves)(pairs, x, r->cos + angle, r->sin + angle, y);
        if (x != y)
            memcpy(y + s->turned, x + s->turned, (s->width - s->turned) * sizeof *y);
    }
}

static enum assay_code run(const void *state, const struct cpu_call *call, struct assay_error *err)
{
    const struct rotary *s = state;
    struct running r = {s, call->engine->kernels->rotary, call->in[X], call->in[COS], call->in[SIN], call->in[IDS], call->out[0],
                        cpu_pool_pieces(call->engine->pool, s->rows, GRAIN_ELEMENTS / (s->width + 1) + 1, 4)};
    (void)err;
    cpu_pool_run(call->engine->pool, r.pieces, run_rows, &r);
    return ASSAY_OK;
}

static bool accepts(const struct cpu_node *node, struct assay_text *why_not)
{
    if (!cpu_has_in(node, IDS) || node->in[COS].dims[0] > 0 || !node->in[X].elements)
        return true;
    assay_text_add(why_not, "RotaryEmbedding with caches of no position");
    return false;
}

static enum assay_code prepare(const struct cpu_engine *engine, const struct cpu_node *node, struct cpu_step *step,
                               struct assay_error *err)
{
    const struct assay_value_view *x = &node->in[X];
    struct rotary                 *s = calloc(1, sizeof *s);
    (void)engine;
    if (!s)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a step");
    s->packed = x->rank == 3;
    s->heads = (size_t)cpu_attr_i64(node, "num_heads", 1);
    s->length = (size_t)x->dims[x->rank - 2];
    s->width = s->packed ? (size_t)x->dims[2] / s->heads : (size_t)x->dims[3];
    s->rows = s->width ? x->elements / s->width : 0;
    s->turned = (size_t)cpu_attr_i64(node, "rotary_embedding_dim", 0);
    s->positions = (size_t)node->in[COS].dims[0];
    s->interleaved = cpu_attr_i64(node, "interleaved", 0) != 0;
    step->state = s;
    step->release = free;
    step->run = run;
    (void)snprintf(step->kernel, sizeof step->kernel, "vectors of ours, %zu heads of %zu, %zu turned", s->rows, s->width,
                   s->turned);
    return ASSAY_OK;
}

const struct cpu_op cpu_op_rotary_embedding = {
    .name = "RotaryEmbedding", .domain = "", .in_place = true, .accepts = accepts, .prepare = prepare,
    .integer_inputs = 1u << IDS};
