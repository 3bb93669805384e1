#include <criterion/criterion.h>
#include <dlfcn.h>

#include "harness/run/tests/abi/layout.h"
#include "harness/run/tests/device.h"

#include "assay/banned.h"

static const char *difference_in(const char *fixture)
{
    char path[600];
    const char *(*difference)(void) = NULL;
    place_of(path, sizeof path, "fixtures", fixture);
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    cr_assert(library, "%s", dlerror());
    void *symbol = dlsym(library, "layout_difference_here");
    cr_assert(symbol);
    memcpy(&difference, &symbol, sizeof difference);
    return difference();
}

Test(abi, everything_that_crosses_lies_where_it_lay_in_1_0, .timeout = 60)
{
    const char *moved = layout_difference();
    cr_expect_null(moved, "%s", moved);
    moved = difference_in("layout-cxx");
    cr_expect_null(moved, "in C++: %s", moved);
    moved = difference_in("layout-1.0");
    cr_expect_null(moved, "the frozen headers were edited: %s", moved);
}

Test(abi, yesterdays_template_still_loads_and_computes, .timeout = 60)
{
    struct device d = {.g = NULL};
    struct assay_graph *g = graph_binary("Add", 4, 8);
    char path[600], text[700];
    float a[32], b[32], y[32];
    place_of(path, sizeof path, "fixtures", "template-1.0");
    (void)snprintf(text, sizeof text, "%s,memory=1MiB", path);
    DEVICE_OK(&d, assay_backend_open(text, NULL, &d.opened, &d.err));
    cr_expect_eq(d.opened.backend->abi_major, 1);
    cr_expect_eq(d.opened.backend->abi_minor, 0);
    cr_expect_eq(d.opened.device.memory_bytes, 1 << 20, "its options are understood");
    device_load(&d, g);
    for (int i = 0; i < 32; i++) {
        a[i] = (float)i;
        b[i] = (float)(i * i) / 4;
    }
    device_give(&d, 0, a);
    device_give(&d, 1, b);
    (void)device_run(&d);
    device_take(&d, 2, y);
    for (int i = 0; i < 32; i++)
        cr_expect_eq(y[i], a[i] + b[i]);
    cr_expect_eq(device_overrun(&d, 2), 0);
    device_close(&d);
}
