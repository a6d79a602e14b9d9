#include "kernels/cpu/winograd.h"

#include <hwy/cache_control.h>

#include <algorithm>

#include "kernels/cpu/caches.h"
#include "kernels/cpu/channel_statistics.h"
#include "kernels/cpu/integers.h"
#include "kernels/cpu/micro_kernel.h"
#include "kernels/cpu/parallel.h"
#include "kernels/cpu/scratch.h"
#include "kernels/cpu/slices.h"
#include "kernels/cpu/streaming.h"
#include "kernels/cpu/transpose.h"
#include "kernels/cpu/winograd_tiles.h"
#include "kernels/cpu/winograd_transforms.h"
#include "kernels/threads.h"

namespace rho::kernels::cpu {
namespace {

constexpr std::int64_t kMaxFrequencies = WinogradScheme::kMaxFrequencies;
constexpr std::int64_t kTile = WinogradScheme::kTile;
constexpr std::int64_t kMinChannels = 8;
constexpr std::int64_t kTilesOfSum = 32;    // between which a weight gradient goes to memory
constexpr std::int64_t kTilesOfSlice = 32;  // of a weight gradient's sum, at least
constexpr std::int64_t kMinTiles = 64;      // for the transforms of the filters to pay
constexpr std::int64_t kTilesOfPart = 16;   // of y's statistics
constexpr std::int64_t kStretch = 4096;     // elements of one that is handed over, at least

/// Tiles to transform at once, where one takes `columns` numbers a frequency: as many as half the
/// second cache holds. Filters that it does not hold beside them, [depth, outs] a frequency, come
/// from further away once a block: then so many that these are no more than what the tiles move.
std::int64_t block_of(const WinogradScheme& scheme, std::int64_t columns, std::int64_t depth,
                      std::int64_t outs) {
  constexpr std::int64_t kRows = 12;  // whole register tiles of most kinds
  const std::int64_t half = caches().second / 2;
  const std::int64_t fitting = half / (scheme.frequencies() * columns * 4);
  const bool far = scheme.filter_frequencies() * depth * outs * 4 > half;
  const std::int64_t even = far ? depth * outs / (depth + outs) : 0;
  return std::clamp<std::int64_t>(std::max(fitting, even) / kRows * kRows, kRows, 512);
}

/// Zeros that serve as a row of a square, or as a bias.
const float* zeros(const WinogradShape& s) {
  thread_local Scratch scratch;
  const std::int64_t count = WinogradScheme::kMaxPoints * s.step() * std::max(s.ins, s.outs);
  float* const out = scratch.get<float>(count);
  std::fill_n(out, count, 0.0F);
  return out;
}

/// The channels of every phase, next to each other.
struct Phases {
  std::int64_t count, channels;

  std::int64_t all() const { return count * channels; }
};

/// Filters in the frequency domain, packed in panels of columns: [frequency][panel][k][width].
class PackedFilters {
 public:
  PackedFilters(std::int64_t frequencies, const Phases& ins, const Phases& outs, Scratch& scratch)
      : ins_(ins),
        outs_(outs),
        panels_(outs.all(), micro_kernels<float>().widest(Rows::Contiguous)),
        data_(scratch.get<float>(frequencies * ins.all() * panels_.padded())) {
    // What is in no column is multiplied, too.
    if (panels_.padded() != outs.all())
      std::fill_n(data_, frequencies * ins.all() * panels_.padded(), 0.0F);
  }

  const Phases& ins() const { return ins_; }
  const Phases& outs() const { return outs_; }
  const Panels<float>& panels() const { return panels_; }
  const float* panel(std::int64_t frequency, std::int64_t p) const { return at(frequency, p); }
  /// Element (k + c, column + i) = values[i * pitch + c]: a block whose columns are in memory.
  void set_columns(std::int64_t frequency, std::int64_t k, std::int64_t column, const float* values,
                   std::int64_t pitch, std::int64_t rows, std::int64_t columns) {
    for_each_run(frequency, k, column, columns,
                 [&](std::int64_t i, std::int64_t run, float* to, std::int64_t width) {
                   transpose(values + i * pitch, pitch, run, rows, to, width);
                 });
  }
  /// Element (k + i, column + c) = values[i * pitch + c].
  void set_rows(std::int64_t frequency, std::int64_t k, std::int64_t column, const float* values,
                std::int64_t pitch, std::int64_t rows, std::int64_t columns) {
    for_each_run(frequency, k, column, columns,
                 [&](std::int64_t c, std::int64_t run, float* to, std::int64_t width) {
                   for (std::int64_t i = 0; i < rows; ++i)
                     std::copy_n(values + i * pitch + c, run, to + i * width);
                 });
  }

