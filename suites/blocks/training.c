#include "suites/blocks/training.h"

#include <math.h>

#include "harness/base/options.h"
#include "harness/ir/transform/gradient.h"
#include "harness/ir/transform/optimizer.h"
#include "suites/blocks/mesh.h"

#include "assay/banned.h"

/* In the order of enum assay_optimizer_kind and enum assay_recompute. */
const char *const assay_block_optimizers[] = {"sgd", "adamw", "lamb", NULL};
const char *const assay_block_recomputes[] = {"none", "selective", "full", NULL};

void assay_block_train_rank(struct assay_graph *g, int32_t loss, const struct assay_block_training *how, const struct assay_mesh_place *at)
{
    struct assay_optimizer_ranks ranks = {.rank = at ? at->rank : 0};
    struct assay_optimizer       optimizer;
    struct assay_error           err = {.code = ASSAY_OK};
    if (assay_options_defaults(assay_optimizer_options, &optimizer, &err)) {
        assay_graph_refuse(g, err.code, "%s", err.message);
        return;
    }
    optimizer.kind = how->optimizer;
    optimizer.gradients = how->gradients;
    optimizer.zero = at ? at->mesh.zero : 0;
    if (at)
        ranks.n_stages = assay_mesh_group(at, ASSAY_MESH_PP, ranks.stages);
    assay_graph_train_rank(g, loss, &optimizer, (enum assay_recompute)how->recompute, at ? &ranks : NULL);
}

void assay_block_train(struct assay_graph *g, int32_t loss, const struct assay_block_training *how)
{
    assay_block_train_rank(g, loss, how, NULL);
}

double assay_schedule_cosine(uint64_t step, uint64_t last, uint64_t warm, double end)
{
    if (step < warm)
        return (double)step / (double)warm;
    double gone = last > warm ? (double)(step - warm) / (double)(last - warm) : 1;
    return end + (1 - end) * 0.5 * (1 + cos(3.14159265358979323846 * (gone < 1 ? gone : 1)));
}
