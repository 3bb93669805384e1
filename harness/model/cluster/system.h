/* What is known of a cluster: which devices, how many, and the tiers of network that join them. Read from
 * backends/systems/NAME.json (schema: backends/systems/README.md), overlaid by a buyer's own file. */
#ifndef ASSAY_MODEL_SYSTEM_H
#define ASSAY_MODEL_SYSTEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "assay/error.h"
#include "harness/model/device.h"
#include "harness/model/quantity.h"

enum assay_system_field {
#define ASSAY_SYSTEM_FIELD(id, key, unit, least, most, about) ASSAY_SYSTEM_##id,
#include "harness/model/cluster/system_fields.def"
    ASSAY_SYSTEM_FIELDS
};
enum assay_tier_field {
#define ASSAY_TIER_FIELD(id, key, unit, least, most, about) ASSAY_TIER_##id,
#include "harness/model/cluster/system_fields.def"
    ASSAY_TIER_FIELDS
};
extern const struct assay_quantity_row assay_system_fields[ASSAY_SYSTEM_FIELDS], assay_tier_fields[ASSAY_TIER_FIELDS];

enum assay_topology {
    ASSAY_TOPOLOGY_MESH = 1, /* every unit has a link to every other */
    ASSAY_TOPOLOGY_RING,
    ASSAY_TOPOLOGY_TORUS,    /* of `shape`, with wrap-around */
    ASSAY_TOPOLOGY_SWITCH,   /* one stage that does not block */
    ASSAY_TOPOLOGY_FAT_TREE, /* `leaf` units below a leaf switch, oversubscribed above */
    ASSAY_TOPOLOGY_RAILS,    /* a fat tree for each place within a unit: device j of every unit is on rail j */
};
extern const char *const assay_topology_names[]; /* by enum assay_topology; ends with NULL */

enum { ASSAY_SYSTEM_TIERS = 6, ASSAY_TORUS_DIMENSIONS = 3 };

/* Strings live with the system. */
struct assay_tier {
    const char           *name;
    enum assay_topology   topology;
    int64_t               units;                         /* instances of the tier below (devices, for the first) that one joins */
    int64_t               leaf;                          /* units below one leaf switch; = units where there is one stage */
    int64_t               shape[ASSAY_TORUS_DIMENSIONS]; /* of a torus, 1 = no such dimension; its product is units */
    struct assay_quantity fields[ASSAY_TIER_FIELDS];
};
struct assay_system {
    const char              *name, *product, *vendor, *about, *device; /* device: a name of backends/devices */
    const char *const       *aliases;                                  /* ends with NULL */
    enum assay_device_status status;
    const struct assay_said *said;
    size_t                   n_said;
    int64_t                  devices;
    struct assay_tier        tiers[ASSAY_SYSTEM_TIERS]; /* innermost first */
    size_t                   n_tiers;
    struct assay_quantity    fields[ASSAY_SYSTEM_FIELDS];
    const char              *overlays; /* "FILE (by WHOM), …", "" = none */
    char                     fingerprint[65];
};

/* By name or alias, any case, or a file (a slash in it, or .json at its end). ASSAY_CONFIG: none such (hint: the nearest);
 * ASSAY_DATA: the file is wrong (line, key, what). */
enum assay_code assay_system_find(const char *name, struct assay_system **out, struct assay_error *err);
enum assay_code assay_system_read(const char *path, struct assay_system **out, struct assay_error *err);
/* Lays a buyer's file ("assay-system-spec/1") over it: only the numbers that the file has are replaced. */
enum assay_code assay_system_overlay(struct assay_system *s, const char *path, struct assay_error *err);
/* Is the file such numbers, and for which system? */
bool            assay_system_spec_is(const char *path, char system[64]);
/* The same of another size: tiers that are no longer filled shrink, the outermost grows. ASSAY_CONFIG: a tier does not divide. */
enum assay_code assay_system_resize(struct assay_system *s, int64_t devices, struct assay_error *err);
void            assay_system_free(struct assay_system *s);
/* The descriptions there are, sorted by name. One that cannot be read is told with its error. */
enum assay_code assay_systems_list(void (*each)(void *self, const char *name, const struct assay_system *s, const struct assay_error *why_not),
                                   void *self, struct assay_error *err);

#endif
