// Straight lines through the points of a sweep, how well they are known, and rank correlation.
#pragma once

#include <cstddef>
#include <vector>

namespace rho::sweep {

/// Points that stand for (x + origin_x, y + origin_y). Losses that differ from ln C far below their
/// own size keep their digits that way.
struct Sample {
  std::vector<double> x, y;
  double origin_x = 0.0, origin_y = 0.0;
};

struct Interval {
  double low = 0.0, high = 0.0;
};

/// y = intercept + slope x, in the coordinates with the origins added. The intervals hold 95 % of
/// what resampled points give (percentile bootstrap over points, Efron and Tibshirani 1993, with
/// 2000 resamples of a fixed seed).
struct Line {
  double slope = 0.0, intercept = 0.0;
  double r2 = 0.0;    ///< 1 - SS_res / SS_tot, also where the slope is held; NaN for equal y
  double rmse = 0.0;  ///< sqrt(SS_res / n): divided by the points, not by the degrees of freedom
  Interval slope_interval, intercept_interval;
  std::size_t points = 0;
};

/// Ordinary least squares. Throws with fewer than three points, equal x, or values that are not
/// finite. Resamples whose x are all equal are left out.
Line least_squares(const Sample& sample);

/// The best line of slope 1: its intercept is the mean of y - x. Throws as least_squares does.
Line slope_one(const Sample& sample);

/// Spearman's rank correlation; equal values share the mean of their ranks. Throws with fewer than
/// three points, values that are not finite, or equal x or y.
double spearman(const Sample& sample);

}  // namespace rho::sweep
