/* What a back end's name means where it is the name of a device. */
#ifndef ASSAY_RUN_RESOLVE_H
#define ASSAY_RUN_RESOLVE_H

#include "assay/text.h"
#include "harness/run/loader.h"

/* "D" that is no plug-in's name and "auto:D" become "BACKEND:DEVICE": a driver here that finds such hardware, by the name or an
 * alias of D's description; else "model:D" where D is described, or "cluster:D" where D is a described system. "model:ALIAS" and
 * "cluster:ALIAS" become the description's name. All else stays as
 * it is. `why` says what was chosen and for what reason; empty where nothing was. Loads plug-ins: for workers only. */
enum assay_code assay_backend_resolve(struct assay_backend_name *name, struct assay_text *why, struct assay_error *err);

#endif
