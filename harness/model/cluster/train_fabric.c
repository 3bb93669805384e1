#include "harness/model/cluster/train_fabric.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "assay/banned.h"

#define DOMAIN_USUAL 8.0
/* Outside a domain: a 400 Gbit/s port for each device, as servers are sold today; hosts of torus machines share one of 200 Gbit/s among four. */
#define BEYOND_BYTES_PER_S 50e9
#define BEYOND_TORUS_BYTES_PER_S 6.25e9
#define BEYOND_LATENCY_NS 5000.0
#define BEYOND_EFFICIENCY 0.85
#define SISTER 0.35      /* a device of the same vendor whose peak is no further off, in logarithms, and whose domain is as large */
#define TORUS_FROM 65.0 /* devices that no single stage of switches joins */

double assay_train_domain(const struct assay_chip *chip)
{
    double domain = chip->field[ASSAY_DEVICE_SCALE_UP_DOMAIN];
    return domain >= 1 ? domain : DOMAIN_USUAL;
}

/* A system found for a device: its own, or one of a sister. */
struct looking {
    const struct assay_described *device;
    char                          own[64], sister[64];
    double                        apart; /* of the sister's peak, in logarithms */
};

static void look(void *self, const char *name, const struct assay_system *s, const struct assay_error *why_not)
{
    struct looking         *l = self;
    struct assay_described *d = NULL;
    struct assay_error      none = {.code = ASSAY_OK};
    (void)why_not;
    if (!s)
        return;
    if (!strcmp(s->device, l->device->name) && !*l->own)
        (void)snprintf(l->own, sizeof l->own, "%s", name);
    if (assay_described_find(s->device, &d, &none))
        return;
    const struct assay_quantity *mine = l->device->fields, *its = d->fields;
    double                       apart = fabs(log(mine[ASSAY_DEVICE_PEAK_BF16].value / its[ASSAY_DEVICE_PEAK_BF16].value));
    if (!strcmp(d->vendor, l->device->vendor) && mine[ASSAY_DEVICE_SCALE_UP_DOMAIN].value == its[ASSAY_DEVICE_SCALE_UP_DOMAIN].value && apart < l->apart) {
        (void)snprintf(l->sister, sizeof l->sister, "%s", name);
        l->apart = apart;
    }
    assay_described_free(d);
}

/* The sides of a torus of so many devices, as even as powers of two allow. */
static void shape_of(double devices, double shape[ASSAY_TORUS_DIMENSIONS], int dimensions)
{
    for (int i = 0; i < ASSAY_TORUS_DIMENSIONS; i++)
        shape[i] = 1;
    for (int i = 0; devices >= 2 && fmod(devices, 2) == 0; i = (i + 1) % dimensions) {
        shape[i] *= 2;
        devices /= 2;
    }
    shape[0] *= devices;
}

static struct assay_fabric_tier first_tier(const struct assay_chip *chip, double devices)
{
    double latency_ns = chip->field[ASSAY_DEVICE_SCALE_UP_LATENCY], domain = assay_train_domain(chip);
    struct assay_fabric_tier t = {.topology = ASSAY_TOPOLOGY_SWITCH, .units = devices, .devices = devices, .leaf = devices,
                                  .link = chip->field[ASSAY_DEVICE_SCALE_UP], .latency_ns = isnan(latency_ns) ? 1000 : latency_ns, .efficiency = 1,
                                  .oversubscription = 1, .reduces = chip->field[ASSAY_DEVICE_IN_NETWORK_REDUCE] > 0};
    if (chip->family == ASSAY_CHIP_SYSTOLIC && domain >= TORUS_FROM && !(chip->field[ASSAY_DEVICE_IN_NETWORK_REDUCE] > 0)) {
        t.topology = ASSAY_TOPOLOGY_TORUS;
        shape_of(devices, t.shape, domain > 1024 ? 3 : 2);
    }
    return t;
}

static struct assay_fabric_tier beyond_tier(const struct assay_fabric *f, double devices)
{
    double units = ceil(devices / f->devices);
    bool   torus = f->tier[0].topology == ASSAY_TOPOLOGY_TORUS;
    return (struct assay_fabric_tier){.topology = ASSAY_TOPOLOGY_SWITCH, .units = units, .devices = units * f->devices, .leaf = units,
                                      .link = torus ? BEYOND_TORUS_BYTES_PER_S : BEYOND_BYTES_PER_S, .latency_ns = BEYOND_LATENCY_NS,
                                      .efficiency = BEYOND_EFFICIENCY, .oversubscription = 1};
}

