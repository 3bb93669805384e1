#include "harness/model/kernel.h"

#include "assay/banned.h"

const char *const assay_kernel_class_names[ASSAY_KERNEL_CLASSES + 1] = {"gemm", "conv", "prefill", "decode", "moe", "memory",
                                                                        "collective", "transfer", NULL};
