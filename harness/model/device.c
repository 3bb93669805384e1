/* The words of descriptions, and finding them. Their files: device_file.c. */
#include "harness/model/device.h"

#include "assay/banned.h"

const struct assay_quantity_row assay_device_fields[ASSAY_DEVICE_FIELDS] = {
#define ASSAY_DEVICE_FIELD(id, key, unit, least, most, about) {key, unit, about, least, most},
#include "harness/model/device_fields.def"
#undef ASSAY_DEVICE_FIELD
};

const char *const assay_chip_family_names[] = {"", "tensor_core", "systolic", "vector", NULL};
const char *const assay_memory_class_names[] = {"", "hbm", "gddr", "lpddr", "ddr", NULL};
const char *const assay_device_status_names[] = {"", "announced", "sampling", "available", "discontinued", NULL};

/* ---- by name ------------------------------------------------------------------------------------------------------ */

static enum assay_code read_one(const char *path, void **out, struct assay_error *err)
{
    struct assay_described *one = NULL;
    enum assay_code code = assay_described_read(path, &one, err);
    *out = one;
    return code;
}

static void release_one(void *one)
{
    assay_described_free(one);
}

static const char *name_of(const void *one)
{
    return ((const struct assay_described *)one)->name;
}

static const char *const *aliases_of(const void *one)
{
    return ((const struct assay_described *)one)->aliases;
}

static const struct assay_description_kind kind = {"backends/devices", "description of a device", read_one, release_one, name_of, aliases_of};

enum assay_code assay_described_find(const char *name, struct assay_described **out, struct assay_error *err)
{
    void *found = NULL;
    if (!assay_description_find(&kind, name, &found, err))
        *out = found;
    return err->code;
}

/* What is to be told of each, as its own type. */
struct listing {
    void (*each)(void *self, const char *name, const struct assay_described *one, const struct assay_error *why_not);
    void *self;
};
static void tell_one(void *self, const char *name, const void *one, const struct assay_error *why_not)
{
    const struct listing *l = self;
    l->each(l->self, name, one, why_not);
}

enum assay_code assay_described_list(void (*each)(void *self, const char *name, const struct assay_described *one, const struct assay_error *why_not), void *self,
                           struct assay_error *err)
{
    return assay_descriptions_list(&kind, tell_one, &(struct listing){each, self}, err);
}
