/* An op that ir lacks, spelled in ops that it has: whoever executes the core ops executes it, and the reference's bounds are
 * those of the ops it is spelled in. One row an op. */
#ifndef ASSAY_IR_ONNX_SPELL_H
#define ASSAY_IR_ONNX_SPELL_H

#include "harness/ir/onnx/upgrade.h"

/* Is the op of ONNX's own domain one that is spelled, in some form; and is this one of it? */
bool assay_onnx_spells(const char *op);
/* The i-th op that ir lacks altogether; NULL: there are no more. */
const char *assay_onnx_spelled_at(size_t i);
bool assay_onnx_is_spelled(const struct assay_onnx_call *call);
/* Adds the nodes of such an op. `names`: of its outputs, NULL where one is not wanted. ASSAY_UNSUPPORTED: a form of it that is
 * not spelled; what the nodes themselves refuse stays in the graph. */
enum assay_code assay_onnx_spell(const struct assay_onnx_call *call, const char *const *names, struct assay_error *err);

/* ---- for spell_*.c ------------------------------------------------------------------------------------------- */

/* An op under way. After the graph's first error everything below gives ASSAY_NO_VALUE and does nothing. */
struct assay_onnx_spelling {
    const struct assay_onnx_call *call;
    struct assay_graph           *graph;
    const char *const            *names;
    const char                   *name;  /* of the first output that is wanted */
    struct assay_value            x; /* operand 0, as it is: copies outlive what is added */
    unsigned                      n; /* values added so far */
    struct assay_error           *err;
};
typedef enum assay_code assay_onnx_speller(struct assay_onnx_spelling *s);

struct assay_onnx_spelled_row {
    const char         *op; /* NULL ends a table */
    assay_onnx_speller *spell;
    bool (*is_form)(const struct assay_onnx_call *call); /* of an op that ir has too: which forms it lacks */
};
extern const struct assay_onnx_spelled_row assay_onnx_spelled_elementwise[], assay_onnx_spelled_folding[], assay_onnx_spelled_moving[],
    assay_onnx_spelled_quantized[], assay_onnx_spelled_scattering[], assay_onnx_spelled_resize[], assay_onnx_spelled_einsum[],
    assay_onnx_spelled_recurrent[], assay_onnx_spelled_signal[];

/* Operand i, ASSAY_NO_VALUE if it is absent. */
int32_t assay_onnx_in(const struct assay_onnx_spelling *s, size_t i);
/* The value `index`; of nothing, all zeros. */
struct assay_value assay_onnx_seen(const struct assay_onnx_spelling *s, int32_t index);
/* Attributes as the file has them. */
int64_t     assay_onnx_i64(const struct assay_onnx_spelling *s, const char *name, int64_t if_absent);
double      assay_onnx_f64(const struct assay_onnx_spelling *s, const char *name, double if_absent);
const char *assay_onnx_text(const struct assay_onnx_spelling *s, const char *name, const char *if_absent);
const struct assay_attr *assay_onnx_list(const struct assay_onnx_spelling *s, const char *name); /* NULL: absent */
/* Attribute `name` as an axis of operand 0, or of a tensor of one axis `more`; -1 and the error set: it is none. */
int32_t assay_onnx_axis(const struct assay_onnx_spelling *s, const char *name, int64_t if_absent, int32_t more);

/* A node with a name of its own; and the one that gives the op's output `o`, none where that is not wanted. */
int32_t assay_onnx_put(struct assay_onnx_spelling *s, const char *op, const int32_t *in, size_t n_in, const struct assay_attr *attrs);
enum assay_code assay_onnx_give(struct assay_onnx_spelling *s, size_t o, const char *op, const int32_t *in, size_t n_in,
                                const struct assay_attr *attrs);
#define ASSAY_ONNX_PUT(s, op, ...) \
    assay_onnx_put((s), (op), (int32_t[]){__VA_ARGS__}, sizeof (int32_t[]){__VA_ARGS__} / sizeof(int32_t), NULL)
#define ASSAY_ONNX_GIVE(s, op, ...) \
    assay_onnx_give((s), 0, (op), (int32_t[]){__VA_ARGS__}, sizeof (int32_t[]){__VA_ARGS__} / sizeof(int32_t), NULL)
/* Consts: one number of a type, a tensor of such, int64 numbers, and 0, 1, … n-1 along `axis` of `rank` axes. */
int32_t assay_onnx_scalar(struct assay_onnx_spelling *s, enum assay_dtype dtype, double number);
int32_t assay_onnx_table(struct assay_onnx_spelling *s, enum assay_dtype dtype, int32_t rank, const int64_t *dims, const double *numbers);
int32_t assay_onnx_numbers(struct assay_onnx_spelling *s, size_t n, const int64_t *numbers);
int32_t assay_onnx_count(struct assay_onnx_spelling *s, int64_t n, int32_t rank, int32_t axis, int64_t step);
int32_t assay_onnx_reshape(struct assay_onnx_spelling *s, int32_t x, int32_t rank, const int64_t *dims);
int32_t assay_onnx_cast(struct assay_onnx_spelling *s, int32_t x, enum assay_dtype to);
/* a times b, -1 (which no shape takes) where that does not fit or a is that already: lengths beside one of 0 have any product. */
int64_t assay_onnx_times(int64_t a, int64_t b);
/* The int64 numbers of a const, at most `capacity`; false and the error set: it is none. */
bool assay_onnx_const(const struct assay_onnx_spelling *s, size_t i, size_t capacity, int64_t *numbers, size_t *n);
/* Indices from -n to n-1 as those from 0 on. */
int32_t assay_onnx_from_zero(struct assay_onnx_spelling *s, int32_t indices, int64_t n);
/* The places, in all elements of x in a row, that GatherElements reads: along `axis` the index, along the others the element's own. */
int32_t assay_onnx_places(struct assay_onnx_spelling *s, int32_t x, int32_t indices, int32_t axis);
/* x along `axis` at the indices, which may count from the end: GatherElements. */
int32_t assay_onnx_gather_elements(struct assay_onnx_spelling *s, int32_t x, int32_t indices, int32_t axis);

/* "Op 'y' <why>, which is not read". */
enum assay_code assay_onnx_not_spelled(const struct assay_onnx_spelling *s, const char *why);

#endif
