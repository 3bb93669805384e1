#include "session.h"

#include <math.h>
#include <string.h>

#include "assay/banned.h"

/* TF32 has no format of its own in a graph: products in f32 run at its rate. */
struct assay_chip model_chip(const struct assay_session *s, uint64_t k)
{
    struct assay_chip chip = k ? assay_chip_draw(s->described, k) : assay_chip_middle(s->described);
    if (s->options.precision == MODEL_TF32)
        chip.field[ASSAY_DEVICE_PEAK_F32] = chip.field[ASSAY_DEVICE_PEAK_TF32];
    return chip;
}

struct assay_node_how model_how(const struct assay_session *s, const struct assay_program *p)
{
    enum assay_dtype as = s->options.precision == MODEL_BF16 ? ASSAY_BF16 : s->options.precision == MODEL_F16 ? ASSAY_F16 : ASSAY_F32;
    return (struct assay_node_how){.f32_as = as, .content = p ? p->content : NULL};
}

enum assay_code model_describe(const char *device, const char *spec, struct assay_described **out, struct assay_error *err)
{
    bool                    is_device = false;
    struct assay_described *d = NULL;
    if (*spec && assay_spec_is_device(spec, &is_device, err))
        return err->code;
    if (is_device)
        return assay_described_read(spec, out, err);
    if (assay_described_find(device, &d, err))
        return err->code;
    if (*spec && assay_described_overlay(d, spec, err)) {
        assay_described_free(d);
        return err->code;
    }
    *out = d;
    return ASSAY_OK;
}
