/* Any bytes as a matrix unit's file: refused with a reason, or a unit that comes back from its own JSON and gives sums. */
#include <math.h>
#include <string.h>

#include "harness/base/json.h"
#include "harness/base/tests/fuzz.h"
#include "reference/unit/unit.h"

#include "assay/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    static const double      x[] = {1, -0x1p-140, 3e38, 65504, 0, 0x1.5p-9, -255, 7};
    struct assay_error       err = {.code = ASSAY_OK};
    struct assay_matrix_unit u, again;
    if (assay_unit_read(fuzz_file(0, data, bytes), &u, &err)) {
        FUZZ_HOLDS((err.code == ASSAY_DATA || err.code == ASSAY_CONFIG) && *err.message);
        return 0;
    }
    json_t *json = assay_unit_to_json(&u);
    char   *line = assay_json_line(json);
    FUZZ_HOLDS(line && !assay_unit_read(fuzz_file(1, line, strlen(line)), &again, &err) && assay_unit_equal(&u, &again));
    double one = assay_unit_dot(&u, 8, x, 1, x, 1, 0), other = assay_unit_dot(&again, 8, x, 1, x, 1, 0);
    FUZZ_HOLDS(isnan(one) ? isnan(other) : one == other && !signbit(one) == !signbit(other));
    free(line);
    json_decref(json);
    return 0;
}
