/* What a CUSUM with a second look does, computed and not simulated: nights between false alarms, chance to find a step.
 *
 * One side, in units of the night's noise. A night gives z, clipped to +-clip; S = max(0, S + z - reference). Where S exceeds
 * `again`, the case is run again in the same night, and what the night then knows beyond its first run is worth `more`
 * independent values: S = max(0, S + w), w normal with mean more (step - reference) and variance more. One night adds at most
 * `most`. The alarm rises where S exceeds `alarm` when the night is over. Because most < alarm, one bad night alone never is an
 * alarm.
 *
 * The chain of Brook and Evans (Biometrika 59, 1972) over S in [0, alarm] gives both. README.md says how numbers were chosen. */
#ifndef ASSAY_JUDGE_HISTORY_CUSUM_H
#define ASSAY_JUDGE_HISTORY_CUSUM_H

struct assay_cusum {
    double reference, clip, again, more, most, alarm;
};

/* The one that the watch list uses; `alarm` follows from how often it may be wrong. */
#define ASSAY_CUSUM_REFERENCE 1.0
#define ASSAY_CUSUM_CLIP 3.0
#define ASSAY_CUSUM_AGAIN 1.5
#define ASSAY_CUSUM_RUNS_AGAIN 2
#define ASSAY_CUSUM_NIGHTS 5    /* within which a step is to be found */
#define ASSAY_CUSUM_CHANCE 0.95 /* and with what chance */

/* Mean number of nights, from S = 0, until this side is wrong when nothing happens. */
double assay_cusum_nights(const struct assay_cusum *c);
/* *c with the smallest alarm for which that number is at least `nights` (100 to 1e9), and with `most` as belongs to it. */
void assay_cusum_make(double nights, double more, struct assay_cusum *c);
/* Chance that a step of so many night's noises is found within n nights, its first included, after a long quiet time. */
double assay_cusum_power(const struct assay_cusum *c, double step, unsigned n);
/* Smallest step found within ASSAY_CUSUM_NIGHTS with ASSAY_CUSUM_CHANCE. */
double assay_cusum_smallest(const struct assay_cusum *c);
/* Share of quiet nights in which the case is run again. */
double assay_cusum_again(const struct assay_cusum *c);

#endif
