/* A meter of the user's: a command that prints watts, or a file that another program writes them to. A thread of its own
 * listens to it; each value holds until the next one. */
#ifndef ASSAY_MEASURE_POWER_EXTERNAL_H
#define ASSAY_MEASURE_POWER_EXTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "assay/error.h"

struct assay_external;
/* `text` is a command when is_command, else a path. */
enum assay_code assay_external_open(bool is_command, const char *text, struct assay_external **out,
                                    struct assay_error *err);
void            assay_external_close(struct assay_external *x);
/* At now_ns of the host's clock, which the caller has read: so that energy and time are of the same stretch. */
void            assay_external_start(struct assay_external *x, uint64_t now_ns);
void            assay_external_stop(struct assay_external *x, uint64_t now_ns);
/* Joules so far; false with the reason when the meter said nothing, nonsense, stopped talking or ended. */
bool            assay_external_read(struct assay_external *x, double *joules, char *why, size_t capacity);

#endif
