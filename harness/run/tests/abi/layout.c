/* The same comparison as a shared object, so that it can be compiled as C++ and against the headers of ABI 1.0. */
#include "layout.h"

ASSAY_EXPORT const char *layout_difference_here(void);

const char *layout_difference_here(void)
{
    return layout_difference();
}
