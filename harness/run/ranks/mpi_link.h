/* The link of ranks that mpirun started: messages of Open MPI, which is loaded when it is wanted and not before. Nothing of it is
 * called that could wait: streams are cut into messages that are sent and received by themselves, so a rank that does not come is
 * missed as on any link. What is needed of its ABI, the same in versions 1.7 to 5, stands in mpi_link.c. */
#ifndef ASSAY_RUN_RANKS_MPI_LINK_H
#define ASSAY_RUN_RANKS_MPI_LINK_H

#include "assay/error.h"
#include "harness/run/ranks/link.h"

/* Begins MPI in this process, once. ASSAY_UNAVAILABLE: there is no Open MPI here, with what to install. Refused: a rank or a number of
 * ranks other than mpirun gave this process. When all ranks have left without a loss, closing ends MPI. */
enum assay_code assay_mpi_link(uint32_t rank, uint32_t n, struct assay_link *out, struct assay_error *err);

/* Can it be loaded? *version is what the library says of itself. For `assay doctor`. */
enum assay_code assay_mpi_look(char version[128], struct assay_error *err);

#endif
