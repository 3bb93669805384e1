#include "harness/ir/cross_entropy.h"

#include <inttypes.h>
#include <string.h>

#include "assay/banned.h"

const struct assay_attr_row assay_cross_entropy_attrs[] = {
    {.name = "ignore_index", .type = ASSAY_ATTR_I64, .presence = ASSAY_ATTR_OPTIONAL},
    {.name = "reduction", .type = ASSAY_ATTR_TEXT, .presence = ASSAY_ATTR_DEFAULT, .text = "mean"},
    {.name = NULL},
};

int32_t assay_cross_entropy_shape(const struct assay_infer *in, int first, int64_t dims[ASSAY_MAX_RANK])
{
    const struct assay_value *x = in->in[first];
    int32_t rank = 0;
    if (strcmp(assay_node_text(in->node, "reduction", "mean"), "none") != 0)
        return 0;
    for (int32_t i = 0; i < x->rank; i++)
        if (i != 1)
            dims[rank++] = x->dims[i];
    return rank;
}

static enum assay_code check_labels(const struct assay_infer *in, int first, struct assay_error *err)
{
    const struct assay_value *x = in->in[first], *labels = in->in[first + 1];
    bool fits = labels->rank == x->rank - 1 && labels->dims[0] == x->dims[0];
    for (int32_t i = 1; fits && i < labels->rank; i++)
        fits = labels->dims[i] == x->dims[i + 1];
    if (!fits)
        return ASSAY_INFER_REFUSE(in, err, first, first + 1, "the labels must have the scores' shape without axis 1");
    return ASSAY_OK;
}

enum assay_code assay_infer_cross_entropy(const struct assay_infer *in, int first, struct assay_error *err)
{
    const char *reduction = assay_node_text(in->node, "reduction", "mean");
    const struct assay_value *weights = in->in[first + 2];
    enum assay_code code = assay_infer_type(in, first, ASSAY_TYPES_FLOAT, err);
    if (!code)
        code = assay_infer_type(in, first + 1, ASSAY_TYPE(ASSAY_I32) | ASSAY_TYPE(ASSAY_I64), err);
    if (!code)
        code = assay_infer_rank(in, first, 2, ASSAY_MAX_RANK, err);
    if (!code)
        code = assay_infer_same_type(in, first, first + 2, err);
    if (!code)
        code = check_labels(in, first, err);
    if (code)
        return code;
    if (strcmp(reduction, "none") != 0 && strcmp(reduction, "sum") != 0 && strcmp(reduction, "mean") != 0)
        return ASSAY_INFER_REFUSE(in, err, ASSAY_INFER_NONE, ASSAY_INFER_NONE,
                                  "reduction must be none, sum or mean, got '%.32s'", reduction);
    if (weights && (weights->rank != 1 || weights->dims[0] != in->in[first]->dims[1]))
        return ASSAY_INFER_REFUSE(in, err, first, first + 2, "there must be a weight for each of %" PRId64 " classes",
                                  in->in[first]->dims[1]);
    return ASSAY_OK;
}
