/* Energy of this machine: RAPL through powercap, or an external meter the user names. */
#ifndef ASSAY_MEASURE_POWER_H
#define ASSAY_MEASURE_POWER_H

#include <stddef.h>
#include <stdint.h>

#include "assay/error.h"
#include "harness/measure/counters.h"

struct assay_meter;
/* `how`: NULL or "" = RAPL if there; "cmd=COMMAND" = a command run through /bin/sh that prints watts, one number a
 * line, as long as it runs; "file=PATH" = a file whose last line is watts (polled) — or, if lines have two fields,
 * "unix_seconds watts". A meter that is not there is no error: its reading has a reason. A malformed `how` is. */
enum assay_code assay_meter_open(const char *how, struct assay_meter **out, struct assay_error *err);
void            assay_meter_close(struct assay_meter *m);
/* Energy between start and stop adds up over all such pairs. Both allocate nothing; the command of "cmd=" runs from open
 * to close, so that it has something to say when it is asked. */
void            assay_meter_start(struct assay_meter *m);
void            assay_meter_stop(struct assay_meter *m);
/* Energy between the starts and stops so far: joules, or the reason. `source` names the meter and its scope ("rapl package-0",
 * "cmd … (external, scope as the user says)"). */
struct assay_counter assay_meter_read(const struct assay_meter *m, char source[128]);

#endif
