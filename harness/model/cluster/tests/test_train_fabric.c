#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

#include "harness/base/tests/source.h"
#include "harness/model/cluster/train_fabric.h"

#include "assay/banned.h"

TestSuite(train_fabric, .init = find_source);

static struct assay_error err;

static enum assay_code fabric_of(const char *device, int64_t devices, double link, struct assay_fabric *out, char how[120])
{
    static struct assay_fitted kernels;
    struct assay_described    *d = NULL;
    struct assay_train_links   links;
    err = (struct assay_error){.code = ASSAY_OK};
    cr_assert(!assay_fitted_read(NULL, &kernels, &err) && !assay_described_find(device, &d, &err), "%s", err.message);
    const struct assay_coefficients k = assay_fitted_for(&kernels, d->vendor);
    struct assay_chip               chip = assay_chip_middle(d);
    if (link > 0 || isnan(link))
        chip.field[ASSAY_DEVICE_SCALE_UP] = link;
    cr_assert(!assay_train_links_find(d, devices, &links, &err), "%s", err.message);
    (void)snprintf(how, 120, "%s", links.how);
    enum assay_code code = assay_train_fabric_on(&links, &chip, &k, out, &err);
    assay_train_links_release(&links);
    assay_described_free(d);
    return code;
}

Test(train_fabric, is_of_the_devices_own_system_else_of_a_sisters_with_its_own_links_else_assumed)
{
    struct assay_fabric own, sister, none;
    char                how[120];
    cr_assert(!fabric_of("h100-sxm", 64, 0, &own, how), "%s", err.message);
    cr_expect_str_eq(how, "links of system dgx-h100");
    cr_expect(own.n_tiers == 2 && own.devices == 64 && own.tier[0].link == 450e9);
    cr_assert(!fabric_of("h800-sxm", 64, 0, &sister, how), "%s", err.message);
    cr_expect_str_eq(how, "links of system dgx-h100, its sister's");
    cr_expect(sister.tier[0].link < own.tier[0].link && sister.tier[1].link == own.tier[1].link, "H800's links within a server are fewer");
    cr_assert(!fabric_of("m100", 64, 0, &none, how), "%s", err.message);
    cr_expect(strstr(how, "assumed") && none.devices >= 64, "%s", how);
}

Test(train_fabric, of_one_domain_grows_by_assumed_links_and_never_by_more_of_its_own)
{
    struct assay_fabric within, beyond;
    char                how[120];
    cr_assert(!fabric_of("mi300x", 8, 0, &within, how) && !fabric_of("mi300x", 64, 0, &beyond, how), "%s", err.message);
    cr_expect(within.n_tiers == 1 && within.tier[0].units == 8);
    cr_expect(beyond.n_tiers == 2 && beyond.tier[0].units == 8 && beyond.devices == 64 && beyond.tier[1].link < within.tier[0].link);
}

Test(train_fabric, of_a_size_that_its_system_has_not_uses_as_much_of_a_domain_as_divides)
{
    struct assay_fabric f;
    char                how[120];
    cr_assert(!fabric_of("gb200-nvl72", 128, 0, &f, how), "%s", err.message);
    cr_expect(strstr(how, "no such size"), "%s", how);
    cr_expect(f.tier[0].units == 64 && f.devices == 128, "%g of %g", f.tier[0].units, f.devices);
}

Test(train_fabric, has_the_links_of_the_chip_that_is_drawn)
{
    struct assay_fabric f;
    char                how[120];
    cr_assert(!fabric_of("h100-sxm", 8, 100e9, &f, how), "%s", err.message);
    cr_expect_eq(f.tier[0].link, 100e9);
    cr_expect_eq(fabric_of("m100", 64, NAN, &f, how), ASSAY_UNSUPPORTED);
    cr_expect(strstr(err.message, "scale_up_bytes_per_s"), "%s", err.message);
    cr_expect_eq(fabric_of("m100", 1, NAN, &f, how), ASSAY_OK, "one device needs no links");
}
