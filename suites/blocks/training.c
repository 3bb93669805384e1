#include "suites/blocks/training.h"

#include "harness/base/options.h"
#include "harness/ir/transform/gradient.h"
#include "harness/ir/transform/optimizer.h"

#include "assay/banned.h"

/* In the order of enum assay_optimizer_kind and enum assay_recompute. */
const char *const assay_block_optimizers[] = {"sgd", "adamw", "lamb", NULL};
const char *const assay_block_recomputes[] = {"none", "selective", "full", NULL};

void assay_block_train(struct assay_graph *g, int32_t loss, const struct assay_block_training *how)
{
    struct assay_optimizer optimizer;
    struct assay_error     err = {.code = ASSAY_OK};
    if (assay_options_defaults(assay_optimizer_options, &optimizer, &err)) {
        assay_graph_refuse(g, err.code, "%s", err.message);
        return;
    }
    optimizer.kind = how->optimizer;
    assay_graph_train(g, loss, &optimizer, (enum assay_recompute)how->recompute);
}
