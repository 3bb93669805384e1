/* How much a check can see. */
#ifndef ASSAY_VERIFY_FAULT_SIZE_H
#define ASSAY_VERIFY_FAULT_SIZE_H

#include <stdbool.h>
#include <stdint.h>

#include "harness/verify/expected.h"
#include "harness/verify/witness_file.h"

/* The largest share c of iterations that a device may spoil and still be missed with 5 %: (1 - c)^judged = 0.05. 1 when
 * nothing was judged. Chosen without replacement, fewer are missed than that. */
double assay_cheat_share_found(uint64_t judged);

/* The size d of a fault in any one element, relative to the root mean square of the output, that is found with 99 %:
 *     d = 2 max(bound) / rms
 * over what every element stands in: all elements singly, or the sums of one projection. A fault of twice the bound
 * takes an honest result from one end of its interval beyond the other, so it is found with certainty. An element
 * outside the sample that stands in no sum is seen with probability n / N only: INFINITY, unless n / N >= 99 %. */
double assay_smallest_fault(const struct assay_witness_part *part, const struct assay_expected_part *expected);
/* Was every element of the output compared singly; does every element stand in a sum that was compared? */
bool assay_covers_singly(const struct assay_witness_part *part, const struct assay_expected_part *expected);
bool assay_covers_by_sums(const struct assay_witness_part *part, const struct assay_expected_part *expected);

#endif