 private:
  /// Calls body(i, run, to, width) for the columns column + i, ..., column + i + run - 1 that lie
  /// in one panel: `to` is the first of them in row k, rows are `width` apart.
  template <class Body>
  void for_each_run(std::int64_t frequency, std::int64_t k, std::int64_t column,
                    std::int64_t columns, const Body& body) const {
    for (std::int64_t i = 0; i < columns;) {
      const std::int64_t p = panels_.of(column + i), width = panels_.width(p);
      const std::int64_t within = column + i - panels_.first(p);
      const std::int64_t run = std::min(columns - i, width - within);
      body(i, run, at(frequency, p) + k * width + within, width);
      i += run;
    }
  }
  float* at(std::int64_t frequency, std::int64_t p) const {
    return data_ + (frequency * panels_.padded() + panels_.first(p)) * ins_.all();
  }

  Phases ins_, outs_;
  Panels<float> panels_;
  float* data_;
};

const WinogradScheme& scheme_of(const WinogradShape& s) {
  const WinogradSchemes& schemes = winograd_schemes();
  if (s.stride == 2) return s.kernel == 3 ? schemes.taps3_stride2 : schemes.taps5_stride2;
  return s.kernel == 3 ? schemes.taps3 : schemes.taps5;
}

/// Filters to transform together, so that they fill the vectors of a packed panel.
constexpr std::int64_t kGroup = 16;

/// Filters as images of taps, of which each phase is one tile.
template <class T>
Squares<T> filter_taps(const WinogradShape& s, T* w, std::int64_t taps, T* outside) {
  return {.data = w,
          .height = s.kernel,
          .width = s.kernel,
          .channels = s.ins,
          .step = s.step(),
          .cells = taps,
          .outside = outside};
}

/// A square of n x n cells, the last first.
template <class T>
WinogradScheme::Square<T> reversed(const WinogradScheme::Square<T>& square, std::int64_t n) {
  WinogradScheme::Square<T> out{
      .rows = {}, .across = -square.across, .first = n - square.last, .last = n - square.first};
  for (std::int64_t i = 0; i < n; ++i)
    out.rows[i] = square.rows[n - 1 - i] + (n - 1) * square.across;
  return out;
}

/// Calls use(o, count, phase, spectra, of) for groups of filters o, ..., o + count - 1 and every
/// phase; spectra[f * of.stride + i * of.pitch + c] is filter o + i. `flipped`: the taps in reverse
/// order.
template <class Use>
void transform_filters(const WinogradShape& s, const float* w, bool flipped, const Use& use) {
  const WinogradScheme::Forwards& transform = scheme_of(s).filter;
  const std::int64_t taps = transform.cells;
  const std::int64_t groups = ceil_div(s.outs, kGroup);
  const Squares<const float> filters = filter_taps(s, w, taps, zeros(s));
  parallel_for(groups * s.phases(), [&](std::int64_t task) {
    thread_local Scratch scratch;
    const std::int64_t first = task % groups * kGroup, phase = task / groups;
    const std::int64_t count = std::min(kGroup, s.outs - first);
    const Spectrum of(scheme_of(s).filter_frequencies(), kGroup, s.ins);
    float* const spectra = scratch.get<float>(of.size());
    for (std::int64_t i = 0; i < count; ++i) {
      WinogradScheme::Square<const float> square = filters.at({first + i, 0, 0}, phase);
      if (flipped) square = reversed(square, taps);
      transform.apply(square, s.ins, spectra + i * of.pitch, of.stride);
    }
    use(first, count, phase, spectra, of);
  });
}

/// The channels of the phases that have products of a frequency, in runs of one length.
struct Runs {
  std::int64_t first[WinogradScheme::kMaxPhases];
  std::int64_t count = 0, length;

