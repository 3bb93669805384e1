/* Test vectors that somebody else made, as ONNX distributes them: a model with inputs and the outputs that are expected. */
#ifndef ASSAY_VERIFY_VECTOR_H
#define ASSAY_VERIFY_VECTOR_H

#include <stddef.h>
#include <stdint.h>

#include "assay/error.h"
#include "harness/ir/onnx/import.h"

/* How far a result may be from the vector: what the vectors' own runner allows, since whoever made them rounded too. */
#define ASSAY_VECTOR_RELATIVE 1e-3
#define ASSAY_VECTOR_ABSOLUTE 1e-7

#define ASSAY_VECTOR_TENSORS_MOST 64

struct assay_vector {
    char                op[64]; /* of the model's node; "several" where it has more than one */
    struct assay_graph *graph;
    int32_t             input[ASSAY_VECTOR_TENSORS_MOST], output[ASSAY_VECTOR_TENSORS_MOST]; /* values of the graph; an input that
                                                                            is a const of it: ASSAY_NO_VALUE */
    struct assay_onnx_array in[ASSAY_VECTOR_TENSORS_MOST], want[ASSAY_VECTOR_TENSORS_MOST];
    size_t                  n_in, n_out;
    /* private */
    struct assay_arena      arena;
    struct assay_onnx_model model;
    char                   *file[2 * ASSAY_VECTOR_TENSORS_MOST + 1];
    size_t                  n_files;
};

/* Reads <folder>/model.onnx and <folder>/test_data_set_<set>. An input becomes a const of the graph only if the model cannot be
 * read otherwise: small whole numbers first, then any small row of numbers. Codes are those of reading models; `op` is
 * there where a model was read, also when the rest failed. Release in any case. */
enum assay_code assay_vector_read(const char *folder, unsigned set, struct assay_vector *out, struct assay_error *err);
void            assay_vector_release(struct assay_vector *v);

/* Is `got` (the bytes of each output, in the order of the vector) what is expected? Types and shapes are those of the vector.
 * Whole numbers and truth values are equal, or one apart where the reference says that rounding decides. A float is
 * within the vector's own tolerance of the vector, and within the reference's bound, where there is one, of the reference's
 * own value. ASSAY_DEVICE with the first element that is not; other codes: it could not be compared. */
enum assay_code assay_vector_check(const struct assay_vector *v, const void *const *got, struct assay_error *err);

#endif
