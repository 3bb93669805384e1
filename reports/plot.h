/* Plots by gnuplot, many by one process. It is given numbers and our own words only: names from files, hosts and
 * devices stand in the page's legends, never in a script (gnuplot runs what stands between backticks).
 *
 * Colours in scripts are marks that the page's style sheet gives a meaning: ASSAY_PLOT_SERIES is series i (from 1),
 * ASSAY_PLOT_GRID the grid, everything else the colour of text. So one drawing serves light, dark and paper. */
#ifndef ASSAY_REPORTS_PLOT_H
#define ASSAY_REPORTS_PLOT_H

#include <stddef.h>
#include <stdio.h>

#define ASSAY_PLOT_NONE SIZE_MAX
#define ASSAY_PLOT_SERIES "rgb \"#0101%02x\"" /* takes an unsigned */
#define ASSAY_PLOT_GRID "rgb \"#0a0b0c\""
#define ASSAY_PLOT_MAX_SERIES 8 /* colours of the style sheet; later series begin again */

struct assay_plots;

/* NULL when out of memory. Free takes NULL. */
struct assay_plots *assay_plots_new(void);
void                assay_plots_free(struct assay_plots *plots);

/* Begins a plot and returns its number; *script is where its commands go, until the next call. ASSAY_PLOT_NONE when out
 * of memory. Data go into blocks whose names begin with $p and end before the next plot. */
size_t assay_plots_begin(struct assay_plots *plots, int width, int height, FILE **script);

/* Draws all of them, bounded in time. */
void assay_plots_draw(struct assay_plots *plots);

/* The drawing as an <svg> element for inside a page, its ids unique by number; NULL: assay_plots_why. Borrowed. */
const char *assay_plots_svg(const struct assay_plots *plots, size_t number);
/* Why something was not drawn, as a sentence without full stop; "" when all was. */
const char *assay_plots_why(const struct assay_plots *plots);

#endif
