#include "harness/verify/witness_file.h"

#include <stdlib.h>
#include <string.h>

#include "harness/verify/witness.h"
#include "reference/formats/formats.h"
#include "reference/reference.h"

#include "assay/banned.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the witness is written as it lies in memory");
_Static_assert(sizeof(struct assay_witness_header) == 208, "no padding in the file");
_Static_assert(sizeof(struct assay_witness_set) == 32 && sizeof(struct assay_witness_kept) == 16, "no padding in the file");
_Static_assert(sizeof(struct assay_witness_content) == 32 && sizeof(struct assay_witness_stats) == 32, "no padding in the file");

/* Bytes, over all outputs. Together with the tables they stay below ASSAY_WITNESS_MAX_BYTES. */
#define FIRST_SAMPLE (256u << 10)
#define FIRST_SUMS (96u << 10)
#define FIRST_MOST ((uint64_t)64 << 10) /* elements of one output */
#define OTHERS_BYTES (208u << 10) /* shared by the exemplars of the other sets */
#define CONTENTS_BYTES (320u << 10) /* shared by all contents */
#define MOST_GROUPS 2048u
#define FEW_OUTPUTS 32u
#define COUNTS_BYTES 48u /* of one output in a block: its counts, an element, a sum */

static const char magic[8] = {'A', 'S', 'S', 'A', 'Y', 'W', 'I', 'T'};

static uint64_t up8(uint64_t bytes)
{
    return (bytes + 7) / 8 * 8;
}

static uint64_t less(uint64_t a, uint64_t b)
{
    return a > b ? a - b : 0;
}

static uint64_t divide_up(uint64_t a, uint64_t b)
{
    return (a + b - 1) / b;
}

/* 64 bits from (key, word): the finalizer of SplitMix64 (Steele, Lea, Flood, OOPSLA 2014). */
static uint64_t mix(uint64_t key, uint64_t word)
{
    uint64_t x = key + (word + 1) * 0x9E3779B97F4A7C15ull;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ull;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBull;
    return x ^ (x >> 31);
}

/* ---- what is kept of an output ------------------------------------------------------------------------------- */

/* Rows of consecutive elements: any op whose whole output the judge can afford. */
static struct assay_projection rows_of(uint64_t elements, uint64_t most)
{
    struct assay_projection p = {.axis = -1, .inner = 1, .per_group = 1, .length = divide_up(elements, most)};
    p.positions = p.groups = divide_up(elements, p.length);
    return p;
}

static struct assay_projection along(const struct assay_value *v, int32_t axis, uint64_t most)
{
    struct assay_projection p = {.axis = axis, .inner = 1, .length = (uint64_t)v->dims[axis]};
    for (int32_t d = axis + 1; d < v->rank; d++)
        p.inner *= (uint64_t)v->dims[d];
    p.positions = v->elements / p.length;
    p.per_group = divide_up(p.positions, most);
    p.groups = divide_up(p.positions, p.per_group);
    return p;
}

/* Ops that the reference folds at a fraction of the cost of their elements. Others that fold (attention over its last
 * axis) save nothing against evaluating the whole. */
enum folding { FOLDS_NOTHING, FOLDS_LAST_TWO, FOLDS_CHANNELS };
static enum folding folding_of(const struct assay_graph *g, const struct assay_value *v)
{
    const struct assay_op_row *op = v->producer >= 0 ? g->nodes[v->producer].op : NULL;
    if (!op || !assay_reference_of(op)->fold || v->rank < 1)
        return FOLDS_NOTHING;
    if (!strcmp(op->name, "MatMul") || !strcmp(op->name, "Gemm"))
        return FOLDS_LAST_TWO;
    return !strcmp(op->name, "Conv") && v->rank > 1 ? FOLDS_CHANNELS : FOLDS_NOTHING;
}

bool assay_witness_folds(const struct assay_graph *g, int32_t value)
{
    return folding_of(g, &g->values[value]) != FOLDS_NOTHING;
}

