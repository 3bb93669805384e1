#include "harness/judge/level.h"

#include "harness/run/launcher.h"

#include "assay/banned.h"

static void on_begin(void *self, const struct assay_run_step *step)
{
    const struct assay_level_request *w = self;
    if (w->progress)
        w->progress(w->self, step->index, step->total, step->what->name);
}

enum assay_code assay_level_run(const struct assay_level_request *w, struct assay_plan *plan, struct assay_error *err)
{
    struct assay_run_counts counts = {0};
    if (w->seed >= 0)
        plan->seed = (uint64_t)w->seed;
    for (size_t i = 0; w->timeout_ns && i < plan->n_cases; i++)
        plan->cases[i].repeat.timeout_ns = w->timeout_ns;
    struct assay_run_request request = {.plan = plan, .backends = &w->backend, .n_backends = 1, .folder = w->folder, .power = "",
                                        .resume = true, .arguments = w->arguments, .n_arguments = w->n_arguments,
                                        .stop = w->stop, .begin = on_begin, .self = (void *)(uintptr_t)w};
    return assay_run(&request, &counts, err);
}
