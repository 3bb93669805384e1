/* Einsum: operands are taken together two at a time, each pair as one MatMul over the axes that nobody needs afterwards. */
#include "harness/ir/onnx/spell.h"

#include <ctype.h>

#include "harness/ir/infer.h"

#include "assay/banned.h"

#define PUT ASSAY_ONNX_PUT
#define GIVE ASSAY_ONNX_GIVE
#define TERMS_MOST 16
#define ELLIPSIS 1 /* the labels of its axes are 1 to 8, counted so that the last one is 8 */

/* A value and the names of its axes. */
struct term {
    int32_t value, rank;
    int     label[ASSAY_MAX_RANK];
};

struct equation {
    struct term term[TERMS_MOST], out;
    size_t      n;
};

static bool names(const struct term *t, int label)
{
    for (int32_t d = 0; d < t->rank; d++)
        if (t->label[d] == label)
            return true;
    return false;
}

static bool add_label(struct term *t, int label)
{
    if (t->rank == ASSAY_MAX_RANK)
        return false;
    t->label[t->rank++] = label;
    return true;
}

/* ---- the equation ------------------------------------------------------------------------------------------------ */

/* The labels up to a comma, an arrow or the end; `rank` of the operand decides what an ellipsis stands for. */
static bool read_term(const char **at, int32_t rank, struct term *t)
{
    const char *text = *at;
    int32_t     letters = 0, dots = 0;
    t->rank = 0;
    for (const char *c = text; *c && *c != ',' && *c != '-'; c++)
        letters += isalpha((unsigned char)*c) ? 1 : 0;
    for (; *text && *text != ',' && *text != '-'; text++) {
        if (isalpha((unsigned char)*text)) {
            if (!add_label(t, *text))
                return false;
        } else if (!strncmp(text, "...", 3) && !dots++ && letters <= rank) {
            for (int32_t k = rank - letters; k > 0; k--)
                if (!add_label(t, ELLIPSIS + ASSAY_MAX_RANK - k))
                    return false;
            text += 2;
        } else if (*text != ' ') {
            return false;
        }
    }
    *at = text;
    return t->rank == rank;
}

/* How often the operands name it. */
static size_t times(const struct equation *e, int label)
{
    size_t n = 0;
    for (size_t i = 0; i < e->n; i++)
        for (int32_t d = 0; d < e->term[i].rank; d++)
            n += e->term[i].label[d] == label;
    return n;
}

/* Without an arrow: what the ellipses stand for, then in the order of the alphabet what is named once. */
static bool implied(struct equation *e)
{
    bool fits = true;
    for (int label = ELLIPSIS; label < 128; label++)
        if (label < ELLIPSIS + ASSAY_MAX_RANK ? times(e, label) > 0 : times(e, label) == 1)
            fits = fits && add_label(&e->out, label);
    return fits;
}

/* How many axes the longest ellipsis stands for. */
static int32_t dotted(const struct equation *e)
{
    int32_t n = 0;
    for (int label = ELLIPSIS; label < ELLIPSIS + ASSAY_MAX_RANK; label++)
        n += times(e, label) > 0;
    return n;
}

static bool read_out(const char *text, struct equation *e)
{
    int32_t letters = 0;
    for (const char *c = text; *c; c++)
        letters += isalpha((unsigned char)*c) ? 1 : 0;
    if (!read_term(&text, strstr(text, "...") ? letters + dotted(e) : letters, &e->out) || *text)
        return false;
    for (int32_t d = 0; d < e->out.rank; d++)
        for (int32_t k = 0; k <= d; k++)
            if (!times(e, e->out.label[d]) || (k < d && e->out.label[k] == e->out.label[d]))
                return false;
    return true;
}

static bool read_equation(const struct assay_onnx_spelling *s, struct equation *e)
{
    const char *text = assay_onnx_text(s, "equation", "");
    *e = (struct equation){.n = 0};
    if (s->call->n_in > TERMS_MOST)
        return false;
    for (e->n = 0; e->n < s->call->n_in; e->n++) {
        struct term *t = &e->term[e->n];
        t->value = s->call->in[e->n];
        if (t->value == ASSAY_NO_VALUE || (e->n && *text++ != ',') || !read_term(&text, assay_onnx_seen(s, t->value).rank, t))
            return false;
    }
    return *text ? !strncmp(text, "->", 2) && read_out(text + 2, e) : implied(e);
}