/* The cheap axes of the value; -1: none. */
static void cheap_axes(const struct assay_graph *g, const struct assay_value *v, int32_t axes[2])
{
    enum folding folding = folding_of(g, v);
    axes[0] = folding == FOLDS_CHANNELS ? 1 : folding == FOLDS_LAST_TWO ? v->rank - 1 : -1;
    axes[1] = folding == FOLDS_LAST_TWO ? v->rank - 2 : -1;
}

static void add_projection(struct assay_witness_part *part, struct assay_projection p, uint32_t stream)
{
    p.stream = stream;
    p.first = part->sums;
    part->sums += p.groups;
    part->projection[part->n_projections++] = p;
}

/* Set 0: plain sums and two projections along each axis (or four along the only one). Others: one projection. */
static void choose_projections(const struct assay_graph *g, struct assay_witness_part *part, bool first, uint64_t bytes)
{
    const struct assay_value *v = &g->values[part->value];
    int32_t                   axes[2];
    uint64_t                  most = bytes / 8 / (first ? ASSAY_WITNESS_MOST_PROJECTIONS : 1);
    if (part->sample == part->elements)
        return;
    most = most > MOST_GROUPS ? MOST_GROUPS : most ? most : 1;
    cheap_axes(g, v, axes);
    struct assay_projection a = axes[0] >= 0 ? along(v, axes[0], most) : rows_of(v->elements, most);
    if (!first) {
        add_projection(part, a, 1);
        return;
    }
    for (uint32_t stream = 0; stream < 3; stream++)
        add_projection(part, a, stream);
    if (axes[1] >= 0)
        a = along(v, axes[1], most);
    for (uint32_t stream = axes[1] >= 0 ? 0 : 3; stream < (axes[1] >= 0 ? 3u : 5u); stream++)
        add_projection(part, a, axes[1] >= 0 && stream > 0 ? stream + 2 : stream);
}

/* Where a block's parts are, and of which outputs: all, or one of each of equally many neighbours. */
static void choose_outputs(const int32_t *values, enum assay_witness_class class, uint64_t seed, struct assay_witness_layout *l)
{
    uint32_t most = class == ASSAY_WITNESS_FIRST ? ASSAY_WITNESS_FIRST_OUTPUTS : ASSAY_WITNESS_OTHER_OUTPUTS;
    struct assay_witness_block *block = &l->block[class];
    block->first = class > 0 ? l->block[class - 1].first + l->block[class - 1].parts : 0;
    block->parts = l->outputs < most ? l->outputs : most;
    for (uint32_t i = 0; i < block->parts; i++) {
        struct assay_witness_part *part = &l->part[block->first + i];
        part->output = (uint32_t)assay_witness_place(mix(seed, class), l->outputs, block->parts, i);
        part->value = values[part->output];
    }
}

static void lay_block(const struct assay_graph *g, enum assay_witness_class class, uint64_t sample_bytes, uint64_t sum_bytes,
                      struct assay_witness_layout *l)
{
    struct assay_witness_block *block = &l->block[class];
    for (uint32_t i = 0; i < block->parts; i++) {
        struct assay_witness_part *part = &l->part[block->first + i];
        const struct assay_value  *v = &g->values[part->value];
        unsigned                   bits = assay_dtype_bits(v->dtype);
        part->dtype = v->dtype;
        part->elements = v->elements;
        part->element_bytes = bits < 8 ? 1 : bits / 8;
        uint64_t most = sample_bytes / block->parts / part->element_bytes;
        most = most > FIRST_MOST ? FIRST_MOST : most ? most : 1;
        part->sample = v->elements < most ? v->elements : most;
        choose_projections(g, part, class == ASSAY_WITNESS_FIRST, sum_bytes / block->parts);
        part->stats_at = block->bytes;
        part->sums_at = part->stats_at + sizeof(struct assay_witness_stats);
        part->sample_at = part->sums_at + 8 * part->sums;
        block->bytes = up8(part->sample_at + part->sample * part->element_bytes);
    }
}

