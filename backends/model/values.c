/* Values by emulated arithmetic: the matrix unit that the description names, in the memory of this machine. */
#include <stdlib.h>
#include <string.h>

#include "backends/emulate/compute.h"
#include "backends/reference/device.h"
#include "session.h"

#include "assay/banned.h"

struct model_values_program {
    struct assay_matrix_unit unit;
    struct device_program   *on_device;
    struct emulate_work     *work;
};

static enum assay_code find_unit(const struct assay_session *s, struct assay_matrix_unit *out, struct assay_error *err)
{
    if (!*s->described->unit) {
        (void)ASSAY_FAIL(err, ASSAY_UNSUPPORTED, "unit is not known of the device: how its matrix units add is not published");
        return assay_error_hint(err, "name one of backends/units in a file for --spec, or run without values=emulate");
    }
    return assay_unit_find(s->described->unit, out, err);
}

bool model_values_accept(const struct assay_session *s, const struct assay_host *host, const struct assay_graph *g, uint32_t node,
                         struct assay_text *why_not)
{
    struct assay_node_view   view = {.size = sizeof view};
    struct assay_value_view  value = {.size = sizeof value};
    struct assay_matrix_unit unit = {.a = assay_unit_formats, .b = assay_unit_formats};
    struct assay_error       err = {.code = ASSAY_OK};
    if (!device_accepts(host, g, node, why_not))
        return false;
    if (find_unit(s, &unit, &err)) {
        assay_text_add(why_not, "%s", err.message);
        return false;
    }
    (void)host->graph_node(g, node, &view);
    (void)host->graph_value(g, (uint32_t)view.inputs[0], &value);
    if (!emulate_multiplies(view.domain, view.op) || assay_unit_takes(&unit, value.dtype))
        return true;
    assay_text_add(why_not, "unit %s multiplies %s by %s, not %s", unit.name, unit.a->name, unit.b->name,
                   assay_dtype_name(value.dtype));
    return false;
}

void model_values_free(struct model_values_program *p)
{
    if (!p)
        return;
    emulate_work_free(p->work);
    if (p->on_device)
        device_discard(p->on_device);
    free(p);
}

enum assay_code model_values_new(const struct assay_session *s, const struct assay_host *host, const struct assay_compile *how,
                                 struct model_values_program **out, struct assay_error *err)
{
    struct model_values_program *p = calloc(1, sizeof *p);
    if (!p)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a program");
    if (find_unit(s, &p->unit, err) || device_compile(host, how, NULL, &p->on_device, err) ||
        emulate_work_new(device_graph(p->on_device), &p->unit, &p->work, err)) {
        model_values_free(p);
        return err->code;
    }
    *out = p;
    return ASSAY_OK;
}

static void put_output(void *self, int32_t value, const void *bytes)
{
    struct device_program *p = self;
    for (size_t i = 0; i < device_outputs(p); i++) {
        struct device_output *o = device_output(p, i);
        if (o->value == value)
            memcpy(o->computed, bytes, (size_t)o->bytes);
    }
}

enum assay_code model_values_compute(struct model_values_program *p, const struct assay_launch *launch, struct assay_error *err)
{
    if (device_bind(p->on_device, launch, err) ||
        emulate_compute(p->work, device_bound(p->on_device), put_output, p->on_device, err))
        return err->code;
    device_store(p->on_device);
    return ASSAY_OK;
}