  Runs(const WinogradScheme& scheme, const WinogradScheme::Direction& direction,
       std::int64_t frequency, const Phases& phases)
      : length(phases.channels) {
    for (std::int64_t phase = 0; phase < phases.count; ++phase)
      if (scheme.has(direction, frequency, phase)) first[count++] = phase * phases.channels;
    if (count < phases.count) return;
    count = 1;
    length = phases.all();
  }
};

/// m = u v in every frequency, for `rows` tiles. It is not set where no phase has products.
void multiply(const WinogradScheme& scheme, const WinogradScheme::Direction& direction,
              const float* u, const Spectrum& of_u, const PackedFilters& v, std::int64_t rows,
              float* m, const Spectrum& of_m) {
  const auto& kernels = micro_kernels<float>();
  const Panels<float>& panels = v.panels();
  PanelProduct<float> product;
  product.count = rows;
  product.row_pitch = of_u.pitch;
  product.out_pitch = of_m.pitch;
  for (std::int64_t filter = 0; filter < scheme.filter_frequencies(); ++filter)
    for (std::int64_t p = 0; p < panels.count; ++p) {
      const std::int64_t first = panels.first(p), last = first + panels.valid(p) - 1;
      product.columns = v.panel(filter, p);
      product.column_step = panels.width(p);
      product.valid_columns = panels.computed(p);
      const std::int64_t first_phase = first / v.outs().channels,
                         last_phase = last / v.outs().channels;
      scheme.for_each_frequency(filter, [&](std::int64_t f) {
        bool any = false;
        for (std::int64_t phase = first_phase; phase <= last_phase; ++phase)
          any = any || scheme.has(direction, f, phase);
        if (!any) return;
        const Runs runs(scheme, direction, f, v.ins());
        std::int64_t in_panel[WinogradScheme::kMaxPhases];
        for (std::int64_t i = 0; i < runs.count; ++i) in_panel[i] = runs.first[i] * panels.width(p);
        product.segments = runs.count;
        product.length = runs.length;
        product.row_segments = runs.first;
        product.column_segments = in_panel;
        product.rows = u + f * of_u.stride;
        product.out = m + f * of_m.stride + first;
        kernels.run(Rows::Contiguous, panels.vectors(p), product);
      });
    }
}

/// sum (+)= g^T u in every frequency of a filter, over `count` tiles and those of their frequencies
/// that meet it: rows x the channels of all phases, 0 where a phase has no products.
void add_products(const WinogradScheme& scheme, const float* g, const Spectrum& of_g,
                  const float* u, const Spectrum& of_u, std::int64_t rows, const Phases& phases,
                  std::int64_t count, bool accumulate, float* sum, const Spectrum& of_sum) {
  const auto& kernels = micro_kernels<float>();
  PanelProduct<float> product;
  product.count = rows;
  product.rows = g;
  product.length = count;
  product.accumulate = accumulate;
  product.row_step = of_g.pitch;
  product.column_step = of_u.pitch;
  product.out_pitch = of_sum.pitch;
  for (std::int64_t filter = 0; filter < scheme.filter_frequencies(); ++filter) {
    std::int64_t in_g[kMaxFrequencies], in_u[kMaxFrequencies];
    product.segments = 0;
    scheme.for_each_frequency(filter, [&](std::int64_t f) {
      in_g[product.segments] = f * of_g.stride;
      in_u[product.segments++] = f * of_u.stride;
    });
    product.row_segments = in_g;
    product.column_segments = in_u;
    float* const out = sum + filter * of_sum.stride;
    const Runs runs(scheme, scheme.forward, filter, phases);
    const Panels<float> panels(runs.length, kernels.widest(Rows::Adjacent));
    if (runs.length < phases.all() && !accumulate)
      for (std::int64_t i = 0; i < rows; ++i)
        std::fill_n(out + i * of_sum.pitch, phases.all(), 0.0F);
    for (std::int64_t i = 0; i < runs.count; ++i)
      for (std::int64_t p = 0; p < panels.count; ++p) {
        const std::int64_t column = runs.first[i] + panels.first(p);
        product.columns = u + column;
        product.valid_columns = panels.valid(p);
        product.out = out + column;
        kernels.run(Rows::Adjacent, panels.vectors(p), product);
      }
  }
}

/// The inputs of tiles of outputs.
Squares<const float> inputs(const WinogradShape& s, const float* x) {
  return {.data = x,
          .height = s.height,
          .width = s.width,
          .channels = s.ins,
          .step = s.step(),
          .cells = scheme_of(s).forward.input[0].cells,
          .top = -s.pad_h,
          .left = -s.pad_w,
          .advance = s.stride * kTile,
          .outside = zeros(s)};
}
/// Tiles of outputs, or of their gradients.
template <class T>
Squares<T> outputs(const WinogradShape& s, T* y, T* outside) {
  return {.data = y,
          .height = s.out_height,
          .width = s.out_width,
          .channels = s.outs,
          .step = 1,
          .cells = kTile,
          .advance = kTile,
          .outside = outside};
}

/// What happens to pixels on their way to memory, where it is not null.
struct OnTheWay {
  const WinogradScheme::Finish* finish = nullptr;
  const Squares<const float>* residual = nullptr;  ///< whose pixels `finish` reads
  ChannelStatistics* statistics = nullptr;         ///< of the pixels, without the two others
  const Receiver* receiver = nullptr;              ///< takes them, without the others
};

/// Whole rows of tiles that are handed over together, because they lie in memory without gaps.
struct Stretches {
  std::int64_t tiles, count;