static enum assay_code check_outputs(const struct assay_graph *g, const int32_t *values, size_t n, uint64_t *elements,
                                     struct assay_error *err)
{
    if (n == 0)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "graph '%s' has no outputs: there is nothing to witness", g->name);
    *elements = 0;
    for (size_t i = 0; i < n; i++) {
        const struct assay_value *v = &g->values[values[i]];
        if (v->elements == 0 || v->elements > (uint64_t)1 << 44 || assay_dtype_bits(v->dtype) == 0)
            return ASSAY_FAIL(err, ASSAY_CONFIG, "output '%s' has %llu elements; a witness keeps 1 to 2^44", v->name,
                              (unsigned long long)v->elements);
        *elements += v->elements;
    }
    return ASSAY_OK;
}

static void lay_blocks(const struct assay_graph *g, const int32_t *values, uint64_t seed, struct assay_witness_layout *out)
{
    for (int class = 0; class < ASSAY_WITNESS_CLASSES; class++)
        choose_outputs(values, (enum assay_witness_class)class, seed, out);
    uint64_t other = out->sets > 1 ? OTHERS_BYTES / (out->sets - 1) : OTHERS_BYTES, content = CONTENTS_BYTES / out->chosen;
    uint32_t n = out->block[ASSAY_WITNESS_OTHER].parts;
    uint64_t counts = n > FEW_OUTPUTS ? n * COUNTS_BYTES : 0; /* what many outputs take in any case */
    other = less(other, counts);
    content = less(content, counts);
    lay_block(g, ASSAY_WITNESS_FIRST, FIRST_SAMPLE, FIRST_SUMS, out);
    lay_block(g, ASSAY_WITNESS_OTHER, other / 5 * 3, other / 5 * 2, out);
    lay_block(g, ASSAY_WITNESS_CONTENT, content / 2, content / 2, out);
}

enum assay_code assay_witness_layout(const struct assay_graph *g, uint64_t seed, uint32_t sets, uint32_t chosen,
                                     struct assay_witness_layout *out, struct assay_error *err)
{
    size_t n = assay_graph_outputs(g, NULL, 0);
    memset(out, 0, sizeof *out);
    if (sets < 1 || sets > ASSAY_WITNESS_MOST_SETS || chosen < 1 || chosen > ASSAY_WITNESS_MOST_CHOSEN)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "a witness keeps 1 to %u iterations of 1 to %u sets, not %u of %u",
                          ASSAY_WITNESS_MOST_CHOSEN, ASSAY_WITNESS_MOST_SETS, chosen, sets);
    int32_t *values = calloc(n + 1, sizeof *values);
    if (!values)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for the list of %zu outputs", n);
    (void)assay_graph_outputs(g, values, n);
    out->sets = sets;
    out->chosen = chosen;
    out->outputs = (uint32_t)n;
    enum assay_code code = check_outputs(g, values, n, &out->elements, err);
    if (!code)
        lay_blocks(g, values, seed, out);
    free(values);
    if (code)
        return code;
    out->sets_at = sizeof(struct assay_witness_header);
    out->kept_at = out->sets_at + sets * sizeof(struct assay_witness_set);
    out->contents_at = out->kept_at + chosen * sizeof(struct assay_witness_kept);
    out->batches_at = out->contents_at + chosen * sizeof(struct assay_witness_content);
    out->first_at = out->batches_at + ASSAY_WITNESS_BATCHES * sizeof(struct assay_hash128);
    out->others_at = out->first_at + out->block[ASSAY_WITNESS_FIRST].bytes;
    out->blocks_at = out->others_at + (sets - 1) * out->block[ASSAY_WITNESS_OTHER].bytes;
    out->file_bytes = out->blocks_at + chosen * out->block[ASSAY_WITNESS_CONTENT].bytes;
    if (out->file_bytes > ASSAY_WITNESS_MAX_BYTES)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "%u iterations of %u sets with %zu outputs do not fit into a witness of %u bytes",
                          chosen, sets, n, ASSAY_WITNESS_MAX_BYTES);
    return ASSAY_OK;
}