/* Of a domain whose size does not divide the devices so many are used as do: of 72 that are 64 of each. */
static double used_of(double domain, double devices)
{
    domain = floor(fmin(devices, domain));
    while (domain > 1 && fmod(devices, domain) != 0)
        domain--;
    return domain;
}

static enum assay_code of_chip(const struct assay_chip *chip, double devices, struct assay_fabric *out, struct assay_error *err)
{
    struct assay_fabric f = {.chip = *chip, .n_tiers = 1};
    double              domain = used_of(assay_train_domain(chip), devices);
    if (devices > 1 && !(chip->field[ASSAY_DEVICE_SCALE_UP] > 0))
        return ASSAY_FAIL(err, ASSAY_UNSUPPORTED, "scale_up_bytes_per_s is not known, over which %.0f devices train together", devices);
    f.tier[0] = first_tier(chip, domain);
    f.devices = domain;
    if (devices > domain) {
        f.tier[1] = beyond_tier(&f, devices);
        f.devices = f.tier[1].devices;
        f.n_tiers = 2;
    }
    for (size_t i = 0; i < ASSAY_SYSTEM_FIELDS; i++)
        f.field[i] = NAN;
    *out = f;
    return ASSAY_OK;
}

/* ---- the two ------------------------------------------------------------------------------------------------------- */

static double described_domain(const struct assay_described *d)
{
    double domain = d->fields[ASSAY_DEVICE_SCALE_UP_DOMAIN].value;
    return domain >= 1 ? domain : DOMAIN_USUAL;
}

/* A system of one domain grows by links beyond it, not by more of it than its chips have. A sister's links within the domain are not the
 * device's. ASSAY_CONFIG: it has no such size. */
static enum assay_code take_system(const char *name, const struct assay_described *device, bool own, struct assay_train_links *l, struct assay_error *err)
{
    struct assay_system *s = NULL;
    double               domain = described_domain(device);
    if (assay_system_find(name, &s, err))
        return err->code;
    l->grows = s->n_tiers == 1 && (double)l->devices > domain;
    if (assay_system_resize(s, l->grows ? (int64_t)domain : l->devices, err)) {
        assay_system_free(s);
        return err->code;
    }
    for (int i = 0; !own && i < ASSAY_TIER_FIELDS; i++)
        if (i == ASSAY_TIER_LINK || i == ASSAY_TIER_LATENCY || i == ASSAY_TIER_REDUCES)
            s->tiers[0].fields[i].state = ASSAY_UNKNOWN_FIELD;
    l->system = s;
    (void)snprintf(l->how, sizeof l->how, own ? "links of system %s" : "links of system %s, its sister's", name);
    return ASSAY_OK;
}

enum assay_code assay_train_links_find(const struct assay_described *device, int64_t devices, struct assay_train_links *out, struct assay_error *err)
{
    struct looking           l = {.device = device, .apart = SISTER};
    struct assay_error       none = {.code = ASSAY_OK};
    struct assay_train_links links = {.devices = devices};
    if (assay_systems_list(look, &l, err))
        return err->code;
    const char *name = *l.own ? l.own : l.sister;
    if (!*name || take_system(name, device, *l.own != 0, &links, &none))
        (void)snprintf(links.how, sizeof links.how, "%s%s", *name ? "its system has no such size: " : "no system has this device: ",
                       (double)devices > described_domain(device) ? "its scale-up links, assumed ones beyond" : "its own scale-up links");
    *out = links;
    return ASSAY_OK;
}

void assay_train_links_release(struct assay_train_links *l)
{
    assay_system_free(l->system);
    l->system = NULL;
}

enum assay_code assay_train_fabric_on(const struct assay_train_links *l, const struct assay_chip *chip, const struct assay_coefficients *k,
                                      struct assay_fabric *out, struct assay_error *err)
{
    struct assay_fabric f;
    if (!l->system)
        return of_chip(chip, (double)l->devices, out, err);
    if (assay_fabric_on(l->system, chip, k, &f, err))
        return err->code;
    if (l->grows) {
        f.tier[1] = beyond_tier(&f, (double)l->devices);
        f.devices = f.tier[1].devices;
        f.n_tiers = 2;
    }
    *out = f;
    return ASSAY_OK;
}
