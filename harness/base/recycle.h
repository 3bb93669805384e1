/* Large blocks that come and go all the time. The system clears memory before it gives it, which for a tensor that lives for one node
 * costs more than what is done with it; so what is given back here is kept for the next who asks. Any thread. */
#ifndef ASSAY_BASE_RECYCLE_H
#define ASSAY_BASE_RECYCLE_H

#include <stddef.h>

/* Room for `bytes` (an eighth more may be taken), aligned to 64, with any content; NULL: none. Give it back with assay_recycle_give, which takes NULL too. */
void *assay_recycle_take(size_t bytes);
void  assay_recycle_give(void *block);
/* How much may be kept, in all; what is kept beyond it goes back to the system. At first ASSAY_RECYCLE_BYTES. */
#define ASSAY_RECYCLE_BYTES ((size_t)1 << 30)
void assay_recycle_keep(size_t bytes);

#endif
