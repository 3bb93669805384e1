#include "harness/run/devices.h"

#include <stdlib.h>
#include <string.h>

#include "harness/run/loader.h"

#include "assay/banned.h"

enum { MAX_DEVICES = 4096 };

/* Ends the string in its field and replaces control characters, which no name, serial or product has. */
static void end_string(char *field, size_t capacity)
{
    field[capacity - 1] = 0;
    for (char *c = field; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            *c = '?';
}

static const char *info_fault(const struct assay_device_list *list, const struct assay_device_info *info)
{
    if (!info->name[0])
        return "it has no name";
    if (info->clock < ASSAY_CLOCK_HOST || info->clock > ASSAY_CLOCK_MODEL)
        return "its clock is none of host, device, model";
    if (info->origin < ASSAY_ORIGIN_REAL || info->origin > ASSAY_ORIGIN_REFERENCE)
        return "its origin is none of real, simulated, modelled, reference";
    if (info->origin == ASSAY_ORIGIN_MODELLED && info->clock != ASSAY_CLOCK_MODEL)
        return "it is modelled and claims a clock that measures";
    if (info->origin == ASSAY_ORIGIN_REAL && info->clock == ASSAY_CLOCK_MODEL)
        return "it claims to be real and has a clock that measures nothing";
    if (!info->queues)
        return "it has no queue";
    for (size_t i = 0; i < list->n; i++)
        if (!strcmp(list->info[i].name, info->name))
            return "its name is taken";
    return NULL;
}

void assay_device_list_add(struct assay_device_list *list, const struct assay_device_info *info)
{
    struct assay_device_info copy = {0};
    if (list->error.code)
        return;
    if (!info || info->size < sizeof copy) {
        (void)ASSAY_FAIL(&list->error, ASSAY_PROTOCOL, "a device of %u bytes was added; ABI %u.%u has at least %zu",
                         info ? info->size : 0, ASSAY_ABI_MAJOR, ASSAY_ABI_MINOR, sizeof copy);
        return;
    }
    memcpy(&copy, info, sizeof copy);
    copy.size = sizeof copy;
    end_string(copy.name, sizeof copy.name);
    end_string(copy.product, sizeof copy.product);
    end_string(copy.vendor, sizeof copy.vendor);
    end_string(copy.serial, sizeof copy.serial);
    end_string(copy.firmware, sizeof copy.firmware);
    end_string(copy.how_known, sizeof copy.how_known);
    const char *fault = list->n == MAX_DEVICES ? "there are too many" : info_fault(list, &copy);
    if (fault) {
        (void)ASSAY_FAIL(&list->error, ASSAY_PROTOCOL, "device %zu ('%s') is refused: %s", list->n, copy.name, fault);
        return;
    }
    if (list->n == list->capacity) {
        size_t capacity = list->capacity ? 2 * list->capacity : 4;
        struct assay_device_info *more = realloc(list->info, capacity * sizeof *more);
        if (!more) {
            (void)ASSAY_FAIL(&list->error, ASSAY_MEMORY, "no memory for %zu devices", capacity);
            return;
        }
        list->info = more;
        list->capacity = capacity;
    }
    list->info[list->n++] = copy;
}

enum assay_code assay_backend_devices(const struct assay_backend *b, const void *options,
                                      struct assay_device_info **out, size_t *n, struct assay_error *err)
{
    struct assay_device_list list = {0};
    enum assay_code code = assay_backend_told(b, b->probe(options, &list, err), "probe", err);
    if (!code && list.error.code) {
        *err = list.error;
        code = assay_error_in(err, "probe of back end '%s'", b->name);
    }
    if (!code && !list.n)
        code = ASSAY_FAIL(err, ASSAY_UNAVAILABLE, "back end '%s' lists no device and gives no reason", b->name);
    if (code) {
        free(list.info);
        return code;
    }
    *out = list.info;
    *n = list.n;
    return ASSAY_OK;
}