  template <class T>
  Stretches(const Tiles& all, const Squares<T>& pixels) {
    const std::int64_t pixels_of_row = pixels.advance * pixels.width * pixels.channels;
    tiles = std::max<std::int64_t>(ceil_div(kStretch, pixels_of_row), 1) * all.columns;
    count = ceil_div(all.count, tiles);
  }
};

/// Of kTilesOfPart tiles after each other, as one thread takes them.
class PartStatistics {
 public:
  PartStatistics(ChannelStatistics* of, const Squares<float>& pixels, Scratch& scratch)
      : of_(of),
        pixels_(pixels),
        centre_(of == nullptr ? nullptr : scratch.get<float>(pixels.channels)) {}

  /// For the sums of tile t, which adds its own.
  WinogradScheme::Moments moments(std::int64_t t) const {
    const std::int64_t part = t / kTilesOfPart;
    return {t % kTilesOfPart == 0, centre_, of_->sums(part), of_->squares(part)};
  }
  void added(std::int64_t t, const Tile& tile, bool last) {
    const auto inside = [](std::int64_t i, std::int64_t extent) {
      return std::min(kTile, extent - i * kTile);
    };
    count_ += inside(tile.row, pixels_.height) * inside(tile.column, pixels_.width);
    if (!last && (t + 1) % kTilesOfPart != 0) return;
    of_->centre(t / kTilesOfPart, count_, centre_);
    count_ = 0;
  }

