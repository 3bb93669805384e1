/* Any text as the name of a case: refused with a reason, or a case with one name, whose graph is built or refused. */
#include "harness/plan/plan.h"

#include "harness/base/tests/fuzz.h"
#include "harness/ir/graph.h"
#include "harness/ir/ops.h"

#include "assay/banned.h"

static void check_names(const struct assay_case *c)
{
    char               brief[ASSAY_CASE_NAME_BYTES];
    struct assay_case  again;
    struct assay_error err = {.code = ASSAY_OK};
    FUZZ_HOLDS(!assay_case_parse(c->name, &again, &err) && !strcmp(again.name, c->name) && !strcmp(again.id, c->id));
    assay_case_release(&again);
    assay_case_brief(c->name, brief);
    FUZZ_HOLDS(!assay_case_parse(brief, &again, &err) && !strcmp(again.id, c->id));
    assay_case_release(&again);
}

static void check_graph(const struct assay_case *c)
{
    struct assay_graph *g = NULL;
    struct assay_error  err = {.code = ASSAY_OK};
    if (assay_case_graph(c, &g, &err)) {
        FUZZ_HOLDS(*err.message);
        return;
    }
    struct assay_cost cost = assay_graph_cost(g);
    FUZZ_HOLDS(cost.read_bytes || cost.written_bytes);
    if (c->workload->items)
        (void)c->workload->items(c->params, c->phase);
    assay_graph_free(g);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    char               brief[ASSAY_CASE_NAME_BYTES];
    struct assay_case  c;
    struct assay_error err = {.code = ASSAY_OK};
    char              *text = fuzz_text(data, bytes);
    if (!assay_case_parse(text, &c, &err)) {
        check_names(&c);
        check_graph(&c);
        assay_case_release(&c);
    } else {
        FUZZ_HOLDS(err.code == ASSAY_CONFIG && *err.message);
        assay_case_brief(text, brief);
    }
    free(text);
    return 0;
}
