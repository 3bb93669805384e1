#include "reports/level_columns.h"

#include <stddef.h>

#include "assay/banned.h"

const char *const assay_level_nodes[] = {"case", "verdict", ">nodes", ">diverging", "first that diverges, or nearest to its bound",
                                         ">error / bound", ">beside rounding", ">outputs: error / bound", "why", NULL};
const char *const assay_level_quality[] = {"case", "verdict", ">choices", ">right on the device", ">right by the reference", ">same choice",
                                           ">certainly wrong", ">score: error / bound", ">loss on the device", ">loss by the reference",
                                           ">loss: error / bound", NULL};
const char *const assay_level_tokens[] = {"case", "verdict", "weights", ">tokens", ">the reference's", ">certainly wrong", ">first wrong",
                                          ">first that the bounds do not decide", NULL};
const char *const assay_level_values[] = {"case", "verdict", "node", "op", ">error in", ">carried", ">added", ">out", ">worst error",
                                             ">its bound", ">error / bound", ">beside rounding", NULL};
const char *const assay_level_pairs[] = {">pair", ">seed A", ">loss A", ">seed B", ">loss B", ">B − A", "why", NULL};