 private:
  ChannelStatistics* of_;
  const Squares<float>& pixels_;
  float* centre_;
  std::int64_t count_ = 0;
};

/// Slides the filters over `from`, which gives `to`.
void slide(const WinogradScheme& scheme, const WinogradScheme::Direction& direction,
           const Tiles& tiles, const PackedFilters& filters, const Squares<const float>& from,
           const Squares<float>& to, const OnTheWay& on_the_way = {}) {
  const std::int64_t in = from.depth(), out = to.depth();
  // Products may overwrite what they are made of where one pass over it gives all of them.
  const bool in_place = filters.panels().count == 1 && in == out;
  const std::int64_t most = block_of(scheme, in_place ? in : in + out, in, out);
  // As many blocks for each thread, and some, because threads are not equally fast.
  const std::int64_t rounds = std::max<std::int64_t>(4, ceil_div(tiles.count, most * threads()));
  const std::int64_t even = ceil_div(tiles.count, rounds * threads());
  // One thread has all tiles of a part, or of a stretch.
  const Stretches stretches(tiles, to);
  const std::int64_t whole = on_the_way.receiver != nullptr     ? stretches.tiles
                             : on_the_way.statistics != nullptr ? kTilesOfPart
                                                                : 1;
  const std::int64_t block = ceil_div(even, whole) * whole;
  const std::int64_t images = tiles.count / (tiles.rows * tiles.columns);
  const bool streams = direction.output[0].stream != nullptr && to.channels % 16 == 0 &&
                       is_streamed(to.data, images * to.height * to.width * to.channels * 4);
  parallel_ranges(tiles.count, block, [&](std::int64_t first, std::int64_t last) {
    thread_local Scratch scratch_u, scratch_m, scratch_centre;
    PartStatistics part(on_the_way.statistics, to, scratch_centre);
    const Spectrum of_u(scheme.frequencies(), block, in), of_m(scheme.frequencies(), block, out);
    float* const u = scratch_u.get<float>(of_u.size());
    float* const m = in_place ? u : scratch_m.get<float>(of_m.size());
    const auto take = [&](std::int64_t i, const Tile& tile) {
      for (std::int64_t phase = 0; phase < from.phases(); ++phase)
        direction.input[phase].apply(from.at(tile, phase), from.channels,
                                     u + i * of_u.pitch + phase * from.channels, of_u.stride);
    };
    const auto give = [&](const Squares<float>& pixels, bool past_caches, std::int64_t i,
                          const Tile& tile) {
      for (std::int64_t phase = 0; phase < to.phases(); ++phase) {
        const WinogradScheme::Backwards& output = direction.output[phase];
        (past_caches ? output.stream : output.apply)(m + i * of_m.pitch + phase * to.channels,
                                                     of_m.stride, to.channels,
                                                     pixels.at(tile, phase), on_the_way.finish);
      }
    };
    const auto store = [&](std::int64_t i, const Tile& tile) { give(to, streams, i, tile); };
    const auto give_and_sum = [&](std::int64_t i, const Tile& tile) {
      const WinogradScheme::Backwards& output = direction.output[0];
      (streams ? output.stream_summing : output.apply_summing)(
          m + i * of_m.pitch, of_m.stride, to.channels, to.at(tile, 0), part.moments(first + i));
      part.added(first + i, tile, first + i + 1 == tiles.count);
    };
    const auto hand_over = [&](std::int64_t t) {
      const auto element = [&](std::int64_t tile) {
        return to.begin(tiles.at(std::min(tile, tiles.count)));
      };
      const std::int64_t next = t + stretches.tiles;
      const std::int64_t begin = element(t), end = element(next);
      const std::int64_t after = element(next + stretches.tiles);
      const std::int64_t share = ceil_div(after - end, stretches.tiles);
      thread_local Scratch scratch;
      Squares<float> here = to;
      here.data = scratch.get<float>(end - begin);
      here.origin = begin;
      const Receiver& receiver = *on_the_way.receiver;
      for_each_tile(tiles, t, std::min(next, last), [&](std::int64_t i, const Tile& tile) {
        receiver.prefetch(end + i * share, std::min(end + (i + 1) * share, after));
        give(here, false, t - first + i, tile);
      });
      receiver.take(t / stretches.tiles, begin, end - begin, here.data);
    };
    for_each_tile(tiles, first, last, take, &from);
    multiply(scheme, direction, u, of_u, filters, last - first, m, of_m);
    const Squares<float>* const wanted = streams ? nullptr : &to;
    if (on_the_way.receiver != nullptr)
      for (std::int64_t t = first; t < last; t += stretches.tiles) hand_over(t);
    else if (on_the_way.statistics != nullptr)
      for_each_tile(tiles, first, last, give_and_sum, wanted);
    else
      for_each_tile(tiles, first, last, store, wanted, on_the_way.residual);
    if (streams) hwy::FlushStream();
  });
}

}  // namespace

std::optional<WinogradShape> winograd_shape(const Shape& x, const Shape& w, const Shape& y,
                                            const Conv2dOptions& options) {
  const auto& [stride_h, stride_w, pad_h, pad_w, groups] = options;
  const std::int64_t kernel = w[1];
  const bool odd_padding = pad_h % 2 == 1 && pad_w % 2 == 1;
  const bool known = (kernel == 3 && (stride_h == 1 || (stride_h == 2 && odd_padding))) ||
                     (kernel == 5 && stride_h <= 2);
  if (!known || w[2] != kernel || stride_w != stride_h || groups != 1) return std::nullopt;
  const WinogradShape shape{x[0], x[1],   x[2],     x[3],  y[1], y[2],
                            y[3], kernel, stride_h, pad_h, pad_w};
  const Tiles tiles(shape.images, shape.out_height, shape.out_width);
  const bool pays = shape.ins >= kMinChannels && shape.outs >= kMinChannels &&
                    tiles.count >= kMinTiles && shape.out_height >= kTile &&
                    shape.out_width >= kTile;
  return pays ? std::optional(shape) : std::nullopt;
}

namespace {

void forward(const WinogradShape& s, const float* x, const float* w, float* y,
             const OnTheWay& on_the_way) {
  thread_local Scratch scratch;
  const WinogradScheme& scheme = scheme_of(s);
  const std::int64_t frequencies = scheme.filter_frequencies();
  PackedFilters filters(frequencies, {s.phases(), s.ins}, {1, s.outs}, scratch);
  transform_filters(s, w, false,
                    [&](std::int64_t o, std::int64_t count, std::int64_t phase,
                        const float* spectra, const Spectrum& of) {
                      for (std::int64_t f = 0; f < frequencies; ++f)
                        filters.set_columns(f, phase * s.ins, o, spectra + f * of.stride, of.pitch,
                                            s.ins, count);
                    });
  slide(scheme, scheme.forward, Tiles(s.images, s.out_height, s.out_width), filters, inputs(s, x),
        outputs<float>(s, y, nullptr), on_the_way);
}

}  // namespace

void winograd_forward(const WinogradShape& s, const float* x, const float* w,
                      const Epilogue<float>& then, float* y) {
  const WinogradScheme::Finish finish{then.bias != nullptr ? then.bias : zeros(s), then.residual, y,
                                      then.floor};
  const Squares<const float> residual = outputs(s, then.residual, zeros(s));
  forward(s, x, w, y,
          {.finish = then.empty ? nullptr : &finish,
           .residual = then.residual != nullptr ? &residual : nullptr});
}

void winograd_forward(const WinogradShape& s, const float* x, const float* w, float* y,
                      const Tensor& mean, const Tensor& variance) {
  const Tiles tiles(s.images, s.out_height, s.out_width);
  ChannelStatistics statistics(ceil_div(tiles.count, kTilesOfPart), s.outs);
  forward(s, x, w, y, {.statistics = &statistics});
  statistics.merge(mean, variance);
}

namespace {

/// Where the tiles of an input's gradient lie along one dimension: tile t begins with pixel
/// start + t * stride * kTile of phase 0, and sees gradients from first + t * kTile on.
struct InputTiles {
  InputTiles(const WinogradShape& s, std::int64_t size, std::int64_t pad) {
    if (s.strided()) {
      // Pixel 2 q of a tile met the tap w1 of output q, pixel 2 q + 1 w0 and w2 of two.
      first = (pad - 1) / 2;
      start = 0;
      count = ceil_div(size, 2);
    } else {
      // Pixel h of phase p is q = (h + pad - p) / stride, and sees the gradients q - taps + 1 to q.
      const std::int64_t q = pad / s.stride;
      first = q - s.taps() + 1;
      start = s.stride * q - pad;
      count = (size - 1 + pad) / s.stride - q + 1;
    }
  }