/* ---- one operand ------------------------------------------------------------------------------------------------- */

static void transpose(struct assay_onnx_spelling *s, struct term *t, const struct term *order)
{
    struct assay_attr perm[] = {{.name = "perm", .type = ASSAY_ATTR_I64S, .n = (size_t)t->rank}, ASSAY_ATTR_END};
    bool              same = true;
    for (int32_t d = 0; d < t->rank; d++)
        for (int32_t k = 0; k < t->rank; k++)
            if (t->label[k] == order->label[d]) {
                perm[0].list[d] = k;
                same = same && k == d;
            }
    memcpy(t->label, order->label, sizeof t->label);
    if (!same)
        t->value = assay_onnx_put(s, "Transpose", &t->value, 1, perm);
}

/* An axis that is named twice: the elements whose two places are equal. False: its lengths differ. */
static bool diagonal(struct assay_onnx_spelling *s, struct term *t, int32_t first, int32_t second)
{
    struct assay_value v = assay_onnx_seen(s, t->value);
    struct term        order = {.rank = 0}, kept = {.rank = 0};
    int64_t            n = v.dims[first], dims[ASSAY_MAX_RANK];
    if (v.dims[second] != n)
        return false;
    int label = t->label[first];
    t->label[second] = -1; /* a name of its own, while both are moved behind the others */
    for (int32_t d = 0; d < t->rank; d++)
        if (d != first && d != second) {
            dims[kept.rank] = v.dims[d];
            (void)add_label(&kept, t->label[d]);
        }
    order = kept;
    (void)add_label(&order, label);
    (void)add_label(&order, -1);
    transpose(s, t, &order);
    dims[kept.rank] = assay_onnx_times(n, n);
    int32_t flat = assay_onnx_reshape(s, t->value, kept.rank + 1, dims);
    (void)add_label(&kept, label);
    t->value = assay_onnx_put(s, "Gather", (int32_t[]){flat, assay_onnx_count(s, n, 1, 0, n + 1)}, 2,
                              (struct assay_attr[]){ASSAY_ATTR_INT("axis", kept.rank - 1), ASSAY_ATTR_END});
    t->rank = kept.rank;
    memcpy(t->label, kept.label, sizeof t->label);
    return true;
}

static bool diagonals(struct assay_onnx_spelling *s, struct term *t)
{
    for (int32_t d = 0; d < t->rank; d++)
        for (int32_t k = d + 1; k < t->rank; k++)
            if (t->label[k] == t->label[d]) {
                if (!diagonal(s, t, d, k))
                    return false;
                d = -1; /* the axes have moved */
                break;
            }
    return true;
}

/* Summed over the axes that neither term names. */
static void sum_over(struct assay_onnx_spelling *s, struct term *t, const struct term *a, const struct term *b)
{
    struct assay_attr drops[] = {ASSAY_ATTR_INT("keepdims", 0), ASSAY_ATTR_END};
    struct term       kept = {.rank = 0};
    int64_t           axes[ASSAY_MAX_RANK];
    size_t            n = 0;
    for (int32_t d = 0; d < t->rank; d++)
        if (names(a, t->label[d]) || names(b, t->label[d]))
            (void)add_label(&kept, t->label[d]);
        else
            axes[n++] = d;
    if (n)
        t->value = assay_onnx_put(s, "ReduceSum", (int32_t[]){t->value, assay_onnx_numbers(s, n, axes)}, 2, drops);
    t->rank = kept.rank;
    memcpy(t->label, kept.label, sizeof t->label);
}

/* ---- two --------------------------------------------------------------------------------------------------------- */

/* The labels of t, those that stand in both terms and are needed first, or last, or not at all; and the product of their lengths. */
struct sorted {
    struct term batch, own, inner;
    int64_t     n_batch, n_own, n_inner;
};

