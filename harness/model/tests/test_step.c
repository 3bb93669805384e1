#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

#include "harness/base/random.h"
#include "harness/base/tests/source.h"
#include "harness/model/step.h"
#include "harness/model/tests/megatron.h"

#include "assay/banned.h"

static struct assay_error        err;
static struct assay_coefficients coefficients;

static void set_up(void)
{
    find_source();
    coefficients = assay_coefficients_begin();
}
TestSuite(step, .init = set_up, .timeout = 60);

static struct assay_fabric fabric_of(const char *name, int64_t devices, uint64_t draw)
{
    struct assay_system    *s = NULL;
    struct assay_described *d = NULL;
    struct assay_fabric     f;
    cr_assert_eq(assay_system_find(name, &s, &err), ASSAY_OK, "%s", err.message);
    cr_assert_eq(assay_described_find(s->device, &d, &err), ASSAY_OK, "%s", err.message);
    cr_assert_eq(assay_system_resize(s, devices, &err), ASSAY_OK, "%s", err.message);
    cr_assert_eq(assay_fabric_of(s, d, &coefficients, draw, &f, &err), ASSAY_OK, "%s", err.message);
    assay_described_free(d);
    assay_system_free(s);
    return f;
}

static struct assay_step_price price_of(const struct assay_decoder_numbers *d, const struct assay_fabric *f, const struct assay_train_plan *p, bool exact)
{
    struct assay_step_model *m = NULL;
    struct assay_step_price  price;
    cr_assert_eq(assay_step_model_new(d, f, &coefficients, &m, &err), ASSAY_OK);
    cr_assert_eq(assay_price_step(m, p, exact, &price, &err), ASSAY_OK, "%s", err.message);
    assay_step_model_free(m);
    return price;
}

Test(step, megatrons_eight_iteration_times)
{
    for (size_t i = 0; i < MEGATRON; i++)
        for (int selective = 0; selective < 2; selective++) {
            struct assay_decoder_numbers d = megatron_decoder(&megatron[i]);
            struct assay_train_plan      p = megatron_plan(&megatron[i], selective);
            struct assay_fabric          f = fabric_of("dgx-a100", p.tp * p.pp, 0);
            p.overlap = true;
            struct assay_step_price price = price_of(&d, &f, &p, true), about = price_of(&d, &f, &p, false);
            double measured = selective ? megatron[i].selective_s : megatron[i].full_s;
            fprintf(stderr, "%-5s %s %.2f s, measured %.2f: %+.1f %%; about %.2f;", megatron[i].name, selective ? "selective" : "full", price.ns / 1e9, measured,
                    100 * (price.ns / 1e9 / measured - 1), about.ns / 1e9);
            for (int part = 0; part < ASSAY_STEP_PARTS; part++)
                fprintf(stderr, " %s %.2f", assay_step_part_names[part], price.part_ns[part] / 1e9);
            fprintf(stderr, "\n");
        }
}