  std::int64_t first, start, count;
};

/// The tiles of an input's gradient.
Tiles input_tiles(const WinogradShape& s) {
  return {s.images, InputTiles(s, s.height, s.pad_h).count, InputTiles(s, s.width, s.pad_w).count};
}
Squares<float> input_gradients(const WinogradShape& s, float* grad_x) {
  return {.data = grad_x,
          .height = s.height,
          .width = s.width,
          .channels = s.ins,
          .step = s.step(),
          .cells = scheme_of(s).input_grad.output[0].cells,
          .top = InputTiles(s, s.height, s.pad_h).start,
          .left = InputTiles(s, s.width, s.pad_w).start,
          .advance = s.stride * kTile};
}

void input_grad(const WinogradShape& s, const float* grad_y, const float* w, float* grad_x,
                const OnTheWay& on_the_way) {
  thread_local Scratch scratch;
  const WinogradScheme& scheme = scheme_of(s);
  const std::int64_t frequencies = scheme.filter_frequencies();
  PackedFilters filters(frequencies, {1, s.outs}, {s.phases(), s.ins}, scratch);
  transform_filters(s, w, true,
                    [&](std::int64_t o, std::int64_t count, std::int64_t phase,
                        const float* spectra, const Spectrum& of) {
                      for (std::int64_t f = 0; f < frequencies; ++f)
                        filters.set_rows(f, o, phase * s.ins, spectra + f * of.stride, of.pitch,
                                         count, s.ins);
                    });
  const Squares<const float> in{.data = grad_y,
                                .height = s.out_height,
                                .width = s.out_width,
                                .channels = s.outs,
                                .step = 1,
                                .cells = scheme.input_grad.input[0].cells,
                                .top = InputTiles(s, s.height, s.pad_h).first,
                                .left = InputTiles(s, s.width, s.pad_w).first,
                                .advance = kTile,
                                .outside = zeros(s)};
  slide(scheme, scheme.input_grad, input_tiles(s), filters, in, input_gradients(s, grad_x),
        on_the_way);
}

}  // namespace

void winograd_input_grad(const WinogradShape& s, const float* grad_y, const float* w,
                         float* grad_x) {
  input_grad(s, grad_y, w, grad_x, {});
}

void winograd_input_grad(const WinogradShape& s, const float* grad_y, const float* w,
                         const Receiver& receiver) {
  input_grad(s, grad_y, w, nullptr, {.receiver = &receiver});
}

std::int64_t input_grad_stretches(const WinogradShape& s) {
  return Stretches(input_tiles(s), input_gradients(s, nullptr)).count;
}

// The gradient of a tile takes the part of the filter, and the taps that of the outputs. Each slice
// of the tiles has a sum of its own; how many there are depends on the shape alone, so the order of
// additions does not depend on the threads.
void winograd_weight_grad(const WinogradShape& s, const float* x, const float* grad_y,
                          float* grad_w) {
  const WinogradScheme& scheme = scheme_of(s);
  const std::int64_t depth = s.phases() * s.ins;
  const Tiles tiles(s.images, s.out_height, s.out_width);
  if (tiles.count == 0) std::fill_n(grad_w, s.outs * s.kernel * s.kernel * s.ins, 0.0F);
  if (tiles.count == 0) return;
  const Spectrum of_sum(scheme.filter_frequencies(), s.outs, depth);
  const std::int64_t slices = slices_of(tiles.count / kTilesOfSlice, of_sum.size() * 4);
  thread_local Scratch scratch_sums;
  float* const sums = scratch_sums.get<float>(slices * of_sum.size());
  const Squares<const float> in = inputs(s, x);
  const Squares<const float> gradient = outputs(s, grad_y, zeros(s));
  const std::int64_t block = std::max(kTilesOfSum, block_of(scheme, depth + s.outs, depth, s.outs));
  const Spectrum of_u(scheme.frequencies(), block, depth),
      of_g(scheme.frequencies(), block, s.outs);

  parallel_for(slices, [&](std::int64_t slice) {
    thread_local Scratch scratch_u, scratch_g;
    float* const u = scratch_u.get<float>(of_u.size());
    float* const g = scratch_g.get<float>(of_g.size());
    const std::int64_t begin = tiles.count * slice / slices;
    const std::int64_t end = tiles.count * (slice + 1) / slices;
    for (std::int64_t first = begin; first < end; first += block) {
      const std::int64_t count = std::min(block, end - first);
      const auto take = [&](std::int64_t i, const Tile& tile) {
        for (std::int64_t phase = 0; phase < in.phases(); ++phase)
          scheme.forward.input[phase].apply(in.at(tile, phase), s.ins,
                                            u + i * of_u.pitch + phase * s.ins, of_u.stride);
        scheme.gradient.apply(gradient.at(tile, 0), s.outs, g + i * of_g.pitch, of_g.stride);
      };
      for_each_tile(tiles, first, first + count, take, &in, &gradient);
      add_products(scheme, g, of_g, u, of_u, s.outs, {s.phases(), s.ins}, count, first > begin,
                   sums + slice * of_sum.size(), of_sum);
    }
  });

  const Squares<float> out = filter_taps<float>(s, grad_w, scheme.weight_grad.cells, nullptr);
  const WinogradScheme::Backwards& to_taps = scheme.weight_grad;
  // Along memory, which a loop over the filters would leap through.
  parallel_for(of_sum.frequencies, [&](std::int64_t f) {
    float* const total = sums + f * of_sum.stride;
    for (std::int64_t slice = 1; slice < slices; ++slice) {
      const float* const from = total + slice * of_sum.size();
      for (std::int64_t o = 0; o < s.outs * of_sum.pitch; o += of_sum.pitch)
        for (std::int64_t c = o; c < o + depth; ++c) total[c] += from[c];
    }
  });
  parallel_for(s.outs, [&](std::int64_t o) {
    const float* const total = sums + o * of_sum.pitch;
    for (std::int64_t phase = 0; phase < s.phases(); ++phase) {
      to_taps.apply(total + phase * s.ins, of_sum.stride, s.ins, out.at({o, 0, 0}, phase), nullptr);
    }
  });
}

}  // namespace rho::kernels::cpu