/* ---- choices ------------------------------------------------------------------------------------------------- */

uint64_t assay_witness_key(uint64_t seed, const char *case_id, uint32_t output, uint32_t set)
{
    return mix(assay_hash_text(case_id, seed), ((uint64_t)output << 32) + set);
}

uint64_t assay_witness_place(uint64_t key, uint64_t elements, uint64_t sample, uint64_t i)
{
    if (sample == elements)
        return i;
    /* floor(i elements / sample) without a product beyond 64 bits */
    uint64_t whole = elements / sample, rest = elements % sample;
    uint64_t low = i * whole + i * rest / sample, high = (i + 1) * whole + (i + 1) * rest / sample;
    return low + mix(key ^ 0x5A4D504C45ull, i) % (high - low);
}

void assay_witness_signs(uint64_t key, uint32_t stream, enum assay_witness_sign which, uint64_t first, size_t n,
                         double *signs)
{
    uint64_t of_stream = mix(key, 2 * (uint64_t)stream + (uint64_t)which);
    for (size_t i = 0; i < n;) {
        uint64_t at = first + i, bit = at % 64, word = stream == 0 ? UINT64_MAX : mix(of_stream, at / 64);
        for (; bit < 64 && i < n; bit++)
            signs[i++] = (double)(int64_t)(word >> bit & 1) * 2 - 1;
    }
}

/* ---- elements ------------------------------------------------------------------------------------------------ */

void assay_witness_element(enum assay_dtype dtype, const void *from, uint64_t i, unsigned char *to)
{
    const unsigned char *p = from;
    unsigned             bits = assay_dtype_bits(dtype);
    if (bits >= 8) {
        memcpy(to, p + i * (bits / 8), bits / 8);
        return;
    }
    uint64_t at = i * bits / 8;
    unsigned shift = (unsigned)(i * bits % 8), word = p[at];
    if (shift + bits > 8)
        word |= (unsigned)p[at + 1] << 8;
    *to = (unsigned char)(word >> shift & ((1u << bits) - 1));
}

void assay_witness_decode(enum assay_dtype dtype, const unsigned char *from, size_t n, double *to)
{
    if (assay_dtype_bits(dtype) >= 8) {
        assay_to_double(dtype, from, n, to);
        return;
    }
    for (size_t i = 0; i < n; i++)
        assay_to_double(dtype, from + i, 1, &to[i]);
}

/* ---- the file as a whole ------------------------------------------------------------------------------------- */

struct assay_hash128 assay_witness_checksum(const unsigned char *file, size_t bytes)
{
    struct assay_witness_header header;
    memcpy(&header, file, sizeof header);
    header.checksum = (struct assay_hash128){0, 0};
    return assay_hash_join(assay_hash_bytes(&header, sizeof header),
                           assay_hash_bytes(file + sizeof header, bytes - sizeof header));
}

void assay_witness_seal(unsigned char *file, size_t bytes)
{
    struct assay_hash128 sum = assay_witness_checksum(file, bytes);
    memcpy(file + offsetof(struct assay_witness_header, checksum), &sum, sizeof sum);
}