static struct sorted sorted(const struct assay_onnx_spelling *s, const struct term *t, const struct term *other, const struct term *needed)
{
    struct sorted      o = {.n_batch = 1, .n_own = 1, .n_inner = 1};
    struct assay_value v = assay_onnx_seen(s, t->value);
    for (int32_t d = 0; d < t->rank; d++) {
        bool         both = names(other, t->label[d]), batch = both && names(needed, t->label[d]);
        struct term *to = batch ? &o.batch : both ? &o.inner : &o.own;
        int64_t     *n = batch ? &o.n_batch : both ? &o.n_inner : &o.n_own;
        (void)add_label(to, t->label[d]);
        *n = (int64_t)assay_count_multiply((uint64_t)*n, (uint64_t)v.dims[d]);
    }
    return o;
}

static void append(struct term *to, const struct term *more)
{
    for (int32_t d = 0; d < more->rank; d++)
        (void)add_label(to, more->label[d]);
}

/* A length by its label; -1: neither names it. */
static int64_t length_of(const struct assay_onnx_spelling *s, const struct term *t, int label)
{
    for (int32_t d = 0; d < t->rank; d++)
        if (t->label[d] == label)
            return assay_onnx_seen(s, t->value).dims[d];
    return -1;
}

/* a and b as [batch, own of a, inner] by [batch, inner, own of b]; false: a length differs, or there are too many axes. */
static bool join(struct assay_onnx_spelling *s, struct term *a, struct term *b, const struct term *needed)
{
    int64_t dims[ASSAY_MAX_RANK];
    sum_over(s, a, b, needed);
    sum_over(s, b, a, needed);
    struct sorted of_a = sorted(s, a, b, needed), of_b = sorted(s, b, a, needed);
    struct term   order_a = of_a.batch, order_b = of_a.batch, out = of_a.batch;
    append(&order_a, &of_a.own);
    append(&order_a, &of_a.inner);
    append(&order_b, &of_a.inner);
    append(&order_b, &of_b.own);
    append(&out, &of_a.own);
    append(&out, &of_b.own);
    if (of_a.batch.rank + of_a.own.rank + of_b.own.rank > ASSAY_MAX_RANK)
        return false;
    for (int32_t d = 0; d < out.rank; d++) {
        int64_t in_a = length_of(s, a, out.label[d]), in_b = length_of(s, b, out.label[d]);
        dims[d] = in_a < 0 ? in_b : in_a;
    }
    for (int32_t d = 0; d < a->rank; d++)
        if (names(b, a->label[d]) && length_of(s, b, a->label[d]) != length_of(s, a, a->label[d]))
            return false;
    transpose(s, a, &order_a);
    transpose(s, b, &order_b);
    int32_t left = assay_onnx_reshape(s, a->value, 3, (int64_t[]){of_a.n_batch, of_a.n_own, of_a.n_inner});
    int32_t right = assay_onnx_reshape(s, b->value, 3, (int64_t[]){of_a.n_batch, of_a.n_inner, of_b.n_own});
    *b = out;
    b->value = assay_onnx_reshape(s, PUT(s, "MatMul", left, right), out.rank, dims);
    return true;
}

static enum assay_code einsum(struct assay_onnx_spelling *s)
{
    struct equation e;
    if (!read_equation(s, &e))
        return assay_onnx_not_spelled(s, "has an equation that does not fit its operands");
    for (size_t i = 0; i < e.n; i++)
        if (!diagonals(s, &e.term[i]))
            return assay_onnx_not_spelled(s, "takes a diagonal of axes of different lengths");
    for (size_t i = 1; i < e.n && !s->graph->first_error.code; i++) {
        struct term needed = e.out;
        for (size_t k = i + 1; k < e.n; k++)
            for (int32_t d = 0; d < e.term[k].rank; d++)
                if (!names(&needed, e.term[k].label[d]) && !add_label(&needed, e.term[k].label[d]))
                    return assay_onnx_not_spelled(s, "names more than 8 axes that are needed later");
        if (!join(s, &e.term[i - 1], &e.term[i], &needed))
            return assay_onnx_not_spelled(s, "has axes of one name and different lengths, or more than 8 axes on the way");
    }
    struct term *last = &e.term[e.n - 1];
    sum_over(s, last, &e.out, &e.out);
    transpose(s, last, &e.out);
    return GIVE(s, "Identity", last->value);
}

const struct assay_onnx_spelled_row assay_onnx_spelled_einsum[] = {
    {"Einsum", einsum, NULL},
    {NULL, NULL, NULL},
};
