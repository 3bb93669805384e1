#include "harness/model/cluster/plan.h"

#include <math.h>
#include <string.h>

#include "harness/base/strings.h"

#include "assay/banned.h"

const char *const assay_recompute_names[] = {"", "none", "selective", "full", NULL};
const char *const assay_attention_names[] = {"", "fused", "stored", NULL};
const char *const assay_moments_names[] = {"", "f32", "bf16", "8bit", NULL};

const struct assay_framework assay_frameworks[] = {
    {"megatron-2025", "Megatron-Core with Transformer Engine, 2025, on H100: the kernels' prices as they are", 1, 1, 1},
    {"pytorch-2023", "PyTorch of 2023: fitted on llm-foundry's FSDP on A100", 1, 1.22, 1.17},
    {"pytorch-2023-hopper", "the same on H100, before its kernels were written for it", 1, 1.33, 2.52},
    {NULL, NULL, 0, 0, 0},
};

enum assay_code assay_framework_find(const char *name, const struct assay_framework **out, struct assay_error *err)
{
    const char *names[sizeof assay_frameworks / sizeof *assay_frameworks];
    size_t      n = 0;
    for (; assay_frameworks[n].name; n++) {
        names[n] = assay_frameworks[n].name;
        if (!strcmp(name, names[n])) {
            *out = &assay_frameworks[n];
            return ASSAY_OK;
        }
    }
    const char *near = assay_string_nearest(name, names, n);
    (void)ASSAY_FAIL(err, ASSAY_CONFIG, "there is no framework '%.40s'", name);
    return assay_error_hint(err, near ? "did you mean '%s'?" : "the first one is %s", near ? near : names[0]);
}

/* ---- what can be -------------------------------------------------------------------------------------------------- */

static enum assay_code divides(int64_t by, double what, const char *axis, const char *of, struct assay_error *err)
{
    if (by < 1)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "%s is %lld", axis, (long long)by);
    if (fmod(what, (double)by) != 0)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "%s %lld does not divide the %.0f %s", axis, (long long)by, what, of);
    return ASSAY_OK;
}

enum assay_code assay_train_plan_check(const struct assay_train_plan *p, const struct assay_decoder_numbers *d, int64_t devices,
                                       struct assay_error *err)
{
    if (p->tp < 1 || p->cp < 1 || p->dp < 1 || p->pp < 1 || p->tp * p->cp * p->dp * p->pp != devices)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "tp %lld x cp %lld x dp %lld x pp %lld is not the %lld devices", (long long)p->tp, (long long)p->cp,
                          (long long)p->dp, (long long)p->pp, (long long)devices);
    if (divides(p->tp, d->heads, "tp", "heads", err) || divides(p->cp, p->seq, "cp", "tokens of a sequence", err) ||
        divides(p->ep, (double)(p->tp * p->cp * p->dp), "ep", "ranks of a stage", err) ||
        (d->experts > 0 && divides(p->ep, d->experts, "ep", "experts", err)))
        return err->code;
    if (p->chunks < 1 || (double)(p->pp * p->chunks) > d->layers)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "pp %lld x %lld chunks are more pieces than the %.0f layers", (long long)p->pp,
                          (long long)p->chunks, d->layers);
    if (p->chunks > 1 && (p->pp == 1 || p->micro_batches % p->pp))
        return ASSAY_FAIL(err, ASSAY_CONFIG, "interleaving needs micro-batches by the %lld stages, got %lld", (long long)p->pp,
                          (long long)p->micro_batches);
    if (p->micro_batch < 1 || p->micro_batches < 1)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "a rank has %lld micro-batches of %lld sequences", (long long)p->micro_batches,
                          (long long)p->micro_batch);
    if (p->zero < 0 || p->zero > 3)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "zero has stages 0 to 3, got %d", p->zero);
    if (p->sequence_parallel && fmod(p->seq / (double)p->cp, (double)p->tp) != 0)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "sequence parallelism needs tokens by tp %lld", (long long)p->tp);
    return ASSAY_OK;
}