static enum assay_code inspect_header(const unsigned char *file, size_t bytes, const char *case_id,
                                      struct assay_witness_header *h, struct assay_error *err)
{
    if (bytes < sizeof *h)
        return ASSAY_FAIL(err, ASSAY_DATA, "witness of %zu bytes is shorter than its header", bytes);
    memcpy(h, file, sizeof *h);
    if (memcmp(h->magic, magic, sizeof magic) != 0)
        return ASSAY_FAIL(err, ASSAY_DATA, "witness was not completed, or is none");
    if (h->version != ASSAY_WITNESS_VERSION || h->header_bytes != sizeof *h)
        return ASSAY_FAIL(err, ASSAY_DATA, "witness has version %u; this program reads %u", h->version, ASSAY_WITNESS_VERSION);
    if (h->file_bytes != bytes)
        return ASSAY_FAIL(err, ASSAY_DATA, "witness of %llu bytes has %zu", (unsigned long long)h->file_bytes, bytes);
    struct assay_hash128 sum = assay_witness_checksum(file, bytes);
    if (sum.low != h->checksum.low || sum.high != h->checksum.high)
        return ASSAY_FAIL(err, ASSAY_DATA, "witness does not have the checksum it states");
    if (strncmp(h->case_id, case_id, sizeof h->case_id) != 0)
        return ASSAY_FAIL(err, ASSAY_DATA, "witness is of another case than %.16s", case_id);
    return ASSAY_OK;
}

static enum assay_code inspect_tables(const unsigned char *file, const struct assay_witness_layout *l, uint32_t kept,
                                      struct assay_error *err)
{
    uint32_t refs[ASSAY_WITNESS_MOST_CHOSEN] = {0};
    for (uint32_t i = 0; i < kept; i++) {
        struct assay_witness_kept    k;
        struct assay_witness_content c;
        memcpy(&k, file + l->kept_at + i * sizeof k, sizeof k);
        if (k.set >= l->sets || k.content >= l->chosen)
            return ASSAY_FAIL(err, ASSAY_DATA, "kept iteration %u of the witness names set %u, content %u", i, k.set, k.content);
        memcpy(&c, file + l->contents_at + k.content * sizeof c, sizeof c);
        if (c.set != k.set)
            return ASSAY_FAIL(err, ASSAY_DATA, "content %u of the witness is of set %u and of set %u", k.content, c.set, k.set);
        refs[k.content]++;
    }
    for (uint32_t i = 0; i < l->chosen; i++) {
        struct assay_witness_content c;
        memcpy(&c, file + l->contents_at + i * sizeof c, sizeof c);
        if (c.kept != refs[i] || (c.kept && c.seen < c.kept))
            return ASSAY_FAIL(err, ASSAY_DATA, "content %u of the witness miscounts its iterations", i);
    }
    for (uint32_t s = 0; s < l->sets; s++) {
        struct assay_witness_set     set;
        struct assay_witness_content c = {.set = s, .kept = 1};
        memcpy(&set, file + l->sets_at + s * sizeof set, sizeof set);
        if (set.exemplar != ASSAY_WITNESS_NONE && set.exemplar < l->chosen)
            memcpy(&c, file + l->contents_at + set.exemplar * sizeof c, sizeof c);
        if ((set.exemplar != ASSAY_WITNESS_NONE && set.exemplar >= l->chosen) || c.set != s || !c.kept)
            return ASSAY_FAIL(err, ASSAY_DATA, "exemplar of set %u of the witness is no kept iteration's", s);
    }
    return ASSAY_OK;
}

enum assay_code assay_witness_inspect(const unsigned char *file, size_t bytes, const char *case_id,
                                      const struct assay_graph *g, struct assay_witness_layout *layout,
                                      struct assay_error *err)
{
    struct assay_witness_header h;
    if (inspect_header(file, bytes, case_id, &h, err))
        return err->code;
    if (assay_witness_layout(g, h.seed, h.sets, h.chosen, layout, err)) {
        err->code = err->code == ASSAY_MEMORY ? ASSAY_MEMORY : ASSAY_DATA;
        return err->code;
    }
    if (layout->file_bytes != bytes || layout->outputs != h.outputs || layout->elements != h.elements || h.kept > h.chosen ||
        h.kept > h.seen)
        return ASSAY_FAIL(err, ASSAY_DATA, "witness is not one of this case's graph");
    return inspect_tables(file, layout, h.kept, err);
}
