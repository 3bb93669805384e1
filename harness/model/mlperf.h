/* Published results of MLPerf (table "mlperf"): rates of inference and times to train by a law of a device's peak, bandwidth and power, of which
 * each benchmark has its own numbers (backends/coefficients/mlperf.json, written by assay calibrate). Form: README.md, "MLPerf". */
#ifndef ASSAY_MODEL_MLPERF_H
#define ASSAY_MODEL_MLPERF_H

#include <jansson.h>

#include "harness/model/device.h"
#include "harness/model/table.h"

enum assay_mlperf_number {
    ASSAY_MLPERF_PEAK, ASSAY_MLPERF_BANDWIDTH, ASSAY_MLPERF_POWER, /* exponents of a device's speed */
    ASSAY_MLPERF_ROUND, /* by how much, in logarithms, each earlier round (half a year) was slower on the same chip */
    ASSAY_MLPERF_CROWD,  /* of training: devices from which on half of what another one adds is lost; the last, as it is fitted apart */
    ASSAY_MLPERF_NUMBERS
};
extern const char *const assay_mlperf_number_names[ASSAY_MLPERF_NUMBERS + 1];

/* What a result is of: rates by scenario, or the time of training. */
enum assay_mlperf_kind { ASSAY_MLPERF_OFFLINE, ASSAY_MLPERF_SERVER, ASSAY_MLPERF_TRAIN, ASSAY_MLPERF_KINDS };
extern const char *const assay_mlperf_kind_names[ASSAY_MLPERF_KINDS + 1];

struct assay_mlperf_ask {
    char                   benchmark[64], metric[48];
    enum assay_mlperf_kind kind;
    double                 devices;
    double                 round; /* two a year: 2 x 3.0, 2 x 3.5 for 3.1; 0: not said, the latest */
};
/* ASSAY_DATA: a cell is no number; ASSAY_UNSUPPORTED: a scenario or metric of which there is no model. */
enum assay_code assay_mlperf_ask_read(const struct assay_cases_row *row, struct assay_mlperf_ask *out, struct assay_error *err);

struct assay_mlperf_law {
    char                   benchmark[64], metric[48];
    enum assay_mlperf_kind kind;
    double                 number[ASSAY_MLPERF_NUMBERS];
    double                 latest;      /* round that was fitted; later ones are taken for it */
    double                 constant;    /* logarithm of the figure's rate at 1 PFLOP/s, 1 TB/s and 1 kW, of one device in that round */
    unsigned               rows, chips;
};
enum { ASSAY_MLPERF_LAWS = 64, ASSAY_MLPERF_DEVICES = 48 };
struct assay_mlperf_fitted {
    struct assay_mlperf_law laws[ASSAY_MLPERF_LAWS];
    size_t                  n_laws;
    char                    devices[ASSAY_MLPERF_DEVICES][64];
    size_t                  n_devices;
    double                  half[ASSAY_MLPERF_KINDS]; /* of the 80 % band of a chip that the fit did not see, in logarithms */
    char                    fingerprint[65];
};
/* path NULL: what comes with the program. ASSAY_DATA: the file is wrong. */
enum assay_code assay_mlperf_fitted_read(const char *path, struct assay_mlperf_fitted *out, struct assay_error *err);
json_t         *assay_mlperf_fitted_to_json(const struct assay_mlperf_fitted *f); /* a new reference; NULL when out of memory */
/* NULL: no result of the kind was fitted. */
const struct assay_mlperf_law *assay_mlperf_law_of(const struct assay_mlperf_fitted *f, const struct assay_mlperf_ask *ask);

/* The numbers of a law begin here: by what the benchmark's work is mostly made of. */
void assay_mlperf_begin(const struct assay_mlperf_ask *ask, double number[ASSAY_MLPERF_NUMBERS]);
/* Laws are of accelerators: what they make of a peak, processors with memory on their boards do not. */
bool assay_mlperf_is_of(const struct assay_chip *chip);
/* The logarithm of how fast so many devices are, without the law's constant. NaN: the chip lacks peak or bandwidth. */
double assay_mlperf_speed(const double number[ASSAY_MLPERF_NUMBERS], double latest, const struct assay_mlperf_ask *ask, const struct assay_chip *chip);
/* The figure in its metric; a time where training is asked for. */
double assay_mlperf_figure(const struct assay_mlperf_law *law, const struct assay_mlperf_ask *ask, const struct assay_chip *chip);

struct assay_mlperf_estimate {
    double figure, p10, p90; /* figure NaN where what it rests on is only known as a range: there is no point */
    char   grade;            /* A fitted on this chip, B complete datasheet, C reported, inferred or derived numbers, D a number is assumed */
    char   why[300];
};
/* ASSAY_UNSUPPORTED: the device lacks a number, or nobody published such results. */
enum assay_code assay_mlperf_estimate(const struct assay_mlperf_fitted *f, const struct assay_described *device, const struct assay_mlperf_ask *ask,
                                      struct assay_mlperf_estimate *out, struct assay_error *err);

#endif
